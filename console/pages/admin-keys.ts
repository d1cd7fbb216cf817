import { html } from 'hono/html';
import type { AdminKey, Organization } from '../../shared/domain/entities.ts';
import { facts, linkButton, postForm, selectField, submitButton, table, textField, time } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type FormState, type Html, paths, type View } from '../view.ts';

/** What a form says in place of an organization's id. */
export const ALL_ORGANIZATIONS = 'all';

const trailTo = (view: View) => [[paths.adminKeys, textsIn(view.language).navigation.adminKeys]] as const;

/** What a key is for. An organization that was removed has no name any more. */
const reachOf = (view: View, { organizationId }: AdminKey, organizations: readonly Organization[]): unknown => {
  if (organizationId === undefined) return textsIn(view.language).adminKey.allOrganizations;
  const organization = organizations.find(({ id }) => id === organizationId);
  return organization === undefined
    ? html`<code>${organizationId}</code>`
    : html`<a href="${paths.organization(organizationId)}">${organization.name}</a>`;
};

/** Every key that was made. That of the broker itself is not among them: nobody revokes it here. */
export const adminKeysPage = (
  view: View,
  adminKeys: readonly AdminKey[],
  organizations: readonly Organization[],
): Html => {
  const { adminKey: words, navigation, common, device } = textsIn(view.language);
  const rows = adminKeys.map((key) => [
    key.name,
    html`<code>${key.id}</code>`,
    reachOf(view, key, organizations),
    time(key.createdAt),
    key.revokedAt === undefined ? words.valid : html`${words.revoked} ${time(key.revokedAt)}`,
    key.revokedAt === undefined ? linkButton(`${paths.adminKeys}/${key.id}/revoke`, words.revoke) : '',
  ]);
  const columns = [words.name, words.id, words.reach, common.created, words.state, device.action];
  return page(view, {
    title: navigation.adminKeys,
    section: 'adminKeys',
    body: html`
<div class="heading"><p>${words.intro}</p>${linkButton(paths.newAdminKey, words.create)}</div>
${rows.length === 0 ? html`<p class="card">${words.none}</p>` : table(navigation.adminKeys, columns, rows)}`,
  });
};

export const adminKeyFormPage = (view: View, organizations: readonly Organization[], form: FormState): Html => {
  const { adminKey: words, common } = textsIn(view.language);
  const choices = organizations.map(({ id, name }) => [id, name] as const);
  const fields = html`
${textField(form, { name: 'name', label: words.name, hint: words.nameHint, required: true })}
${selectField(form, {
  name: 'reach',
  label: words.reach,
  options: [['', words.choose], ...choices, [ALL_ORGANIZATIONS, words.allOrganizations]],
})}
<p class="actions">${submitButton(words.createYes)} ${linkButton(paths.adminKeys, common.cancel)}</p>`;
  return page(view, {
    title: words.create,
    section: 'adminKeys',
    trail: trailTo(view),
    problem: form.problem,
    body: html`<div class="card narrow"><p>${words.formIntro}</p>${postForm(view, paths.adminKeys, fields)}</div>`,
  });
};

/** The only time the key is shown. */
export const adminKeyPage = (
  view: View,
  { key, adminKey }: { readonly key: AdminKey; readonly adminKey: string },
  organizations: readonly Organization[],
): Html => {
  const { adminKey: words, common, login } = textsIn(view.language);
  return page(view, {
    title: words.made,
    section: 'adminKeys',
    trail: trailTo(view),
    body: html`
<p class="notice">${common.shownOnce}</p>
<div class="card">
${facts([
  [words.name, key.name],
  [words.reach, reachOf(view, key, organizations)],
  [login.adminKey, html`<code class="secret">${adminKey}</code>`],
])}
</div>
<p>${linkButton(paths.adminKeys, common.done, 'primary')}</p>`,
  });
};
