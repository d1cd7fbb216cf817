import { html } from 'hono/html';
import type { AppRegistrationStatus } from '../../shared/domain/app-registration-status.ts';
import type { Organization } from '../../shared/domain/entities.ts';
import type { GatewayDescription } from '../../shared/domain/gateway.ts';
import type { AdministeredMailbox } from '../../shared/domain/mail-way.ts';
import type { MailboxDescription } from '../../shared/domain/mailbox-description.ts';
import { appRegistrationSection, hasSecretWarning } from '../app-registrations.ts';
import { attentionTable, type NamedMailbox, needsAttention } from '../attention.ts';
import { disabledBadge, linkButton, listOf, table, time } from '../elements.ts';
import { silentGateways } from '../gateways.ts';
import { incidents } from '../incident.ts';
import { page } from '../layout.ts';
import { type ListedNotice, noticeTable } from '../notices.ts';
import { textsIn } from '../texts/index.ts';
import { notificationTextsIn } from '../texts/notifications/index.ts';
import { type Html, PROVIDER_NAMES, paths, type View } from '../view.ts';

export interface OverviewModel {
  readonly organizations: readonly {
    readonly organization: Organization;
    readonly deviceCount: number;
    readonly mailboxes: readonly AdministeredMailbox[];
  }[];
  readonly appRegistrations: readonly AppRegistrationStatus[];
  readonly gateways: readonly GatewayDescription[];
  /** What people are told of now. */
  readonly notices: readonly ListedNotice[];
  readonly hasMoreNotices: boolean;
}

const notices = (view: View, { notices: open, hasMoreNotices }: OverviewModel): Html => {
  const { open: words, settings } = notificationTextsIn(view.language);
  const link = view.isForAll ? linkButton(paths.notifications(undefined), settings.ofBroker) : '';
  if (open.length === 0) return html`<p class="links">${link}</p>`;
  return html`<div class="heading"><h2>${words.title}</h2>${link}</div>${noticeTable(view, open, hasMoreNotices)}`;
};

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

/** What somebody should look at; a plain sentence where there is nothing. */
const attention = (view: View, model: OverviewModel, mailboxes: readonly NamedMailbox[]): Html => {
  const { appRegistrations, notices: open, organizations, gateways } = model;
  const { overview } = textsIn(view.language);
  const nameOf = (id: string) => organizations.find(({ organization }) => organization.id === id)?.organization.name;
  const silent = silentGateways(view, gateways, nameOf);
  const troubled = mailboxes.filter(needsAttention(appRegistrations));
  if (troubled.length > 0) return html`${attentionTable(view, troubled)}${silent ?? ''}`;
  if (silent) return silent;
  const isQuiet =
    open.length === 0 && !appRegistrations.some((one) => one.coolDown !== undefined || hasSecretWarning(one));
  return html`<p class="card">${overview.allSignedIn} ${isQuiet ? overview.nothingToDo : ''}</p>`;
};

export const overviewPage = (view: View, model: OverviewModel): Html => {
  const { organizations, appRegistrations } = model;
  const names = organizations.map(({ organization }) => organization);
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
        ? html`${healthLine(view, [])}${incidents(view, appRegistrations, names)}${start}${notices(view, model)}${appRegistrationSection(view, appRegistrations, names)}`
        : html`
${healthLine(view, mailboxes)}
<h2>${overview.attention}</h2>
${incidents(view, appRegistrations, names)}
${attention(view, model, mailboxes)}
${notices(view, model)}
<div class="heading"><h2>${overview.organizations}</h2>${view.isForAll ? linkButton(paths.newOrganization, words.create) : ''}</div>
${table(overview.organizations, [words.name, words.state, overview.devices, overview.mailboxes], rows)}
${appRegistrationSection(view, appRegistrations, names)}`,
  });
};
