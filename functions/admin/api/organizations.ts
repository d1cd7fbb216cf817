import type { Hono } from 'hono';
import * as v from 'valibot';
import { replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import {
  enrolmentTokenReply,
  gatewayReply,
  newEnrolmentTokenReply,
  organizationReply,
} from '../../../shared/protocol/administration.ts';
import { type AdminEnv, type ApiDependencies, name, ofAll, replyNothing, somethingToChange } from './context.ts';

const locale = v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/i, 'is not a language tag'));
const positive = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));

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

export const organizationRoutes = (api: Hono<AdminEnv>, { clock }: ApiDependencies): void => {
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
    replyNothing(c, await c.var.admin.organizations.remove(c.req.param('id'))),
  );

  api.get('/organizations/:id/gateways', async (c) => {
    const listed = await c.var.admin.gateways.list(c.req.param('id'));
    const now = epochSeconds(clock);
    return replyResult(c, listed, (found) => ({ gateways: found.map((one) => gatewayReply(one, now)) }));
  });

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
    replyNothing(c, await c.var.admin.enrolmentTokens.revoke(c.req.param('id'), c.req.param('enrolment_token_id'))),
  );
};
