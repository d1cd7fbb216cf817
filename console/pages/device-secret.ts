import { html } from 'hono/html';
import { formerSecretUntil, SECRET_GRACE_SECONDS } from '../../shared/domain/client-secret.ts';
import type { Device, Organization } from '../../shared/domain/entities.ts';
import { facts, linkButton, postForm, selectField, submitButton, timeAndDistance } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { EMPTY_FORM, type Html, paths, type View } from '../view.ts';
import { type DeviceSettings, deviceSettings } from './device-settings.ts';

/** For how many days the former secret may stay good. */
export const GRACE_DAYS = [7, 1, 30, 0] as const;

const DAY_SECONDS = 86_400;

/** Asks before a new secret is made, and what shall become of the old one. */
export const newSecretPage = (view: View, { clientId, metadata }: Device): Html => {
  const { device: words, common, overview } = textsIn(view.language);
  const here = paths.device(clientId);
  const days = new Intl.NumberFormat(view.language, { style: 'unit', unit: 'day', unitDisplay: 'long' });
  const fields = html`
${selectField(EMPTY_FORM, {
  name: 'grace_days',
  label: words.oldSecretFor,
  options: GRACE_DAYS.map((count) => [String(count), count === 0 ? words.oldSecretAtOnce : days.format(count)]),
  initial: String(SECRET_GRACE_SECONDS / DAY_SECONDS),
})}
<p class="actions">${submitButton(words.newSecretYes, 'danger')} ${linkButton(here, common.cancel)}</p>`;
  return page(view, {
    title: words.newSecret,
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [here, metadata.clientName],
    ],
    body: html`<div class="card narrow"><p>${words.newSecretConsequence}</p>${postForm(view, `${here}/secret`, fields)}</div>`,
  });
};

/** The only time the secret is shown: after the device was made, or given a new one. */
export const deviceSecretPage = (
  view: View,
  {
    organization,
    device,
    settings,
    isNew,
  }: {
    readonly organization: Organization;
    readonly device: Device;
    readonly settings: DeviceSettings & { readonly clientSecret: string };
    readonly isNew: boolean;
  },
): Html => {
  const { device: words, common, overview } = textsIn(view.language);
  const here = paths.device(device.clientId);
  const former = formerSecretUntil(device, view.nowSeconds);
  const afterRotation = former === undefined ? words.oldSecretStopped : words.oldSecretStays;
  return page(view, {
    title: isNew ? words.made(device.metadata.clientName) : words.secretMade(device.metadata.clientName),
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [paths.organization(organization.id), organization.name],
      [here, device.metadata.clientName],
    ],
    body: html`
<p class="notice">${common.shownOnce}</p>
<div class="card">
${facts([
  ['client_id', html`<code class="secret">${device.clientId}</code>`],
  ['client_secret', html`<code class="secret">${settings.clientSecret}</code>`],
  [words.formerSecret, former === undefined ? undefined : timeAndDistance(view, former)],
])}
<p>${isNew ? words.nextBind : afterRotation}</p>
<p>${linkButton(here, isNew ? words.toBindings : common.done, 'primary')}</p>
</div>
${deviceSettings(view, settings)}`,
  });
};
