import { html } from 'hono/html';
import { enrolmentTokenState } from '../../shared/domain/enrolment-token.ts';
import type { Device, EnrolmentToken, Organization } from '../../shared/domain/entities.ts';
import type { GatewayDescription } from '../../shared/domain/gateway.ts';
import type { AdministeredMailbox } from '../../shared/domain/mail-way.ts';
import { isLanguage } from '../../shared/protocol/texts/index.ts';
import {
  buttonForm,
  deviceLink,
  disabledBadge,
  facts,
  heldBadge,
  lapseBadge,
  linkButton,
  mailboxLink,
  orDash,
  statusBadge,
  table,
  time,
} from '../elements.ts';
import { gatewaySection } from '../gateways.ts';
import { page } from '../layout.ts';
import { type ListedNotice, noticeTable } from '../notices.ts';
import { LANGUAGE_NAMES, textsIn } from '../texts/index.ts';
import { notificationTextsIn } from '../texts/notifications/index.ts';
import { type Html, PROVIDER_NAMES, type Problem, paths, type View } from '../view.ts';

export interface OrganizationModel {
  readonly organization: Organization;
  readonly devices: readonly Device[];
  readonly enrolmentTokens: readonly EnrolmentToken[];
  readonly gateways: readonly GatewayDescription[];
  readonly mailboxes: readonly AdministeredMailbox[];
  /** What its people are told of now. */
  readonly notices: readonly ListedNotice[];
  readonly hasMoreNotices: boolean;
}

const deviceTable = (view: View, devices: readonly Device[]): Html => {
  const { device: words, organization } = textsIn(view.language);
  if (devices.length === 0) return html`<p class="card">${organization.noDevices}</p>`;
  const rows = devices.map(({ clientId, metadata, enabled }) => [
    deviceLink(clientId, metadata.clientName),
    html`<code>${clientId}</code>`,
    orDash([metadata.vendor, metadata.model].filter(Boolean).join(' ')),
    orDash(metadata.location),
    disabledBadge(view, enabled),
  ]);
  return table(organization.devices, [words.name, 'client_id', words.model, words.location, words.state], rows);
};

const mailboxTable = (view: View, mailboxes: readonly AdministeredMailbox[]): Html => {
  const { mailbox: words, organization } = textsIn(view.language);
  if (mailboxes.length === 0) return html`<p class="card">${organization.noMailboxes}</p>`;
  const rows = mailboxes.map((described) => [
    mailboxLink(described.mailbox.id, described.mailbox.address),
    PROVIDER_NAMES[described.mailbox.provider],
    html`${statusBadge(view, described.tokenStatus)} ${heldBadge(view, described.way)}`,
    described.lapsesAt === undefined ? '–' : html`${time(described.lapsesAt)} ${lapseBadge(view, described)}`,
  ]);
  return table(organization.mailboxes, [words.address, words.provider, words.tokenStatus, words.lapses], rows);
};

const enrolmentTokenTable = (view: View, tokens: readonly EnrolmentToken[]): Html => {
  const { enrolmentToken: words, device, common } = textsIn(view.language);
  if (tokens.length === 0) return html`<p class="card">${words.none}</p>`;
  const rows = tokens.map((token) => {
    const { id, organizationId, uses, usesLeft, expiresAt, createdAt } = token;
    const state = enrolmentTokenState(token, view.nowSeconds);
    const revocation = `${paths.organization(organizationId)}/enrolment-tokens/revoke`;
    const hidden = { enrolment_token_id: id };
    return [
      time(createdAt),
      `${usesLeft} / ${uses}`,
      time(expiresAt),
      words.states[state],
      state === 'usable' ? buttonForm(view, revocation, words.revoke, 'plain', hidden) : '',
    ];
  });
  return table(words.list, [common.created, words.left, words.expires, words.state, device.action], rows);
};

const settings = (view: View, { id, enabled, locale, createdAt }: Organization): Html => {
  const { organization: words, common } = textsIn(view.language);
  const here = paths.organization(id);
  // Whom the operator has suspended does not lift it.
  const toggle = enabled
    ? buttonForm(view, `${here}/enabled`, common.disable, 'plain', { enabled: 'false' })
    : buttonForm(view, `${here}/enabled`, common.enable, 'plain', { enabled: 'true' });
  return html`
<h2>${words.settings}</h2>
<div class="card">
${facts([
  [words.state, disabledBadge(view, enabled)],
  [words.locale, isLanguage(locale) ? LANGUAGE_NAMES[locale] : locale],
  [words.id, html`<code>${id}</code>`],
  [common.created, time(createdAt)],
])}
${view.isForAll ? html`<p class="quiet">${words.disableHint}</p>` : ''}
<div class="actions">
${linkButton(`${here}/edit`, words.change)}
${view.isForAll ? html`${toggle} ${linkButton(`${here}/remove`, words.remove, 'danger')}` : ''}
</div></div>`;
};

export const organizationPage = (
  view: View,
  { organization, devices, enrolmentTokens, gateways, mailboxes, notices, hasMoreNotices }: OrganizationModel,
  problem?: Problem,
): Html => {
  const { organization: words, enrolmentToken: ofToken, overview, navigation } = textsIn(view.language);
  const ofNotices = notificationTextsIn(view.language);
  const here = paths.organization(organization.id);
  const filter = `?organization_id=${organization.id}`;
  return page(view, {
    title: organization.name,
    section: 'overview',
    trail: [[paths.home, overview.title]],
    problem,
    body: html`
${organization.enabled ? '' : html`<p class="notice">${words.isDisabled}</p>`}
<p class="links"><a href="${paths.submissions}${filter}">${navigation.submissions}</a>
<a href="${paths.audit}${filter}">${navigation.audit}</a>
<a href="${paths.notifications(organization.id)}">${ofNotices.settings.title}</a></p>
${notices.length === 0 ? '' : html`<h2>${ofNotices.open.title}</h2>${noticeTable(view, notices, hasMoreNotices)}`}
<div class="heading"><h2>${words.mailboxes}</h2>${linkButton(`${here}/mailboxes/new`, words.addMailbox)}</div>
${mailboxTable(view, mailboxes)}
<div class="heading"><h2>${words.devices}</h2>${linkButton(`${here}/devices/new`, words.addDevice)}</div>
${deviceTable(view, devices)}
${gatewaySection(view, gateways)}
<div class="heading"><h2>${ofToken.list}</h2>${linkButton(`${here}/enrolment-tokens/new`, words.newEnrolmentToken)}</div>
${enrolmentTokenTable(view, enrolmentTokens)}
${settings(view, organization)}`,
  });
};
