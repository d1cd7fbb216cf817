import { html } from 'hono/html';
import type { Organization } from '../../shared/domain/entities.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';
import { linkButton, postForm, selectField, submitButton, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { LANGUAGE_NAMES, textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

export const languageOptions = LANGUAGES.map((language) => [language, LANGUAGE_NAMES[language]] as const);

/** Makes an organization, or changes the one given. */
export const organizationFormPage = (view: View, form: FormState, existing?: Organization): Html => {
  const { organization: words, common } = textsIn(view.language);
  const here = existing && paths.organization(existing.id);
  const fields = html`
${textField(form, {
  name: 'name',
  label: words.name,
  required: true,
  autocomplete: 'organization',
  initial: existing?.name ?? '',
})}
${selectField(form, {
  name: 'locale',
  label: words.locale,
  hint: words.localeHint,
  options: languageOptions,
  initial: existing?.locale ?? view.language,
})}
<p class="actions">${submitButton(existing ? common.save : words.create)} ${linkButton(here ?? paths.home, common.cancel)}</p>`;
  return page(view, {
    title: existing ? words.change : words.create,
    section: 'overview',
    trail: [
      [paths.home, textsIn(view.language).overview.title],
      ...(existing && here ? [[here, existing.name] as const] : []),
    ],
    problem: form.problem,
    body: html`<div class="card narrow">${postForm(view, here ?? paths.organizations, fields)}</div>`,
  });
};
