import { html } from 'hono/html';
import type { Organization } from '../../shared/domain/entities.ts';
import type { MailboxDescription } from '../../shared/domain/mailbox-description.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { disabledBadge, linkButton, listOf, mailboxLink, statusBadge, table, time } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, PROVIDER_NAMES, paths, type View } from '../view.ts';

export interface OverviewModel {
  readonly organizations: readonly {
    readonly organization: Organization;
    readonly deviceCount: number;
    readonly mailboxes: readonly MailboxDescription[];
  }[];
}

const healthLine = (view: View, mailboxes: readonly MailboxDescription[]): Html => {
  const { overview } = textsIn(view.language);
  const acquired = mailboxes.filter(({ tokenStatus }) => tokenStatus === 'acquired').length;
  const providers = view.providers.map(({ name, isStandIn }) =>
    isStandIn ? `${PROVIDER_NAMES[name]} (${overview.standIn})` : PROVIDER_NAMES[name],
  );
  return html`
<p class="health"><strong>${overview.running}</strong>
<span>${overview.mailboxesSignedIn(acquired, mailboxes.length)}</span>
<span>${overview.providers(listOf(view, providers))}</span>
<span>${time(view.nowSeconds)}</span></p>`;
};

const attention = (view: View, troubled: readonly (MailboxDescription & { organizationName: string })[]): Html => {
  const { overview, mailbox: words, common } = textsIn(view.language);
  if (troubled.length === 0) return html`<p class="card">${overview.nothingToDo}</p>`;
  const rows = troubled.map(({ mailbox, tokenStatus, statusReason, organizationName }) => [
    mailboxLink(mailbox.id, mailbox.address),
    html`<a href="${paths.organization(mailbox.organizationId)}">${organizationName}</a>`,
    statusBadge(view, tokenStatus),
    statusReason === undefined ? '' : ERROR_TEXTS[view.language][statusReason].join(' '),
  ]);
  return table(overview.attention, [words.mailbox, common.organization, words.tokenStatus, overview.whatToDo], rows);
};

export const overviewPage = (view: View, { organizations }: OverviewModel): Html => {
  const { overview, organization: words } = textsIn(view.language);
  const mailboxes = organizations.flatMap(({ organization, mailboxes: own }) =>
    own.map((described) => ({ ...described, organizationName: organization.name })),
  );
  const rows = organizations.map(({ organization, deviceCount, mailboxes: own }) => [
    html`<a href="${paths.organization(organization.id)}">${organization.name}</a>`,
    disabledBadge(view, organization.enabled),
    deviceCount,
    own.length,
  ]);
  const start = html`
<div class="card"><p>${overview.start}</p><p>${linkButton(paths.newOrganization, words.create, 'primary')}</p></div>`;
  return page(view, {
    title: overview.title,
    section: 'overview',
    body:
      organizations.length === 0
        ? html`${healthLine(view, [])}${start}`
        : html`
${healthLine(view, mailboxes)}
<h2>${overview.attention}</h2>
${attention(
  view,
  mailboxes.filter(({ tokenStatus }) => tokenStatus !== 'acquired'),
)}
<div class="heading"><h2>${overview.organizations}</h2>${linkButton(paths.newOrganization, words.create)}</div>
${table(overview.organizations, [words.name, words.state, overview.devices, overview.mailboxes], rows)}`,
  });
};
