import type { Hono } from 'hono';
import {
  kindField,
  newWebhookSecretPage,
  notificationsFormPage,
  notificationsPage,
  webhookSecretPage,
} from '../../../console/pages/notifications.ts';
import { notificationTextsIn } from '../../../console/texts/notifications/index.ts';
import { type Problem, paths, problemOf, type View } from '../../../console/view.ts';
import type { Organization } from '../../../shared/domain/entities.ts';
import { isAddress } from '../../../shared/domain/envelope.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { NOTICE_KINDS, type NoticeScope } from '../../../shared/domain/notice.ts';
import { MOST_EMAILS, webhookUrlProblem } from '../../../shared/domain/notification-settings.ts';
import { ok, type Result } from '../../../shared/domain/result.ts';
import { isLanguage } from '../../../shared/protocol/texts/index.ts';
import type { NotificationChanges } from '../../../shared/usecases/administration/notifications.ts';
import { type ConsoleContext, type ConsoleEnv, redirectAfter, replyFailure, replyPage, statusOf } from './context.ts';
import { addressList, filledIn } from './fields.ts';
import { requireKeyForAll } from './session.ts';

/** As many as a page shows well; the API lists all. */
const SHOWN_NOTICES = 100;

type Form = Readonly<Record<string, string>>;

const wrongIn = ({ language }: View, form: Form): Problem | undefined => {
  const { settings: words } = notificationTextsIn(language);
  const { webhook_url: url = '', emails } = form;
  if (url !== '' && webhookUrlProblem(url) !== undefined) return { field: 'webhook_url', message: words.urlWrong };
  const addresses = addressList(emails);
  if (addresses.length > MOST_EMAILS) return { field: 'emails', message: words.emailsTooMany(MOST_EMAILS) };
  const wrong = addresses.find((address) => !isAddress(address) || !/^[\x21-\x7e]+$/.test(address));
  if (wrong !== undefined) return { field: 'emails', message: words.emailsWrong(wrong) };
  const isSilent = !NOTICE_KINDS.some((kind) => form[kindField(kind)] !== undefined);
  return isSilent ? { field: 'kinds', message: words.kindsMissing } : undefined;
};

const changesIn = (form: Form, before: string | undefined): NotificationChanges => {
  const { webhook_url: url, emails, locale } = form;
  const kinds = NOTICE_KINDS.filter((kind) => form[kindField(kind)] !== undefined);
  return {
    // The same address anew calls back a receiver that was gone.
    ...(url === undefined && before === undefined ? {} : { webhookUrl: url }),
    emails: [...new Set(addressList(emails))],
    locale: locale !== undefined && isLanguage(locale) ? locale : undefined,
    kinds: kinds.length === NOTICE_KINDS.length ? undefined : kinds,
  };
};

/** Who is told of what: for an organization, and for the operator. */
const routesFor = (app: Hono<ConsoleEnv>, prefix: string, idOf: (c: ConsoleContext) => NoticeScope): void => {
  const organizationOf = async (c: ConsoleContext): Promise<Result<Organization | undefined, BrokerError>> => {
    const id = idOf(c);
    return id === undefined ? ok(undefined) : c.var.admin.organizations.get(id);
  };

  const show = async (c: ConsoleContext, problem?: Problem, status = 200): Promise<Response> => {
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const scope = idOf(c);
    const { notifications } = c.var.admin;
    const [shown, open] = await Promise.all([notifications.get(scope), notifications.notices(scope, SHOWN_NOTICES)]);
    if (!shown.ok) return replyFailure(c, shown.error);
    if (!open.ok) return replyFailure(c, open.error);
    const { notices, cursor } = open.value;
    const model = { organization: organization.value, ...shown.value, notices, hasMore: cursor !== undefined };
    return replyPage(c, notificationsPage(c.get('view'), model, problem), status);
  };

  const failed = (c: ConsoleContext, error: BrokerError): Promise<Response> | Response => {
    if (error.kind !== 'conflict') return replyFailure(c, error);
    const { language } = c.get('view');
    const message = notificationTextsIn(language).settings.conflict;
    return show(c, { ...problemOf(language, error), message }, statusOf(error));
  };

  app.get(prefix, (c) => show(c));

  app.get(`${prefix}/edit`, async (c) => {
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const shown = await c.var.admin.notifications.get(idOf(c));
    if (!shown.ok) return replyFailure(c, shown.error);
    const model = { organization: organization.value, settings: shown.value.settings };
    return replyPage(c, notificationsFormPage(c.get('view'), model));
  });

  app.post(prefix, async (c) => {
    const { view, form } = c.var;
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const shown = await c.var.admin.notifications.get(idOf(c));
    if (!shown.ok) return replyFailure(c, shown.error);
    const model = { organization: organization.value, settings: shown.value.settings };
    const wrong = wrongIn(view, form);
    if (wrong) return replyPage(c, notificationsFormPage(view, model, filledIn(form, wrong)), 400);
    const changes = changesIn(form, shown.value.settings.webhook?.url);
    const updated = await c.var.admin.notifications.update(idOf(c), changes);
    if (!updated.ok) return failed(c, updated.error);
    const { webhookSecret } = updated.value;
    if (webhookSecret === undefined) return redirectAfter(c, paths.notifications(idOf(c)), 'notifications_saved');
    return replyPage(c, webhookSecretPage(view, { organization: organization.value, webhookSecret }));
  });

  app.post(`${prefix}/test`, async (c) => {
    const tested = await c.var.admin.notifications.test(idOf(c));
    if (!tested.ok) return failed(c, tested.error);
    return redirectAfter(c, paths.notifications(idOf(c)), 'notifications_tested');
  });

  app.get(`${prefix}/secret`, async (c) => {
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    return replyPage(c, newWebhookSecretPage(c.get('view'), { organization: organization.value }));
  });

  app.post(`${prefix}/secret`, async (c) => {
    const organization = await organizationOf(c);
    if (!organization.ok) return replyFailure(c, organization.error);
    const rotated = await c.var.admin.notifications.rotateSecret(idOf(c));
    if (!rotated.ok) return failed(c, rotated.error);
    const { webhookSecret = '' } = rotated.value;
    return replyPage(c, webhookSecretPage(c.get('view'), { organization: organization.value, webhookSecret }));
  });
};

export const notificationRoutes = (app: Hono<ConsoleEnv>): void => {
  app.use('/console/notifications/*', requireKeyForAll);
  routesFor(app, '/console/organizations/:id/notifications', (c) => c.req.param('id') ?? '');
  routesFor(app, '/console/notifications', () => undefined);
};
