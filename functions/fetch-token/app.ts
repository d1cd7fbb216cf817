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
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { Result } from '../../shared/domain/result.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import { parseBasic, parseClientAuthentication } from '../../shared/protocol/client-authentication.ts';
import { authorizationServerMetadata } from '../../shared/protocol/server-metadata.ts';
import { statusReply } from '../../shared/protocol/status.ts';
import { preferredLanguage } from '../../shared/protocol/texts/index.ts';
import { parseTokenRequest, parseTokenWishes, tokenReply } from '../../shared/protocol/token-request.ts';
import type { FetchToken, ServerFor } from '../../shared/usecases/devices/fetch-token.ts';
import type { ReadDeviceStatus } from '../../shared/usecases/devices/read-device-status.ts';
import type { RedeemDeviceCode } from '../../shared/usecases/pairing/redeem-device-code.ts';
import type { RedeemRefreshToken } from '../../shared/usecases/pairing/redeem-refresh-token.ts';

/** What a device calls most: its token and its status. */
export const fetchTokenApp = ({
  fetchToken,
  redeemDeviceCode,
  redeemRefreshToken,
  readDeviceStatus,
  serverFor,
  publicUrl,
  log,
  random,
}: {
  fetchToken: FetchToken;
  redeemDeviceCode: RedeemDeviceCode;
  redeemRefreshToken: RedeemRefreshToken;
  readDeviceStatus: ReadDeviceStatus;
  serverFor: ServerFor;
  publicUrl: string;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({ errorShape: 'oauth', log, random });

  const replyToken = (c: BrokerContext, token: Result<Parameters<typeof tokenReply>[0], BrokerError>) => {
    // RFC 6749 section 5.1, for caches of HTTP/1.0.
    c.header('Pragma', 'no-cache');
    return token.ok && (c.req.header('accept') ?? '').split(',')[0]?.trim().startsWith('text/plain')
      ? c.text(token.value.accessToken)
      : replyResult(c, token, tokenReply);
  };

  app.get('/.well-known/oauth-authorization-server', (c) => c.json(authorizationServerMetadata(publicUrl)));

  app.post('/oauth/token', async (c) => {
    const form = await readForm(c);
    if (!form.ok) return replyError(c, form.error);
    const request = parseTokenRequest(form.value);
    if (!request.ok) return replyError(c, request.error);
    const credential = parseClientAuthentication(c.req.header('authorization'), form.value);
    if (!credential.ok) return replyError(c, credential.error);
    const device = { ...credential.value, place: placeOf(c) };
    const { value: wish } = request;
    switch (wish.grantType) {
      case 'client_credentials':
        return replyToken(c, await fetchToken({ ...device, ...wish }));
      case 'device_code':
        return replyToken(c, await redeemDeviceCode({ ...device, ...wish }));
      case 'refresh_token':
        return replyToken(c, await redeemRefreshToken({ ...device, ...wish }));
    }
  });

  app.get('/v1/token', async (c) => {
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const query = readQuery(c);
    if (!query.ok) return replyError(c, query.error);
    const wishes = parseTokenWishes(query.value);
    if (!wishes.ok) return replyError(c, wishes.error);
    return replyToken(c, await fetchToken({ ...credential.value, ...wishes.value, place: placeOf(c) }));
  });

  app.get('/v1/status', async (c) => {
    c.set('errorShape', 'problem');
    const credential = parseBasic(c.req.header('authorization'));
    if (!credential.ok) return replyError(c, credential.error);
    const status = await readDeviceStatus({ ...credential.value, place: placeOf(c) });
    if (!status.ok) return replyError(c, status.error);
    const language = preferredLanguage(c.req.header('accept-language'), status.value.device.metadata.locale);
    c.header('Content-Language', language);
    return c.json(statusReply(status.value, language, serverFor));
  });

  return app;
};
