import { html } from 'hono/html';
import type { Device, Organization } from '../../shared/domain/entities.ts';
import { facts, linkButton } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, paths, type View } from '../view.ts';
import { type DeviceSettings, deviceSettings } from './device-settings.ts';

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
])}
<p>${isNew ? words.nextBind : words.oldSecretStopped}</p>
<p>${linkButton(here, isNew ? words.toBindings : common.done, 'primary')}</p>
</div>
${deviceSettings(view, settings)}`,
  });
};
