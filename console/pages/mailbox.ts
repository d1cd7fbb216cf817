import { html } from 'hono/html';
import type { AppRegistrationStatus } from '../../shared/domain/app-registration-status.ts';
import type { Organization } from '../../shared/domain/entities.ts';
import type { GrantTrouble } from '../../shared/domain/grant.ts';
import type { AdministeredMailbox } from '../../shared/domain/mail-way.ts';
import type { MailboxDescription } from '../../shared/domain/mailbox-description.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import {
  buttonForm,
  deviceLink,
  facts,
  heldBadge,
  lapseBadge,
  linkButton,
  statusBadge,
  table,
  time,
  timeAndDistance,
} from '../elements.ts';
import { incidents } from '../incident.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, PROVIDER_NAMES, type Problem, paths, type View } from '../view.ts';
import { mailStopCard, mailWayCard } from './mail-way.ts';

export interface MailboxModel {
  readonly organization: Organization;
  readonly described: AdministeredMailbox;
  /** By which it is refreshed, if that is known. */
  readonly appRegistrations: readonly AppRegistrationStatus[];
  readonly boundDevices: readonly { readonly clientId: string; readonly slot: string; readonly name: string }[];
}

const statusCard = (view: View, described: MailboxModel['described']): Html => {
  const { mailbox: words } = textsIn(view.language);
  const { tokenStatus, statusReason, accessTokenExpiresAt, lapsesAt, lastRefreshedAt } = described;
  const here = paths.mailbox(described.mailbox.id);
  const [reason, remedy] = statusReason === undefined ? [] : ERROR_TEXTS[view.language][statusReason];
  const at = (seconds: number | undefined) => (seconds === undefined ? undefined : timeAndDistance(view, seconds));
  const isHeld = described.signedInAccount !== undefined;
  const needsPerson = !isHeld || tokenStatus === 'invalid';
  return html`
<div class="card">
${facts([
  [words.tokenStatus, html`${statusBadge(view, tokenStatus)} ${heldBadge(view, described.way)}`],
  [words.reason, reason],
  [words.remedy, remedy],
  [words.signedInAccount, described.signedInAccount],
  [words.accessTokenExpires, at(accessTokenExpiresAt)],
  [words.lapses, lapsesAt === undefined ? undefined : html`${at(lapsesAt)} ${lapseBadge(view, described)}`],
  [words.lastRefreshed, at(lastRefreshedAt) ?? (isHeld ? words.notYet : undefined)],
  [words.scopes, described.scopes.length === 0 ? undefined : html`<code>${described.scopes.join(' ')}</code>`],
])}
${lapsesAt === undefined ? '' : html`<p class="quiet">${words.lapsesHint}</p>`}
<div class="actions">
${buttonForm(view, `${here}/sign-ins`, isHeld ? words.signInAgain : words.signIn, needsPerson ? 'primary' : 'plain')}
${isHeld && tokenStatus !== 'invalid' ? buttonForm(view, `${here}/refresh`, words.refreshNow) : ''}
${linkButton(paths.connectionTest(described.mailbox.id), words.test)}
${linkButton(paths.submissionsOf(described.mailbox.id), words.submissions)}
${isHeld ? linkButton(`${here}/sign-out`, words.signOut, 'danger') : ''}
</div></div>`;
};

/** Meaning and remedy are left out where the status has said them already. */
const lastErrorCard = (view: View, described: MailboxDescription, trouble: GrantTrouble): Html => {
  const { statusReason, tokenStatus } = described;
  const { kind, code, message, at, retryAt, correlationId } = trouble;
  const { mailbox: words, problem } = textsIn(view.language);
  const [meaning, remedy] = kind === statusReason ? [] : ERROR_TEXTS[view.language][kind];
  // A grant that has ended is not tried again.
  const isTried = tokenStatus !== 'invalid';
  return html`
<h2>${words.lastError}</h2>
<div class="card">
${facts([
  [words.happened, timeAndDistance(view, at)],
  [words.reason, meaning],
  [words.remedy, remedy],
  [problem.detail, html`<span lang="en">${message}</span>`],
  [problem.code, html`<code>${code}</code>`],
  [problem.correlationId, correlationId && html`<code>${correlationId}</code>`],
  [words.nextTry, isTried && retryAt > view.nowSeconds ? timeAndDistance(view, retryAt) : undefined],
])}</div>`;
};

const devicesCard = (view: View, boundDevices: MailboxModel['boundDevices']): Html => {
  const { mailbox: words, device } = textsIn(view.language);
  if (boundDevices.length === 0) return html`<p class="card">${words.notBound}</p>`;
  const rows = boundDevices.map(({ clientId, slot, name }) => [
    deviceLink(clientId, name),
    html`<code>${clientId}</code>`,
    html`<code>${slot}</code>`,
  ]);
  return table(words.boundDevices, [device.name, 'client_id', device.slot], rows);
};

export const mailboxPage = (
  view: View,
  { organization, described, appRegistrations, boundDevices }: MailboxModel,
  problem?: Problem,
): Html => {
  const { mailbox: words, overview, common } = textsIn(view.language);
  const { mailbox, lastError } = described;
  return page(view, {
    title: mailbox.address,
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [paths.organization(organization.id), organization.name],
    ],
    problem,
    body: html`
${incidents(view, appRegistrations, [organization])}
${described.way.stop === undefined ? '' : mailStopCard(view, described, described.way.stop)}
${statusCard(view, described)}
${lastError === undefined ? '' : lastErrorCard(view, described, lastError)}
<h2>${words.boundDevices}</h2>
${devicesCard(view, boundDevices)}
${mailWayCard(view, mailbox.id, described.way)}
<h2>${words.settings}</h2>
<div class="card">
${facts([
  [words.provider, PROVIDER_NAMES[mailbox.provider]],
  [words.address, mailbox.address],
  [words.aliases, mailbox.aliases.join(', ')],
  [words.id, html`<code>${mailbox.id}</code>`],
  [common.created, time(mailbox.createdAt)],
])}
<div class="actions">${linkButton(`${paths.mailbox(mailbox.id)}/remove`, words.remove, 'danger')}</div>
</div>`,
  });
};
