import type { Hono } from 'hono';
import { registrationFor } from '../../../console/app-registrations.ts';
import { confirmPage, type Question } from '../../../console/pages/confirm.ts';
import { type MailboxModel, mailboxPage } from '../../../console/pages/mailbox.ts';
import { mailboxFormPage } from '../../../console/pages/mailbox-form.ts';
import { signInPage } from '../../../console/pages/sign-in.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, type Problem, paths, problemOf, type View } from '../../../console/view.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import { isAddress } from '../../../shared/domain/envelope.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { ROUTE_CHOICES } from '../../../shared/domain/outbox.ts';
import { isProviderName, sameAddress } from '../../../shared/domain/provider.ts';
import { ok, type Result } from '../../../shared/domain/result.ts';
import { publicSignInState } from '../../../shared/domain/sign-in.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import type { Administration } from '../../../shared/usecases/administration/index.ts';
import {
  type ConsoleDependencies,
  type ConsoleEnv,
  redirectAfter,
  replyFailure,
  replyPage,
  statusOf,
} from './context.ts';
import { addressList, filledIn } from './fields.ts';

type Step = 'sign-out' | 'remove';

const question = (view: View, { id, address }: Mailbox, step: Step, obstacle?: string): Question => {
  const { mailbox: words, overview } = textsIn(view.language);
  const here = paths.mailbox(id);
  const [yes, consequence] =
    step === 'remove' ? [words.remove, words.removeConsequence] : [words.signOut, words.signOutConsequence];
  return {
    title: `${yes}: ${address}`,
    trail: [
      [paths.home, overview.title],
      [here, address],
    ],
    consequence,
    yes,
    action: `${here}/${step}`,
    cancel: here,
    obstacle,
  };
};

const addressProblem = (view: View, address: string, aliases: readonly string[]): Problem | undefined => {
  const { mailbox: words } = textsIn(view.language);
  if (!isAddress(address)) return { field: 'address', message: words.addressWrong };
  const wrong = aliases.find((alias) => !isAddress(alias));
  return wrong === undefined ? undefined : { field: 'aliases', message: words.aliasesWrong(wrong) };
};

