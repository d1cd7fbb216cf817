import type { Hono } from 'hono';
import * as v from 'valibot';
import { replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { ROUTE_CHOICES } from '../../../shared/domain/outbox.ts';
import { PROVIDERS } from '../../../shared/domain/provider.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { mailboxReply, signInReply } from '../../../shared/protocol/administration.ts';
import { type AdminEnv, type ApiDependencies, replyNothing } from './context.ts';

const NEW_MAILBOX = v.strictObject({
  provider: v.optional(v.picklist(PROVIDERS), 'microsoft'),
  address: v.pipe(v.string(), v.trim(), v.maxLength(254)),
  aliases: v.optional(v.pipe(v.array(v.string()), v.maxLength(50)), []),
});
const MAILBOX_CHANGES = v.strictObject({ route: v.picklist(ROUTE_CHOICES) });
const NEW_SIGN_IN = v.strictObject({ method: v.optional(v.picklist(['redirect']), 'redirect') });

export const mailboxRoutes = (api: Hono<AdminEnv>, { publicUrl, clock }: ApiDependencies): void => {
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
  api.patch('/mailboxes/:id', async (c) => {
    const body = await readJsonAs(c, MAILBOX_CHANGES);
    if (!body.ok) return replyError(c, body.error);
    return replyResult(c, await c.var.admin.mailboxes.setRoute(c.req.param('id'), body.value.route), mailboxReply);
  });
  api.delete('/mailboxes/:id', async (c) => replyNothing(c, await c.var.admin.mailboxes.remove(c.req.param('id'))));
  api.delete('/mailboxes/:id/grant', async (c) =>
    replyNothing(c, await c.var.admin.mailboxes.signOut(c.req.param('id'))),
  );
  api.post('/mailboxes/:id/refresh', async (c) =>
    replyResult(c, await c.var.admin.mailboxes.refresh(c.req.param('id')), mailboxReply),
  );
  api.post('/mailboxes/:id/try-now', async (c) =>
    replyResult(c, await c.var.admin.mailboxes.tryNow(c.req.param('id')), mailboxReply, 202),
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
};
