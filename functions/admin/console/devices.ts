import type { Hono } from 'hono';
import { confirmPage, type Question } from '../../../console/pages/confirm.ts';
import { type DeviceModel, devicePage } from '../../../console/pages/device.ts';
import { deviceFormPage, USER_IDLE_CHOICES } from '../../../console/pages/device-form.ts';
import { deviceSecretPage, GRACE_DAYS, newSecretPage } from '../../../console/pages/device-secret.ts';
import { textsIn } from '../../../console/texts/index.ts';
import { EMPTY_FORM, type FormState, paths, problemOf, type View } from '../../../console/view.ts';
import type { Device, DeviceMetadata } from '../../../shared/domain/entities.ts';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import { ok, type Result } from '../../../shared/domain/result.ts';
import { slotNamed } from '../../../shared/domain/slot.ts';
import { parseDeviceMetadata } from '../../../shared/protocol/registration.ts';
import { parseSenderPolicy } from '../../../shared/protocol/sender-policy.ts';
import type { Language } from '../../../shared/protocol/texts/index.ts';
import type { Administration } from '../../../shared/usecases/administration/index.ts';
import {
  type ConsoleDependencies,
  type ConsoleEnv,
  redirectAfter,
  replyFailure,
  replyPage,
  statusOf,
} from './context.ts';
import { filledIn, nameProblem } from './fields.ts';

const DAY_SECONDS = 86_400;

type DeviceTexts = ReturnType<typeof textsIn>['device'];

const question = (
  view: View,
  { clientId, metadata }: Device,
  ask: (words: DeviceTexts) => Pick<Question, 'title' | 'consequence' | 'yes'> & { readonly step: string },
): Question => {
  const { device: words, overview } = textsIn(view.language);
  const here = paths.device(clientId);
  const { step, ...asked } = ask(words);
  return {
    ...asked,
    trail: [
      [paths.home, overview.title],
      [here, metadata.clientName],
    ],
    action: `${here}/${step}`,
    cancel: here,
  };
};

const removal = (view: View, device: Device): Question =>
  question(view, device, ({ remove, removeConsequence }) => ({
    title: remove,
    consequence: removeConsequence,
    yes: remove,
    step: 'remove',
  }));

type Fields = Readonly<Record<string, string>>;

/** What people type of a device, as it would register itself (RFC 7591 section 2); or the form with what is wrong. */
const readMetadata = (form: Fields, language: Language): Result<DeviceMetadata, FormState> => {
  const wrongName = nameProblem(language, 'client_name', form.client_name);
  if (wrongName) return { ok: false, error: filledIn(form, wrongName) };
  const metadata = parseDeviceMetadata(form);
  return metadata.ok ? metadata : { ok: false, error: filledIn(form, problemOf(language, metadata.error)) };
};

/** As whom the device shall send, where the form says it; or the form with what is wrong. */
const readSenderPolicy = (form: Fields, language: Language): Result<Pick<Device, 'senderPolicy'>, FormState> => {
  const { sender_policy, sender_address } = form;
  if (sender_policy === undefined) return ok({});
  // An address beside another choice is a leftover in the field.
  const policy = parseSenderPolicy(
    sender_policy === 'configured' ? { sender_policy, sender_address } : { sender_policy },
  );
  if (policy.ok) return ok({ senderPolicy: policy.value });
  if (sender_policy !== 'configured') return { ok: false, error: filledIn(form, problemOf(language, policy.error)) };
  const message = textsIn(language).device.senderAddressWrong;
  return { ok: false, error: filledIn(form, { field: 'sender_address', message }) };
};

/** The slot of the form: one of a list, or a person's own, which has a login name in it. */
const slotOf = ({ slot = '', login = '' }: Fields): string => (slot === 'user' ? `user:${login}` : slot);