export const mailboxRoutes = (app: Hono<ConsoleEnv>, dependencies: ConsoleDependencies): void => {
  const { publicUrl, clock } = dependencies;

  const modelOf = async (admin: Administration, id: string): Promise<Result<MailboxModel, BrokerError>> => {
    const described = await admin.mailboxes.get(id);
    if (!described.ok) return described;
    const { organizationId } = described.value.mailbox;
    const [organization, bound, all, registrations] = await Promise.all([
      admin.organizations.get(organizationId),
      admin.mailboxes.boundDevices(id),
      admin.devices.list(organizationId),
      admin.appRegistrations.list(),
    ]);
    if (!organization.ok) return organization;
    if (!bound.ok) return bound;
    const names = new Map(all.map(({ clientId, metadata }) => [clientId, metadata.clientName]));
    const boundDevices = bound.value.map((one) => ({ ...one, name: names.get(one.clientId) ?? one.clientId }));
    const appRegistrations = [registrationFor(registrations, described.value)].filter((one) => one !== undefined);
    return ok({ organization: organization.value, described: described.value, appRegistrations, boundDevices });
  };

  app.get('/console/organizations/:id/mailboxes/new', async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, mailboxFormPage(c.get('view'), found.value, EMPTY_FORM));
  });

  app.post('/console/organizations/:id/mailboxes', async (c) => {
    const { view, form } = c.var;
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const { provider = 'microsoft', address = '' } = form;
    const aliases = addressList(form.aliases).filter((alias) => !sameAddress(alias, address));
    const problem = addressProblem(view, address, aliases);
    if (problem || !isProviderName(provider)) {
      const wrong = problem ?? problemOf(view.language, { kind: 'invalid_request', detail: 'provider' });
      return replyPage(c, mailboxFormPage(view, found.value, filledIn(form, wrong)), 400);
    }
    const made = await c.var.admin.mailboxes.create(found.value.id, { provider, address, aliases });
    return made.ok
      ? redirectAfter(c, paths.mailbox(made.value.mailbox.id), 'mailbox_created')
      : replyFailure(c, made.error);
  });

  app.get('/console/mailboxes/:id', async (c) => {
    const model = await modelOf(c.var.admin, c.req.param('id'));
    return model.ok ? replyPage(c, mailboxPage(c.get('view'), model.value)) : replyFailure(c, model.error);
  });

  app.post('/console/mailboxes/:id/sign-ins', async (c) => {
    const signIn = await c.var.admin.mailboxes.beginSignIn(c.req.param('id'));
    return signIn.ok ? redirectAfter(c, paths.signIn(signIn.value.id)) : replyFailure(c, signIn.error);
  });

  app.get('/console/sign-ins/:id', async (c) => {
    const { view } = c.var;
    const found = await c.var.admin.mailboxes.getSignIn(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const signIn = found.value;
    const described = await c.var.admin.mailboxes.get(signIn.mailboxId);
    if (!described.ok) return replyFailure(c, described.error);
    const model = {
      mailbox: described.value.mailbox,
      url: `${publicUrl}/sign-in/${signIn.id}`,
      expiresAt: signIn.expiresAt,
      state: publicSignInState(signIn, epochSeconds(clock)),
      failure: signIn.state === 'failed' ? problemOf(view.language, signIn.error) : undefined,
    };
    return replyPage(c, signInPage(view, model));
  });

  app.post('/console/mailboxes/:id/refresh', async (c) => {
    const { view } = c.var;
    const id = c.req.param('id');
    const refreshed = await c.var.admin.mailboxes.refresh(id);
    if (refreshed.ok) return redirectAfter(c, paths.mailbox(id), 'mailbox_refreshed');
    const model = await modelOf(c.var.admin, id);
    if (!model.ok) return replyFailure(c, model.error);
    const page = mailboxPage(view, model.value, problemOf(view.language, refreshed.error));
    return replyPage(c, page, statusOf(refreshed.error));
  });

  app.post('/console/mailboxes/:id/try-now', async (c) => {
    const id = c.req.param('id');
    const tried = await c.var.admin.mailboxes.tryNow(id);
    return tried.ok ? redirectAfter(c, paths.mailbox(id), 'mailbox_tried_now') : replyFailure(c, tried.error);
  });

  app.post('/console/mailboxes/:id/route', async (c) => {
    const { form } = c.var;
    const id = c.req.param('id');
    const route = ROUTE_CHOICES.find((choice) => choice === form.route);
    if (route === undefined) return replyFailure(c, { kind: 'invalid_request', detail: 'route' });
    const changed = await c.var.admin.mailboxes.setRoute(id, route);
    return changed.ok ? redirectAfter(c, paths.mailbox(id), 'mailbox_route_changed') : replyFailure(c, changed.error);
  });

  app.get('/console/mailboxes/:id/sign-out', async (c) => {
    const found = await c.var.admin.mailboxes.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, confirmPage(c.get('view'), question(c.get('view'), found.value.mailbox, 'sign-out')));
  });

  app.post('/console/mailboxes/:id/sign-out', async (c) => {
    const id = c.req.param('id');
    const signedOut = await c.var.admin.mailboxes.signOut(id);
    return signedOut.ok ? redirectAfter(c, paths.mailbox(id), 'mailbox_signed_out') : replyFailure(c, signedOut.error);
  });

  app.get('/console/mailboxes/:id/remove', async (c) => {
    const { view } = c.var;
    const model = await modelOf(c.var.admin, c.req.param('id'));
    if (!model.ok) return replyFailure(c, model.error);
    const { described, boundDevices } = model.value;
    const obstacle = boundDevices.length > 0 ? textsIn(view.language).mailbox.removeObstacle : undefined;
    return replyPage(c, confirmPage(view, question(view, described.mailbox, 'remove', obstacle)));
  });

  app.post('/console/mailboxes/:id/remove', async (c) => {
    const { view } = c.var;
    const found = await c.var.admin.mailboxes.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const { mailbox } = found.value;
    const removed = await c.var.admin.mailboxes.remove(mailbox.id);
    if (removed.ok) return redirectAfter(c, paths.organization(mailbox.organizationId), 'mailbox_removed');
    const asked = question(view, mailbox, 'remove', textsIn(view.language).mailbox.removeObstacle);
    return replyPage(c, confirmPage(view, asked, problemOf(view.language, removed.error)), statusOf(removed.error));
  });
};
