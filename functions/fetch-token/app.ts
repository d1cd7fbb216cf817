import type { Hono } from 'hono';
import {
  type BrokerContext,
  type BrokerEnv,
  brokerApp,
  replyError,
  replyResult,
} from '../../shared/adapters/http/app.ts';
import { readForm, readQuery } from '../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import {
  type ClientCredential,
  parseBasic,
  parseClientAuthentication,
} from '../../shared/protocol/client-authentication.ts';
import { authorizationServerMetadata } from '../../shared/protocol/server-metadata.ts';
import { statusReply } from '../../shared/protocol/status.ts';
import { preferredLanguage } from '../../shared/protocol/texts/index.ts';
import { parseTokenWishes, tokenReply } from '../../shared/protocol/token-request.ts';
import type { FetchToken, ServerFor } from '../../shared/usecases/fetch-token.ts';
import type { ReadDeviceStatus } from '../../shared/usecases/read-device-status.ts';

/** What a device calls most: its token and its status. */
export const fetchTokenApp = ({
  fetchToken,
  readDeviceStatus,
  serverFor,
  publicUrl,
  log,
  random,
}: {
  fetchToken: FetchToken;
  readDeviceStatus: ReadDeviceStatus;
  serverFor: ServerFor;
  publicUrl: string;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({ errorShape: 'oauth', log, random });

  const issue = async (c: BrokerContext, credential: ClientCredential, parameters: Record<string, string>) => {
    const wishes = parseTokenWishes(parameters);
    if (!wishes.ok) return replyError(c, wishes.error);
    const token = await fetchToken({ ...credential, ...wishes.value, place: placeOf(c) });
    if (token.ok && (c.req.header('accept') ?? '').split(',')[0]?.trim().startsWith('text/plain')) {
      return c.text(token.value.accessToken);
    }
    return replyResult(c, token, tokenReply);
  };

  app.get('/.well-known/oauth-authorization-server', (c) => c.json(authorizationServerMetadata(publicUrl)));

  app.post('/oauth/token', async (c) => {
    const form = await readForm(c);
    if (!form.ok) return replyError(c, form.error);
    const { grant_type } = form.value;
    if (grant_type === undefined) return replyError(c, brokerError('invalid_request', 'grant_type is missing.'));
    const credential = parseClientAuthentication(c.req.header('authorization'), form.value);
    if (!credential.ok) return replyError(c, credential.error);
    if (grant_type !== 'client_credentials') return replyError(c, brokerError('unsupported_grant_type'));
    return issue(c, credential.value, form.value);
  });

  app.get('/v1/token', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const query = readQuery(c);
    return query.ok ? issue(c, credential.value, query.value) : replyError(c, query.error);
  });

  app.get('/v1/status', async (c) => {
    c.set('errorShape', 'problem');
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const language = preferredLanguage(c.req.header('accept-language'));
    c.header('Content-Language', language);
    const status = await readDeviceStatus({ ...credential.value, place: placeOf(c) });
    return replyResult(c, status, (value) => statusReply(value, language, serverFor));
  });

  return app;
};
