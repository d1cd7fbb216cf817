import { html } from 'hono/html';
import type { Device, Organization } from '../../shared/domain/entities.ts';
import { linkButton, postForm, selectField, submitButton, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';
import { languageOptions } from './organization-form.ts';

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
