import type { Hono } from 'hono';
import * as v from 'valibot';
import { replyError, replyResult } from '../../../shared/adapters/http/app.ts';
import { readJsonAs } from '../../../shared/adapters/http/bodies.ts';
import { adminKeyReply, appRegistrationReply, newAdminKeyReply } from '../../../shared/protocol/administration.ts';
import { type AdminEnv, ID_LIMIT, name, ofAll, replyNothing } from './context.ts';

const NEW_ADMIN_KEY = v.strictObject({
  name,
  organization_id: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(ID_LIMIT))),
});

/** What concerns the broker as a whole. */
export const brokerRoutes = (api: Hono<AdminEnv>): void => {
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
    replyNothing(c, await c.var.admin.adminKeys.revoke(c.req.param('admin_key_id'))),
  );
};
