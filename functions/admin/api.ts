import { type Context, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import * as v from 'valibot';
import { type AnyContext, type BrokerEnv, replyError, replyResult } from '../../shared/adapters/http/app.ts';
import { readJsonAs, readQuery } from '../../shared/adapters/http/bodies.ts';
import { placeOf } from '../../shared/adapters/http/place.ts';
import { MOST_SECRET_GRACE_SECONDS } from '../../shared/domain/client-secret.ts';
import type { Device } from '../../shared/domain/entities.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import { USER_IDLE_SECONDS } from '../../shared/domain/idle-slot.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import {
  adminKeyReply,
  appRegistrationReply,
  auditReply,
  bindingReply,
  deviceReply,
  enrolmentTokenReply,
  mailboxReply,
  newAdminKeyReply,
  newEnrolmentTokenReply,
  newSecretReply,
  organizationReply,
  signInReply,
} from '../../shared/protocol/administration.ts';
import { parseBearer } from '../../shared/protocol/client-authentication.ts';
import { parseDeviceMetadata, registrationReply, wireMetadata } from '../../shared/protocol/registration.ts';
import { parseSenderPolicy } from '../../shared/protocol/sender-policy.ts';
import { adminSubmissionReply } from '../../shared/protocol/submission.ts';
import type { DeviceChanges } from '../../shared/usecases/administration/devices.ts';
import type { HistoryQuery } from '../../shared/usecases/administration/history.ts';
import type {
  Administration,
  AdministrationFor,
  AdministrationOfAll,
} from '../../shared/usecases/administration/index.ts';
import type { CheckAdminKey } from '../../shared/usecases/check-admin-key.ts';

const name = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1),
  v.maxLength(128),
  v.regex(/^[^\p{Cc}]*$/u, 'has control characters'),
);
const locale = v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/i, 'is not a language tag'));
const somethingToChange = <Changes extends object>() =>
  v.check((changes: Changes) => Object.keys(changes).length > 0, 'has nothing to change');
const positive = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));

/** Longer than every id; what is asked for becomes part of a key, and those have a limit in the table. */
const QUERY_ID_LIMIT = 128;

/** Unknown fields are refused here: an administrator's typing error must not pass for a setting. */
const NEW_ORGANIZATION = v.strictObject({ name, locale: v.optional(locale, 'en') });
const ORGANIZATION_CHANGES = v.pipe(
  v.strictObject({
    name: v.exactOptional(name),
    locale: v.exactOptional(locale),
    enabled: v.exactOptional(v.boolean()),
  }),
  somethingToChange(),
);
const NEW_ENROLMENT_TOKEN = v.strictObject({
  uses: v.optional(positive(10_000)),
  expires_in: v.optional(positive(365 * 86_400)),
});
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
const NEW_MAILBOX = v.strictObject({
  provider: v.optional(v.picklist(PROVIDERS), 'microsoft'),
  address: v.pipe(v.string(), v.trim(), v.maxLength(254)),
  aliases: v.optional(v.pipe(v.array(v.string()), v.maxLength(50)), []),
});
const NEW_SIGN_IN = v.strictObject({ method: v.optional(v.picklist(['redirect']), 'redirect') });
const NEW_ADMIN_KEY = v.strictObject({
  name,
  organization_id: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(QUERY_ID_LIMIT))),
});

/** The longest page of a list. */
const PAGE_LIMIT = 200;
const PAGE_DEFAULT = 50;

/** What to store of the changes: metadata as a whole, in which what was not named stays as it is. */
const mergedChanges = (
  device: Device,
  { enabled, sender_policy, sender_address, user_idle_seconds, ...fields }: v.InferOutput<typeof DEVICE_CHANGES>,
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
    ...(user_idle_seconds === undefined ? {} : { userIdleSeconds: user_idle_seconds ?? 0 }),
  });
};

/** What a route has to work with: no more than the key of the request reaches. */
interface AdminEnv {
  Variables: BrokerEnv['Variables'] & { admin: Administration };
}

