import type { Hono } from 'hono';
import { confirmPage, type Question } from '../../../console/pages/confirm.ts';
import { enrolmentTokenFormPage, enrolmentTokenPage } from '../../../console/pages/enrolment-token.ts';
import { organizationPage } from '../../../console/pages/organization.ts';
import { organizationFormPage } from '../../../console/pages/organization-form.ts';
import { overviewPage } from '../../../console/pages/overview.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, paths, problemOf, type View } from '../../../console/view.ts';
import type { Organization } from '../../../shared/domain/entities.ts';
import type { NoticeScope } from '../../../shared/domain/notice.ts';
import type { Administration } from '../../../shared/usecases/administration/index.ts';
import {
  type ConsoleDependencies,
  type ConsoleEnv,
  redirectAfter,
  replyFailure,
  replyPage,
  statusOf,
} from './context.ts';
import { chosenLanguage, filledIn, nameProblem, numberProblem, wholeNumber } from './fields.ts';
import { replyLogin, requireKeyForAll } from './session.ts';

/** The bounds of the admin API. */
const ENROLMENT_USES_LIMIT = 10_000;
const ENROLMENT_DAYS_LIMIT = 365;
const DAY_SECONDS = 86_400;

const removal = (view: View, { id, name }: Organization, inUse: boolean): Question => {
  const { organization: words, overview } = textsIn(view.language);
  const here = paths.organization(id);
  return {
    title: words.remove,
    trail: [
      [paths.home, overview.title],
      [here, name],
    ],
    consequence: words.removeConsequence,
    yes: words.remove,
    action: `${here}/remove`,
    cancel: here,
    obstacle: inUse ? words.removeObstacle : undefined,
  };
};

const contentsOf = async ({ devices, mailboxes }: Administration, organization: Organization) => {
  const [ownDevices, ownMailboxes] = await Promise.all([
    devices.list(organization.id),
    mailboxes.list(organization.id),
  ]);
  return { organization, devices: ownDevices, mailboxes: ownMailboxes };
};

/** Of each organization so many; its own page about notices has more. */
const SHOWN_NOTICES = 25;

/** What people of these organizations are told of now, newest first, and whether that is not all. */
const openNotices = async ({ notifications }: Administration, scopes: readonly NoticeScope[]) => {
  const found = await Promise.all(scopes.map((scope) => notifications.notices(scope, SHOWN_NOTICES)));
  const pages = found.flatMap((page) => (page.ok ? [page.value] : []));
  const notices = pages.flatMap((page) => page.notices).sort((a, b) => b.since - a.since);
  return {
    notices: notices.slice(0, SHOWN_NOTICES),
    hasMoreNotices: notices.length > SHOWN_NOTICES || pages.some(({ cursor }) => cursor !== undefined),
  };
};

