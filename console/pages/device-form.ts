import { html } from 'hono/html';
import type { Device, Organization } from '../../shared/domain/entities.ts';
import { SENDER_POLICIES, senderPolicyOf } from '../../shared/domain/sender-policy.ts';
import { linkButton, postForm, selectField, submitButton, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';
import { languageOptions } from './organization-form.ts';

/** As whom a device sends (R23), in the admin API's names. A new device sends as any address of its mailbox. */
const senderFields = ({ language }: View, form: FormState, device: Device): Html => {
  const { device: words } = textsIn(language);
  const policy = senderPolicyOf(device);
  return html`
${selectField(form, {
  name: 'sender_policy',
  label: words.senderPolicy,
  hint: words.senderPolicyHint,
  options: SENDER_POLICIES.map((name) => [name, words.senderPolicies[name]]),
  initial: policy.name,
})}
${textField(form, {
  name: 'sender_address',
  label: words.senderAddress,
  hint: words.senderAddressHint,
  maxLength: 254,
  initial: policy.name === 'configured' ? policy.address : '',
})}
${selectField(form, {
  name: 'rewrite_sender',
  label: words.otherSenders,
  hint: words.otherSendersHint,
  options: [
    ['false', words.otherSendersRefused],
    ['true', words.otherSendersRewritten],
  ],
  initial: String(device.rewriteSender === true),
})}`;
};

/** Seconds; 0: never. */
export const USER_IDLE_CHOICES = [0, 1800, 3600, 8 * 3600, 86_400, 7 * 86_400, 30 * 86_400] as const;

const duration = ({ language }: View, seconds: number): string => {
  const [unit, length] = (
    [
      ['day', 86_400],
      ['hour', 3600],
      ['minute', 60],
    ] as const
  ).find(([, unitSeconds]) => seconds % unitSeconds === 0) ?? ['second', 1];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(seconds / length);
};

/** R17: a person's own mailbox does not stay at the device for ever. */
const idleField = (view: View, form: FormState, { userIdleSeconds = 0 }: Device): Html => {
  const { device: words } = textsIn(view.language);
  const choices = [...new Set([...USER_IDLE_CHOICES, userIdleSeconds])].sort((one, other) => one - other);
  return selectField(form, {
    name: 'user_idle_seconds',
    label: words.userIdle,
    hint: words.userIdleHint,
    options: choices.map((seconds) => [String(seconds), seconds === 0 ? words.never : duration(view, seconds)]),
    initial: String(userIdleSeconds),
  });
};

/** Makes a device, or changes what is known of the one given. Field names are those of RFC 7591 registration. */
export const deviceFormPage = (view: View, organization: Organization, form: FormState, existing?: Device): Html => {
  const { device: words, common, overview, organization: ofOrganization } = textsIn(view.language);
  const home = paths.organization(organization.id);
  const here = existing && paths.device(existing.clientId);
  const metadata = existing?.metadata;
  const fields = html`
${textField(form, {
  name: 'client_name',
  label: words.name,
  hint: words.nameHint,
  required: true,
  initial: metadata?.clientName ?? '',
})}
${textField(form, { name: 'vendor', label: words.vendor, initial: metadata?.vendor ?? '' })}
${textField(form, { name: 'model', label: words.modelOnly, initial: metadata?.model ?? '' })}
${textField(form, { name: 'serial_number', label: words.serialNumber, initial: metadata?.serialNumber ?? '' })}
${textField(form, { name: 'location', label: words.location, initial: metadata?.location ?? '' })}
${selectField(form, {
  name: 'locale',
  label: words.locale,
  options: languageOptions,
  initial: metadata?.locale ?? organization.locale,
})}
${existing ? html`${senderFields(view, form, existing)}${idleField(view, form, existing)}` : ''}
<p class="actions">${submitButton(existing ? common.save : ofOrganization.addDevice)}
${linkButton(here ?? home, common.cancel)}</p>`;
  return page(view, {
    title: existing ? words.change : ofOrganization.addDevice,
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [home, organization.name],
      ...(here && metadata ? [[here, metadata.clientName] as const] : []),
    ],
    problem: form.problem,
    body: html`<div class="card narrow">${postForm(view, here ?? `${home}/devices`, fields)}</div>`,
  });
};
