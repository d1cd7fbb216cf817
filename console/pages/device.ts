import { html } from 'hono/html';
import { isFetchedSince } from '../../shared/domain/binding.ts';
import { formerSecretUntil } from '../../shared/domain/client-secret.ts';
import type { Binding, Device, Organization } from '../../shared/domain/entities.ts';
import type { MailboxDescription } from '../../shared/domain/mailbox-description.ts';
import { senderPolicyOf } from '../../shared/domain/sender-policy.ts';
import {
  buttonForm,
  disabledBadge,
  facts,
  linkButton,
  mailboxLink,
  postForm,
  selectField,
  statusBadge,
  submitButton,
  table,
  textField,
  time,
  timeAndDistance,
} from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { EMPTY_FORM, type FormState, type Html, paths, type View } from '../view.ts';
import { type DeviceSettings, deviceSettings } from './device-settings.ts';

export interface DeviceModel {
  readonly organization: Organization;
  readonly device: Device;
  readonly bindings: readonly Binding[];
  /** All of the organization, to choose from. */
  readonly mailboxes: readonly MailboxDescription[];
  readonly settings: DeviceSettings;
}

const FIXED_SLOTS = ['scan', 'alerts', 'fax', 'receive'] as const;

/** The slot in words, with the name it has on the wire. */
const slotName = (view: View, slot: string): Html => {
  const { slots } = textsIn(view.language);
  const fixed = FIXED_SLOTS.find((name) => name === slot);
  return fixed === undefined ? html`<code>${slot}</code>` : html`${slots[fixed]} (<code>${slot}</code>)`;
};

/** When the device last fetched a token, and whether it ever did since somebody signed in (R29). */
const fetched = (view: View, binding: Binding, bound: MailboxDescription | undefined): Html => {
  const { device: words } = textsIn(view.language);
  const { lastFetchedAt } = binding;
  const last = lastFetchedAt === undefined ? words.neverFetched : timeAndDistance(view, lastFetchedAt);
  const isMissing = isFetchedSince(binding, bound?.signedInAt) === false;
  return html`${last}${isMissing ? html`<br><strong>${words.unfetched}</strong>` : ''}`;
};

const bindingTable = (view: View, { device, bindings, mailboxes }: DeviceModel): Html => {
  const { device: words, mailbox: ofMailbox } = textsIn(view.language);
  if (bindings.length === 0) return html`<p class="card">${words.nothingBound}</p>`;
  const rows = bindings.map((binding) => {
    const { slot, mailboxId } = binding;
    const bound = mailboxes.find(({ mailbox }) => mailbox.id === mailboxId);
    return [
      slotName(view, slot),
      mailboxLink(mailboxId, bound?.mailbox.address ?? mailboxId),
      bound === undefined ? '–' : statusBadge(view, bound.tokenStatus),
      fetched(view, binding, bound),
      buttonForm(
        view,
        `${paths.device(device.clientId)}/unbind`,
        html`${words.unbind}<span class="unseen"> ${slot}</span>`,
        'plain',
        { slot },
      ),
    ];
  });
  const columns = [words.slot, ofMailbox.mailbox, ofMailbox.tokenStatus, words.lastFetched, words.action];
  return table(words.bindings, columns, rows);
};

const bindForm = (view: View, { organization, device, mailboxes }: DeviceModel, form: FormState): Html => {
  const { device: words, slots, mailbox: ofMailbox, organization: ofOrganization } = textsIn(view.language);
  if (mailboxes.length === 0) {
    const addMailbox = `${paths.organization(organization.id)}/mailboxes/new`;
    return html`
<div class="card"><p>${words.noMailboxYet}</p><p>${linkButton(addMailbox, ofOrganization.addMailbox)}</p></div>`;
  }
  const fields = html`
<div class="row">
${selectField(form, {
  name: 'slot',
  label: words.slot,
  options: [...FIXED_SLOTS, 'user' as const].map((slot) => [slot, slots[slot]]),
})}
${selectField(form, {
  name: 'mailbox_id',
  label: ofMailbox.mailbox,
  options: mailboxes.map(({ mailbox }) => [mailbox.id, mailbox.address]),
})}
${textField(form, { name: 'login', label: words.login, maxLength: 64 })}
</div>
<p class="hint">${words.loginHint}</p>
${submitButton(words.bind)}`;
  return html`
<section class="card"><h3>${words.bindTitle}</h3>
${postForm(view, `${paths.device(device.clientId)}/bindings`, fields)}
</section>`;
};

const sender = ({ language }: View, device: Device): Html => {
  const policy = senderPolicyOf(device);
  const { senderPolicies, senderAddress } = textsIn(language).device;
  if (policy.name !== 'configured') return html`${senderPolicies[policy.name]}`;
  return html`${senderAddress}: <code>${policy.address}</code>`;
};

const about = (view: View, device: Device): Html => {
  const { clientId, metadata, enabled, createdAt } = device;
  const former = formerSecretUntil(device, view.nowSeconds);
  const { device: words, common } = textsIn(view.language);
  const here = paths.device(clientId);
  const toggle = enabled
    ? buttonForm(view, `${here}/enabled`, common.disable, 'plain', { enabled: 'false' })
    : buttonForm(view, `${here}/enabled`, common.enable, 'plain', { enabled: 'true' });
  return html`
<div class="card">
${facts([
  [words.state, disabledBadge(view, enabled)],
  ['client_id', html`<code>${clientId}</code>`],
  [words.vendor, metadata.vendor],
  [words.modelOnly, metadata.model],
  [words.serialNumber, metadata.serialNumber],
  [words.location, metadata.location],
  [words.software, [metadata.softwareId, metadata.softwareVersion].filter(Boolean).join(' ')],
  [words.senderPolicy, sender(view, device)],
  [words.otherSenders, device.rewriteSender ? words.otherSendersRewritten : words.otherSendersRefused],
  [common.created, time(createdAt)],
  [words.formerSecret, former === undefined ? undefined : timeAndDistance(view, former)],
])}
<p class="quiet">${words.disableHint}</p>
<div class="actions">
${linkButton(`${here}/edit`, words.change)}
${toggle}
${linkButton(`${here}/secret`, words.newSecret)}
${linkButton(`${here}/remove`, words.remove, 'danger')}
</div></div>`;
};

export const devicePage = (view: View, model: DeviceModel, form: FormState = EMPTY_FORM): Html => {
  const { device: words, overview } = textsIn(view.language);
  const { organization, device, settings } = model;
  return page(view, {
    title: device.metadata.clientName,
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [paths.organization(organization.id), organization.name],
    ],
    problem: form.problem,
    body: html`
${device.enabled ? '' : html`<p class="notice">${words.isDisabled}</p>`}
${about(view, device)}
<h2>${words.bindings}</h2>
${bindingTable(view, model)}
${bindForm(view, model, form)}
${deviceSettings(view, settings)}`,
  });
};