export const deviceRoutes = (app: Hono<ConsoleEnv>, dependencies: ConsoleDependencies): void => {
  const { publicUrl } = dependencies;

  const modelOf = async (
    { organizations, devices, mailboxes }: Administration,
    clientId: string,
  ): Promise<Result<DeviceModel, BrokerError>> => {
    const found = await devices.get(clientId);
    if (!found.ok) return found;
    const { device, bindings } = found.value;
    const [organization, ownMailboxes] = await Promise.all([
      organizations.get(device.organizationId),
      mailboxes.list(device.organizationId),
    ]);
    if (!organization.ok) return organization;
    const settings = { publicUrl, clientId, clientSecret: undefined };
    return ok({ organization: organization.value, device, bindings, mailboxes: ownMailboxes, settings });
  };

  app.get('/console/organizations/:id/devices/new', async (c) => {
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, deviceFormPage(c.get('view'), found.value, EMPTY_FORM));
  });

  app.post('/console/organizations/:id/devices', async (c) => {
    const { view, form } = c.var;
    const found = await c.var.admin.organizations.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const organization = found.value;
    const metadata = readMetadata(form, view.language);
    if (!metadata.ok) return replyPage(c, deviceFormPage(view, organization, metadata.error), 400);
    const made = await c.var.admin.devices.create(organization.id, metadata.value);
    if (!made.ok) return replyFailure(c, made.error);
    const { device, clientSecret } = made.value;
    const settings = { publicUrl, clientId: device.clientId, clientSecret };
    return replyPage(c, deviceSecretPage(view, { organization, device, settings, isNew: true }));
  });

  app.get('/console/devices/:id', async (c) => {
    const model = await modelOf(c.var.admin, c.req.param('id'));
    return model.ok ? replyPage(c, devicePage(c.get('view'), model.value)) : replyFailure(c, model.error);
  });

  app.get('/console/devices/:id/edit', async (c) => {
    const model = await modelOf(c.var.admin, c.req.param('id'));
    if (!model.ok) return replyFailure(c, model.error);
    const { organization, device } = model.value;
    return replyPage(c, deviceFormPage(c.get('view'), organization, EMPTY_FORM, device));
  });

  app.post('/console/devices/:id', async (c) => {
    const { view, form } = c.var;
    const model = await modelOf(c.var.admin, c.req.param('id'));
    if (!model.ok) return replyFailure(c, model.error);
    const { organization, device } = model.value;
    const typed = readMetadata(form, view.language);
    if (!typed.ok) return replyPage(c, deviceFormPage(view, organization, typed.error, device), 400);
    const sender = readSenderPolicy(form, view.language);
    if (!sender.ok) return replyPage(c, deviceFormPage(view, organization, sender.error, device), 400);
    const { softwareId, softwareVersion } = device.metadata;
    const metadata = {
      ...(softwareId === undefined ? {} : { softwareId }),
      ...(softwareVersion === undefined ? {} : { softwareVersion }),
      ...typed.value,
    };
    const idle = Number(form.user_idle_seconds);
    const isKnown = USER_IDLE_CHOICES.some((choice) => choice === idle);
    const isRewriteNamed = form.rewrite_sender === 'true' || form.rewrite_sender === 'false';
    const changes = {
      metadata,
      ...sender.value,
      ...(isRewriteNamed && { rewriteSender: form.rewrite_sender === 'true' }),
      ...(isKnown && { userIdleSeconds: idle }),
    };
    const updated = await c.var.admin.devices.update(device.clientId, changes);
    return updated.ok
      ? redirectAfter(c, paths.device(device.clientId), 'device_saved')
      : replyFailure(c, updated.error);
  });

  app.post('/console/devices/:id/enabled', async (c) => {
    const enabled = c.get('form').enabled === 'true';
    const updated = await c.var.admin.devices.update(c.req.param('id'), { enabled });
    if (!updated.ok) return replyFailure(c, updated.error);
    return redirectAfter(c, paths.device(updated.value.clientId), enabled ? 'device_enabled' : 'device_disabled');
  });

  app.get('/console/devices/:id/secret', async (c) => {
    const found = await c.var.admin.devices.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, newSecretPage(c.get('view'), found.value.device));
  });

  app.post('/console/devices/:id/secret', async (c) => {
    const model = await modelOf(c.var.admin, c.req.param('id'));
    if (!model.ok) return replyFailure(c, model.error);
    const { organization, settings } = model.value;
    const days = GRACE_DAYS.find((count) => String(count) === c.get('form').grace_days);
    const rotated = await c.var.admin.devices.rotateSecret(
      settings.clientId,
      days === undefined ? undefined : days * DAY_SECONDS,
    );
    if (!rotated.ok) return replyFailure(c, rotated.error);
    const { device, clientSecret } = rotated.value;
    const withSecret = { ...settings, clientSecret };
    return replyPage(c, deviceSecretPage(c.get('view'), { organization, device, settings: withSecret, isNew: false }));
  });

  app.get('/console/devices/:id/remove', async (c) => {
    const found = await c.var.admin.devices.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    return replyPage(c, confirmPage(c.get('view'), removal(c.get('view'), found.value.device)));
  });

  app.post('/console/devices/:id/remove', async (c) => {
    const found = await c.var.admin.devices.get(c.req.param('id'));
    if (!found.ok) return replyFailure(c, found.error);
    const removed = await c.var.admin.devices.remove(found.value.device.clientId);
    if (!removed.ok) return replyFailure(c, removed.error);
    return redirectAfter(c, paths.organization(found.value.device.organizationId), 'device_removed');
  });

  app.post('/console/devices/:id/bindings', async (c) => {
    const { view, form } = c.var;
    const model = await modelOf(c.var.admin, c.req.param('id'));
    if (!model.ok) return replyFailure(c, model.error);
    const slot = slotOf(form);
    if (form.slot === 'user' && slotNamed(slot) === undefined) {
      const problem = { field: 'login', message: textsIn(view.language).device.loginWrong };
      return replyPage(c, devicePage(view, model.value, filledIn(form, problem)), 400);
    }
    const { clientId } = model.value.device;
    const bound = await c.var.admin.devices.bind(clientId, slot, form.mailbox_id ?? '');
    if (bound.ok) return redirectAfter(c, paths.device(clientId), 'slot_bound');
    const problem = problemOf(view.language, bound.error);
    return replyPage(c, devicePage(view, model.value, filledIn(form, problem)), statusOf(bound.error));
  });

  app.post('/console/devices/:id/unbind', async (c) => {
    const clientId = c.req.param('id');
    const unbound = await c.var.admin.devices.unbind(clientId, c.get('form').slot ?? '');
    return unbound.ok ? redirectAfter(c, paths.device(clientId), 'slot_unbound') : replyFailure(c, unbound.error);
  });
};
