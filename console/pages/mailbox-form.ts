import { html } from 'hono/html';
import type { Organization } from '../../shared/domain/entities.ts';
import { linkButton, listOf, postForm, selectField, submitButton, textArea, textField } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

/** Names of products, the same in every language. */
const PROVIDER_OPTIONS = [
  ['microsoft', 'Microsoft (Exchange Online, Outlook.com)'],
  ['google', 'Google (Gmail, Google Workspace)'],
] as const;

/** The account must be the mailbox's own; where stand-ins run, one that they know. */
const addressHint = (view: View): string => {
  const { mailbox, standIn } = textsIn(view.language);
  const examples = view.providers.map(({ exampleAddress }) => exampleAddress).filter((one) => one !== undefined);
  return examples.length === 0
    ? mailbox.addressHint
    : `${mailbox.addressHint} ${standIn.examples(listOf(view, examples, 'disjunction'))}`;
};

export const mailboxFormPage = (view: View, organization: Organization, form: FormState): Html => {
  const { mailbox: words, common, overview, organization: ofOrganization } = textsIn(view.language);
  const home = paths.organization(organization.id);
  const fields = html`
${selectField(form, { name: 'provider', label: words.provider, options: PROVIDER_OPTIONS, initial: 'microsoft' })}
${textField(form, {
  name: 'address',
  label: words.address,
  hint: addressHint(view),
  type: 'email',
  maxLength: 254,
  required: true,
})}
${textArea(form, { name: 'aliases', label: words.aliases, hint: words.aliasesHint })}
<p class="actions">${submitButton(ofOrganization.addMailbox)} ${linkButton(home, common.cancel)}</p>`;
  return page(view, {
    title: ofOrganization.addMailbox,
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [home, organization.name],
    ],
    problem: form.problem,
    body: html`<div class="card narrow">${postForm(view, `${home}/mailboxes`, fields)}</div>`,
  });
};
