import type { Hono } from 'hono';
import { ALL_ORGANIZATIONS, adminKeyFormPage, adminKeyPage, adminKeysPage } from '../../../console/pages/admin-keys.ts';
import { confirmPage } from '../../../console/pages/confirm.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, paths, problemOf } from '../../../console/view.ts';
import { type ConsoleEnv, redirectAfter, replyFailure, replyPage, statusOf } from './context.ts';
import { filledIn, nameProblem } from './fields.ts';
import { requireKeyForAll } from './session.ts';

/** Keys for administrators, made and revoked by whoever has one for all. */
export const adminKeyRoutes = (app: Hono<ConsoleEnv>): void => {
  app.get(paths.adminKeys, requireKeyForAll, async (c) => {
    const { adminKeys, organizations } = c.var.admin;
    const [keys, all] = await Promise.all([adminKeys.list(), organizations.list()]);
    return replyPage(c, adminKeysPage(c.get('view'), keys, all));
  });

  app.get(paths.newAdminKey, requireKeyForAll, async (c) =>
    replyPage(c, adminKeyFormPage(c.get('view'), await c.var.admin.organizations.list(), EMPTY_FORM)),
  );

  app.post(paths.adminKeys, requireKeyForAll, async (c) => {
    const { view, form, admin } = c.var;
    const again = async (problem: Parameters<typeof filledIn>[1], status: number) =>
      replyPage(c, adminKeyFormPage(view, await admin.organizations.list(), filledIn(form, problem)), status);
    const wrongName = nameProblem(view.language, 'name', form.name);
    if (wrongName) return again(wrongName, 400);
    // Nothing chosen does not pass for all: that is a choice of its own.
    const { name = '', reach } = form;
    if (reach === undefined) {
      return again({ field: 'reach', message: textsIn(view.language).adminKey.reachMissing }, 400);
    }
    const made = await admin.adminKeys.create(name, reach === ALL_ORGANIZATIONS ? undefined : reach);
    if (!made.ok) return again(problemOf(view.language, made.error), statusOf(made.error));
    return replyPage(c, adminKeyPage(view, made.value, await admin.organizations.list()));
  });

  app.get('/console/keys/:id/revoke', requireKeyForAll, async (c) => {
    const { view, admin } = c.var;
    const found = await admin.adminKeys.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const { adminKey, navigation } = textsIn(view.language);
    return replyPage(
      c,
      confirmPage(view, {
        title: `${adminKey.revoke}: ${found.value.name}`,
        section: 'adminKeys',
        trail: [[paths.adminKeys, navigation.adminKeys]],
        consequence: adminKey.revokeConsequence,
        yes: adminKey.revoke,
        action: `${paths.adminKeys}/${found.value.id}/revoke`,
        cancel: paths.adminKeys,
      }),
    );
  });

  app.post('/console/keys/:id/revoke', requireKeyForAll, async (c) => {
    const revoked = await c.var.admin.adminKeys.revoke(c.req.param('id'));
    return revoked.ok ? redirectAfter(c, paths.adminKeys, 'admin_key_revoked') : replyFailure(c, revoked.error);
  });
};