/** Before a route that concerns the broker as a whole. */
const ofAll = createMiddleware<{ Variables: BrokerEnv['Variables'] & { admin: AdministrationOfAll } }>(
  async (c, next) => {
    const { scope }: Administration = c.var.admin;
    if (scope === 'all') return next();
    return replyError(
      c,
      brokerError('invalid_admin_key', 'This key is for one organization; this needs a key for all.'),
    );
  },
);

/** The admin API (`/v1/admin/…`): a bearer key for all organizations, or for one. */
export const adminApi = ({
  administrationFor,
  checkAdminKey,
  publicUrl,
  clock,
}: {
  administrationFor: AdministrationFor;
  checkAdminKey: CheckAdminKey;
  publicUrl: string;
  clock: Clock;
}): Hono<AdminEnv> => {
  const api = new Hono<AdminEnv>();

  api.use(async (c, next) => {
    const key = parseBearer(c.req.header('authorization'));
    if (key === undefined) return replyError(c, brokerError('invalid_admin_key'));
    const checked = await checkAdminKey(key, placeOf(c));
    if (!checked.ok) return replyError(c, checked.error);
    c.set('admin', administrationFor(checked.value.authority));
    return next();
  });

  const nothing = (c: AnyContext, result: Result<undefined, BrokerError>) =>
    result.ok ? c.body(null, 204) : replyError(c, result.error);

  api.post('/organizations', ofAll, async (c) => {
    const body = await readJsonAs(c, NEW_ORGANIZATION);
    if (!body.ok) return replyError(c, body.error);
    return c.json(organizationReply(await c.var.admin.organizations.create(body.value.name, body.value.locale)), 201);
  });
  api.get('/organizations', async (c) =>
    c.json({ organizations: (await c.var.admin.organizations.list()).map(organizationReply) }),
  );
  api.get('/organizations/:id', async (c) =>
    replyResult(c, await c.var.admin.organizations.get(c.req.param('id')), organizationReply),
  );
  api.patch('/organizations/:id', async (c) => {
    const body = await readJsonAs(c, ORGANIZATION_CHANGES);
    if (!body.ok) return replyError(c, body.error);
    return replyResult(c, await c.var.admin.organizations.update(c.req.param('id'), body.value), organizationReply);
  });
  api.delete('/organizations/:id', ofAll, async (c) =>
    nothing(c, await c.var.admin.organizations.remove(c.req.param('id'))),
  );

  api.post('/organizations/:id/enrolment-tokens', async (c) => {
    const body = await readJsonAs(c, NEW_ENROLMENT_TOKEN, {});
    if (!body.ok) return replyError(c, body.error);
    const { uses, expires_in } = body.value;
    const made = await c.var.admin.enrolmentTokens.create(c.req.param('id'), uses, expires_in);
    return replyResult(c, made, (value) => newEnrolmentTokenReply(value, epochSeconds(clock)), 201);
  });
  api.get('/organizations/:id/enrolment-tokens', async (c) => {
    const organization = await c.var.admin.organizations.get(c.req.param('id'));
    if (!organization.ok) return replyError(c, organization.error);
    const now = epochSeconds(clock);
    const listed = await c.var.admin.enrolmentTokens.list(organization.value.id);
    return c.json({ enrolment_tokens: listed.map((token) => enrolmentTokenReply(token, now)) });
  });
  api.delete('/organizations/:id/enrolment-tokens/:enrolment_token_id', async (c) =>
    nothing(c, await c.var.admin.enrolmentTokens.revoke(c.req.param('id'), c.req.param('enrolment_token_id'))),
  );

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
    nothing(c, await c.var.admin.devices.remove(c.req.param('client_id'))),
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
    nothing(c, await c.var.admin.devices.unbind(c.req.param('client_id'), c.req.param('slot'))),
  );

  api.post('/organizations/:id/mailboxes', async (c) => {
    const body = await readJsonAs(c, NEW_MAILBOX);
    if (!body.ok) return replyError(c, body.error);
    return replyResult(c, await c.var.admin.mailboxes.create(c.req.param('id'), body.value), mailboxReply, 201);
  });
  api.get('/organizations/:id/mailboxes', async (c) => {
    const organization = await c.var.admin.organizations.get(c.req.param('id'));
    if (!organization.ok) return replyError(c, organization.error);
    return c.json({ mailboxes: (await c.var.admin.mailboxes.list(organization.value.id)).map(mailboxReply) });
  });
  api.get('/mailboxes/:id', async (c) =>
    replyResult(c, await c.var.admin.mailboxes.get(c.req.param('id')), mailboxReply),
  );
  api.delete('/mailboxes/:id', async (c) => nothing(c, await c.var.admin.mailboxes.remove(c.req.param('id'))));
  api.delete('/mailboxes/:id/grant', async (c) => nothing(c, await c.var.admin.mailboxes.signOut(c.req.param('id'))));
  api.post('/mailboxes/:id/refresh', async (c) =>
    replyResult(c, await c.var.admin.mailboxes.refresh(c.req.param('id')), mailboxReply),
  );
  api.post('/mailboxes/:id/sign-ins', async (c) => {
    const body = await readJsonAs(c, NEW_SIGN_IN, {});
    if (!body.ok) return replyError(c, body.error);
    const now = epochSeconds(clock);
    return replyResult(
      c,
      await c.var.admin.mailboxes.beginSignIn(c.req.param('id')),
      (made) => signInReply(made, publicUrl, now),
      201,
    );
  });
  api.get('/sign-ins/:id', async (c) => {
    const now = epochSeconds(clock);
    return replyResult(c, await c.var.admin.mailboxes.getSignIn(c.req.param('id')), (found) =>
      signInReply(found, publicUrl, now),
    );
  });

  api.get('/app-registrations', async (c) =>
    c.json({ app_registrations: (await c.var.admin.appRegistrations.list()).map(appRegistrationReply) }),
  );

  api.post('/keys', ofAll, async (c) => {
    const body = await readJsonAs(c, NEW_ADMIN_KEY);
    if (!body.ok) return replyError(c, body.error);
    const made = await c.var.admin.adminKeys.create(body.value.name, body.value.organization_id);
    return replyResult(c, made, newAdminKeyReply, 201);
  });
  api.get('/keys', ofAll, async (c) => c.json({ admin_keys: (await c.var.admin.adminKeys.list()).map(adminKeyReply) }));
  api.delete('/keys/:admin_key_id', ofAll, async (c) =>
    nothing(c, await c.var.admin.adminKeys.revoke(c.req.param('admin_key_id'))),
  );

  const historyQuery = async (c: Context<AdminEnv>): Promise<Result<HistoryQuery, BrokerError>> => {
    const query = readQuery(c);
    if (!query.ok) return query;
    const { organization_id: organizationId, cursor, limit = String(PAGE_DEFAULT) } = query.value;
    if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > PAGE_LIMIT) {
      return fail(brokerError('invalid_request', `limit is 1 to ${PAGE_LIMIT}.`));
    }
    for (const [name, id = ''] of Object.entries({ organization_id: organizationId, cursor })) {
      if (id.length <= QUERY_ID_LIMIT) continue;
      return fail(brokerError('invalid_request', `${name} has at most ${QUERY_ID_LIMIT} characters.`));
    }
    const organization = organizationId === undefined ? undefined : await c.var.admin.organizations.get(organizationId);
    if (organization && !organization.ok) return organization;
    return ok({ organizationId, cursor, limit: Number(limit) });
  };
  api.get('/submissions', async (c) => {
    const query = await historyQuery(c);
    if (!query.ok) return replyError(c, query.error);
    const { entries, cursor = null } = await c.var.admin.history.submissions(query.value);
    return c.json({ submissions: entries.map(adminSubmissionReply), cursor });
  });
  api.get('/audit', async (c) => {
    const query = await historyQuery(c);
    if (!query.ok) return replyError(c, query.error);
    const { entries, cursor = null } = await c.var.admin.history.audit(query.value);
    return c.json({ audit: entries.map(auditReply), cursor });
  });

  return api;
};
