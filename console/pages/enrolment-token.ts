import { html } from 'hono/html';
import type { EnrolmentToken, Organization } from '../../shared/domain/entities.ts';
import { facts, linkButton, postForm, submitButton, textField, timeAndDistance } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

const trailTo = (view: View, { id, name }: Organization) =>
  [
    [paths.home, textsIn(view.language).overview.title],
    [paths.organization(id), name],
  ] as const;

export const enrolmentTokenFormPage = (view: View, organization: Organization, form: FormState): Html => {
  const { enrolmentToken: words, common, organization: ofOrganization } = textsIn(view.language);
  const here = paths.organization(organization.id);
  const fields = html`
${textField(form, { name: 'uses', label: words.uses, type: 'number', required: true, initial: '1' })}
${textField(form, { name: 'days', label: words.days, type: 'number', required: true, initial: '7' })}
<p class="actions">${submitButton(words.create)} ${linkButton(here, common.cancel)}</p>`;
  return page(view, {
    title: ofOrganization.newEnrolmentToken,
    section: 'overview',
    trail: trailTo(view, organization),
    problem: form.problem,
    body: html`<div class="card narrow"><p>${words.intro}</p>${postForm(view, `${here}/enrolment-tokens`, fields)}</div>`,
  });
};

/** The only time the token is shown. */
export const enrolmentTokenPage = (
  view: View,
  model: {
    readonly organization: Organization;
    readonly token: EnrolmentToken;
    readonly enrolmentToken: string;
    readonly publicUrl: string;
  },
): Html => {
  const { enrolmentToken: words, common } = textsIn(view.language);
  const { organization, token, enrolmentToken, publicUrl } = model;
  const example = `curl -X POST ${publicUrl}/oauth/register \\
  -H "Authorization: Bearer ${enrolmentToken}" \\
  -H "Content-Type: application/json" \\
  -d '{"client_name": "Copier, 2nd floor"}'`;
  return page(view, {
    title: words.made,
    section: 'overview',
    trail: trailTo(view, organization),
    body: html`
<p class="notice">${common.shownOnce}</p>
<div class="card">
${facts([
  [words.token, html`<code class="secret">${enrolmentToken}</code>`],
  [words.uses, token.usesLeft],
  [words.expires, timeAndDistance(view, token.expiresAt)],
])}
<h2>${common.example}</h2>
<pre><code>${example}</code></pre>
</div>
<p>${linkButton(paths.organization(organization.id), common.done, 'primary')}</p>`,
  });
};