export const organizationRoutes = (app: Hono<ConsoleEnv>, { publicUrl }: ConsoleDependencies): void => {
  app.get(paths.home, async (c) => {
    if (!c.get('session')) return replyLogin(c, 200, undefined, paths.home);
    const { admin } = c.var;
    const [all, registrations] = await Promise.all([admin.organizations.list(), admin.appRegistrations.list()]);
    const gateways = await admin.gateways.listAll(all.map(({ id }) => id));
    const scopes = [...(admin.scope === 'all' ? [undefined] : []), ...all.map(({ id }) => id)];
    const notices = await openNotices(admin, scopes);
    const contents = await Promise.all(all.map((organization) => contentsOf(admin, organization)));
    const model = contents
      .map(({ devices: own, ...rest }) => ({ ...rest, deviceCount: own.length }))
      .sort((a, b) => a.organization.name.localeCompare(b.organization.name));
    return replyPage(
      c,
      overviewPage(c.get('view'), { organizations: model, appRegistrations: registrations, gateways, ...notices }),
    );
  });

  app.get(paths.organizations, (c) => c.redirect(paths.home, 303));

  app.get(paths.newOrganization, requireKeyForAll, (c) =>
    replyPage(c, organizationFormPage(c.get('view'), EMPTY_FORM)),
  );

  app.post(paths.organizations, requireKeyForAll, async (c) => {
    const { view, form } = c.var;
    const problem = nameProblem(view.language, 'name', form.name);
    if (problem) return replyPage(c, organizationFormPage(view, filledIn(form, problem)), 400);
    const made = await c.var.admin.organizations.create(form.name ?? '', chosenLanguage(form.locale, view.language));
    return redirectAfter(c, paths.organization(made.id), 'organization_created');
  });

  app.get('/console/organizations/:id', async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const [contents, tokens, gateways, notices] = await Promise.all([
      contentsOf(c.var.admin, found.value),
      c.var.admin.enrolmentTokens.list(found.value.id),
      c.var.admin.gateways.list(found.value.id),
      openNotices(c.var.admin, [found.value.id]),
    ]);
    if (!gateways.ok) return replyFailure(c, gateways.error);
    const model = { ...contents, enrolmentTokens: tokens, gateways: gateways.value, ...notices };
    return replyPage(c, organizationPage(c.get('view'), model));
  });

  app.get('/console/organizations/:id/edit', async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, organizationFormPage(c.get('view'), EMPTY_FORM, found.value));
  });

  app.post('/console/organizations/:id', async (c) => {
    const { view, form } = c.var;
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const problem = nameProblem(view.language, 'name', form.name);
    if (problem) return replyPage(c, organizationFormPage(view, filledIn(form, problem), found.value), 400);
    const changes = { name: form.name ?? '', locale: chosenLanguage(form.locale, view.language) };
    const updated = await c.var.admin.organizations.update(found.value.id, changes);
    if (!updated.ok) return replyFailure(c, updated.error);
    return redirectAfter(c, paths.organization(found.value.id), 'organization_saved');
  });

  app.post('/console/organizations/:id/enabled', requireKeyForAll, async (c) => {
    const enabled = c.get('form').enabled === 'true';
    const updated = await c.var.admin.organizations.update(c.req.param('id'), { enabled });
    if (!updated.ok) return replyFailure(c, updated.error);
    const done = enabled ? 'organization_enabled' : 'organization_disabled';
    return redirectAfter(c, paths.organization(updated.value.id), done);
  });

  app.get('/console/organizations/:id/remove', requireKeyForAll, async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const contents = await contentsOf(c.var.admin, found.value);
    const inUse = contents.devices.length + contents.mailboxes.length > 0;
    return replyPage(c, confirmPage(c.get('view'), removal(c.get('view'), found.value, inUse)));
  });

  app.post('/console/organizations/:id/remove', requireKeyForAll, async (c) => {
    const { view } = c.var;
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const removed = await c.var.admin.organizations.remove(found.value.id);
    if (removed.ok) return redirectAfter(c, paths.home, 'organization_removed');
    const question = removal(view, found.value, true);
    return replyPage(c, confirmPage(view, question, problemOf(view.language, removed.error)), statusOf(removed.error));
  });

  app.get('/console/organizations/:id/enrolment-tokens/new', async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, enrolmentTokenFormPage(c.get('view'), found.value, EMPTY_FORM));
  });

  app.post('/console/organizations/:id/enrolment-tokens', async (c) => {
    const { view, form } = c.var;
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const uses = wholeNumber(form.uses, ENROLMENT_USES_LIMIT);
    const days = wholeNumber(form.days, ENROLMENT_DAYS_LIMIT);
    if (uses === undefined || days === undefined) {
      const problem =
        uses === undefined
          ? numberProblem(view.language, 'uses', ENROLMENT_USES_LIMIT)
          : numberProblem(view.language, 'days', ENROLMENT_DAYS_LIMIT);
      return replyPage(c, enrolmentTokenFormPage(view, found.value, filledIn(form, problem)), 400);
    }
    const made = await c.var.admin.enrolmentTokens.create(found.value.id, uses, days * DAY_SECONDS);
    if (!made.ok) return replyFailure(c, made.error);
    return replyPage(c, enrolmentTokenPage(view, { organization: found.value, publicUrl, ...made.value }));
  });

  app.post('/console/organizations/:id/enrolment-tokens/revoke', async (c) => {
    const organizationId = c.req.param('id');
    const revoked = await c.var.admin.enrolmentTokens.revoke(organizationId, c.get('form').enrolment_token_id ?? '');
    if (!revoked.ok) return replyFailure(c, revoked.error);
    return redirectAfter(c, paths.organization(organizationId), 'enrolment_token_revoked');
  });
};
