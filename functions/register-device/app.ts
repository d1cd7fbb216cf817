import type { Hono } from 'hono';
import {
  type BrokerContext,
  type BrokerEnv,
  brokerApp,
  replyError,
  replyResult,
} from '../../shared/adapters/http/app.ts';
import { readJson } from '../../shared/adapters/http/bodies.ts';
import { brokerError } from '../../shared/domain/errors.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import { parseBearer } from '../../shared/protocol/client-authentication.ts';
import { parseDeviceMetadata, registrationReply } from '../../shared/protocol/registration.ts';
import type { ManageRegistration, RegisterDevice } from '../../shared/usecases/register-device.ts';

/** Devices register themselves (RFC 7591) and look after their registration (RFC 7592). */
export const registerDeviceApp = ({
  registerDevice,
  manageRegistration,
  publicUrl,
  log,
  random,
}: {
  registerDevice: RegisterDevice;
  manageRegistration: ManageRegistration;
  publicUrl: string;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({ errorShape: 'oauth', log, random });
  const bearer = (c: BrokerContext): string => parseBearer(c.req.header('authorization')) ?? '';

  app.post('/oauth/register', async (c) => {
    const body = await readJson(c);
    if (!body.ok) return replyError(c, body.error);
    const metadata = parseDeviceMetadata(body.value);
    if (!metadata.ok) return replyError(c, metadata.error);
    const made = await registerDevice(bearer(c), metadata.value);
    return replyResult(c, made, (secrets) => registrationReply(secrets.device, publicUrl, secrets), 201);
  });

  app.get('/oauth/register/:client_id', async (c) => {
    const registrationAccessToken = bearer(c);
    const device = await manageRegistration.read(c.req.param('client_id'), registrationAccessToken);
    return replyResult(c, device, (value) => registrationReply(value, publicUrl, { registrationAccessToken }));
  });

  /** RFC 7592 section 2.2. `"rotate_secret": true` asks for a new secret. */
  app.put('/oauth/register/:client_id', async (c) => {
    const clientId = c.req.param('client_id');
    const body = await readJson(c);
    if (!body.ok) return replyError(c, body.error);
    const metadata = parseDeviceMetadata(body.value);
    if (!metadata.ok) return replyError(c, metadata.error);
    const named = body.value as { client_id?: unknown; client_secret?: unknown; rotate_secret?: unknown };
    if (named.client_id !== undefined && named.client_id !== clientId) {
      return replyError(c, brokerError('invalid_client_metadata', 'client_id: names another device'));
    }
    const registrationAccessToken = bearer(c);
    const updated = await manageRegistration.update(clientId, registrationAccessToken, metadata.value, {
      clientSecret: named.client_secret,
      rotateSecret: named.rotate_secret === true,
    });
    return replyResult(c, updated, ({ device, clientSecret }) =>
      registrationReply(device, publicUrl, { clientSecret, registrationAccessToken }),
    );
  });

  app.delete('/oauth/register/:client_id', async (c) => {
    const removed = await manageRegistration.remove(c.req.param('client_id'), bearer(c));
    return removed.ok ? c.body(null, 204) : replyError(c, removed.error);
  });

  return app;
};
