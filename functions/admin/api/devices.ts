import type { Hono } from 'hono';
import * as v from 'valibot';
import { replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { MOST_SECRET_GRACE_SECONDS } from '../../../shared/domain/client-secret.ts';
import type { Device } from '../../../shared/domain/entities.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { USER_IDLE_SECONDS } from '../../../shared/domain/idle-slot.ts';
import { ok, type Result } from '../../../shared/domain/result.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { bindingReply, deviceReply, newSecretReply } from '../../../shared/protocol/administration.ts';
import { wireMetadata } from '../../../shared/protocol/device-metadata.ts';
import { parseDeviceMetadata, registrationReply } from '../../../shared/protocol/registration.ts';
import { parseSenderPolicy } from '../../../shared/protocol/sender-policy.ts';
import type { DeviceChanges } from '../../../shared/usecases/administration/devices.ts';
import { type AdminEnv, type ApiDependencies, replyNothing, somethingToChange } from './context.ts';

/** Only the names; the values are `parseDeviceMetadata`'s matter. */
const NEW_DEVICE = v.strictObject({
  client_name: v.exactOptional(v.unknown()),
  software_id: v.exactOptional(v.unknown()),
  software_version: v.exactOptional(v.unknown()),
  vendor: v.exactOptional(v.unknown()),
  model: v.exactOptional(v.unknown()),
  serial_number: v.exactOptional(v.unknown()),
  location: v.exactOptional(v.unknown()),
  locale: v.exactOptional(v.unknown()),
});
const DEVICE_CHANGES = v.pipe(
  v.strictObject({
    ...NEW_DEVICE.entries,
    enabled: v.exactOptional(v.boolean()),
    sender_policy: v.exactOptional(v.unknown()),
    sender_address: v.exactOptional(v.unknown()),
    rewrite_sender: v.exactOptional(v.boolean()),
    user_idle_seconds: v.exactOptional(
      v.nullable(
        v.pipe(v.number(), v.integer(), v.minValue(USER_IDLE_SECONDS.least), v.maxValue(USER_IDLE_SECONDS.most)),
      ),
    ),
  }),
  somethingToChange(),
);
/** `grace_period`: for how many seconds the former secret stays good. */
const NEW_SECRET = v.strictObject({
  grace_period: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MOST_SECRET_GRACE_SECONDS))),
});
const BINDING = v.strictObject({ mailbox_id: v.string() });

/** What to store of the changes: metadata as a whole, in which what was not named stays as it is. */
const mergedChanges = (
  device: Device,
  {
    enabled,
    sender_policy,
    sender_address,
    rewrite_sender,
    user_idle_seconds,
    ...fields
  }: v.InferOutput<typeof DEVICE_CHANGES>,
): Result<DeviceChanges, BrokerError> => {
  const isPolicyNamed = sender_policy !== undefined || sender_address !== undefined;
  const senderPolicy = isPolicyNamed ? parseSenderPolicy({ sender_policy, sender_address }) : undefined;
  if (senderPolicy && !senderPolicy.ok) return senderPolicy;
  const isDescribed = Object.keys(fields).length > 0;
  const metadata = isDescribed ? parseDeviceMetadata({ ...wireMetadata(device.metadata), ...fields }) : undefined;
  if (metadata && !metadata.ok) return metadata;
  return ok({
    ...(enabled === undefined ? {} : { enabled }),
    ...(metadata && { metadata: metadata.value }),
    ...(senderPolicy && { senderPolicy: senderPolicy.value }),
    ...(rewrite_sender === undefined ? {} : { rewriteSender: rewrite_sender }),
    ...(user_idle_seconds === undefined ? {} : { userIdleSeconds: user_idle_seconds ?? 0 }),
  });
};

export const deviceRoutes = (api: Hono<AdminEnv>, { publicUrl, clock }: ApiDependencies): void => {
  api.post('/organizations/:id/devices', async (c) => {
    const body = await readJsonAs(c, NEW_DEVICE);
    if (!body.ok) return replyError(c, body.error);
    const metadata = parseDeviceMetadata(body.value);
    if (!metadata.ok) return replyError(c, metadata.error);
    const made = await c.var.admin.devices.create(c.req.param('id'), metadata.value);
    return replyResult(c, made, (value) => registrationReply(value.device, publicUrl, value), 201);
  });
  api.get('/organizations/:id/devices', async (c) => {
    const organization = await c.var.admin.organizations.get(c.req.param('id'));
    if (!organization.ok) return replyError(c, organization.error);
    return c.json({
      devices: (await c.var.admin.devices.list(organization.value.id)).map((device) =>
        deviceReply(device, epochSeconds(clock)),
      ),
    });
  });

  api.get('/devices/:client_id', async (c) =>
    replyResult(c, await c.var.admin.devices.get(c.req.param('client_id')), ({ device, bindings }) =>
      deviceReply(device, epochSeconds(clock), bindings),
    ),
  );
  api.patch('/devices/:client_id', async (c) => {
    const body = await readJsonAs(c, DEVICE_CHANGES);
    if (!body.ok) return replyError(c, body.error);
    const found = await c.var.admin.devices.get(c.req.param('client_id'));
    if (!found.ok) return replyError(c, found.error);
    const changes = mergedChanges(found.value.device, body.value);
    if (!changes.ok) return replyError(c, changes.error);
    const updated = await c.var.admin.devices.update(found.value.device.clientId, changes.value);
    return replyResult(c, updated, (device) => deviceReply(device, epochSeconds(clock)));
  });
  api.delete('/devices/:client_id', async (c) =>
    replyNothing(c, await c.var.admin.devices.remove(c.req.param('client_id'))),
  );
  api.post('/devices/:client_id/secret', async (c) => {
    const body = await readJsonAs(c, NEW_SECRET, {});
    if (!body.ok) return replyError(c, body.error);
    const rotated = await c.var.admin.devices.rotateSecret(c.req.param('client_id'), body.value.grace_period);
    return replyResult(c, rotated, (made) => newSecretReply(made, epochSeconds(clock)), 201);
  });
  api.put('/devices/:client_id/bindings/:slot', async (c) => {
    const body = await readJsonAs(c, BINDING);
    if (!body.ok) return replyError(c, body.error);
    const bound = await c.var.admin.devices.bind(c.req.param('client_id'), c.req.param('slot'), body.value.mailbox_id);
    return replyResult(c, bound, bindingReply);
  });
  api.delete('/devices/:client_id/bindings/:slot', async (c) =>
    replyNothing(c, await c.var.admin.devices.unbind(c.req.param('client_id'), c.req.param('slot'))),
  );
};
