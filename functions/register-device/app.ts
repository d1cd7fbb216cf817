import type { Hono } from 'hono';
import { type BrokerContext, type BrokerEnv, brokerApp, replyError } from '../../shared/adapters/http/app.ts';
import { readJson } from '../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import { parseBearer } from '../../shared/protocol/client-authentication.ts';
import { parseDeviceMetadata, registrationReply } from '../../shared/protocol/registration.ts';
import type { CountAttempts } from '../../shared/usecases/devices/count-attempts.ts';
import type { ManageRegistration, RegisterDevice } from '../../shared/usecases/devices/register-device.ts';

/** Devices register themselves (RFC 7591) and look after their registration (RFC 7592). */
export const registerDeviceApp = ({
  registerDevice,
  manageRegistration,
  countAttempts,
  publicUrl,
  log,
  random,
}: {
  registerDevice: RegisterDevice;
  manageRegistration: ManageRegistration;
  countAttempts: CountAttempts;
  publicUrl: string;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({ errorShape: 'oauth', log, random });
  const bearer = (c: BrokerContext): string => parseBearer(c.req.header('authorization')) ?? '';

  /** A wrong token is counted where it came from. */
  const refuse = async (c: BrokerContext, error: BrokerError): Promise<Response> => {
    const isWrongToken = error.kind === 'invalid_enrolment_token' || error.kind === 'invalid_registration_token';
    return replyError(c, isWrongToken ? await countAttempts.refuse({ place: placeOf(c) }, error) : error);
  };

  app.post('/oauth/register', async (c) => {
    const body = await readJson(c);
    if (!body.ok) return replyError(c, body.error);
    const metadata = parseDeviceMetadata(body.value);
    if (!metadata.ok) return replyError(c, metadata.error);
    const made = await registerDevice(bearer(c), metadata.value);
    if (!made.ok) return refuse(c, made.error);
    return c.json(registrationReply(made.value.device, publicUrl, made.value), 201);
  });

  app.get('/oauth/register/:client_id', async (c) => {
    const registrationAccessToken = bearer(c);
    const device = await manageRegistration.read(c.req.param('client_id'), registrationAccessToken);
    if (!device.ok) return refuse(c, device.error);
    return c.json(registrationReply(device.value, publicUrl, { registrationAccessToken }));
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
    if (!updated.ok) return refuse(c, updated.error);
    const { device, clientSecret } = updated.value;
    return c.json(registrationReply(device, publicUrl, { clientSecret, registrationAccessToken }));
  });

  app.delete('/oauth/register/:client_id', async (c) => {
    const removed = await manageRegistration.remove(c.req.param('client_id'), bearer(c));
    return removed.ok ? c.body(null, 204) : refuse(c, removed.error);
  });

  return app;
};
