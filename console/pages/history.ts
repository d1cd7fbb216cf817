import { html } from 'hono/html';
import type { AuditEntry, Organization } from '../../shared/domain/entities.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { deviceLink, mailboxLink, orDash, table, time } from '../elements.ts';
import { page } from '../layout.ts';
import { auditActionIn, textsIn } from '../texts/index.ts';
import { type Html, type Problem, paths, type View } from '../view.ts';

export interface HistoryModel<Entry> {
  readonly entries: readonly Entry[];
  /** For the older ones; undefined at the end. */
  readonly cursor: string | undefined;
  /** Whether these are not the newest. */
  readonly isContinued: boolean;
  /** Only what belongs to this one. */
  readonly organization: Organization | undefined;
  readonly problem?: Problem | undefined;
}

const pager = (view: View, path: string, { cursor, isContinued, organization }: HistoryModel<unknown>): Html => {
  const { history } = textsIn(view.language);
  const filter = organization && `organization_id=${organization.id}`;
  const address = (...parts: readonly (string | undefined)[]) => {
    const query = parts.filter(Boolean).join('&');
    return query === '' ? path : `${path}?${query}`;
  };
  if (cursor === undefined && !isContinued) return html``;
  return html`
<nav class="pager" aria-label="${history.pages}">
${isContinued ? html`<a href="${address(filter)}">${history.newest}</a>` : ''}
${cursor === undefined ? '' : html`<a href="${address(filter, `cursor=${cursor}`)}" rel="next">${history.older}</a>`}
</nav>`;
};

const trailOf = (view: View, { organization }: HistoryModel<unknown>) =>
  organization === undefined
    ? undefined
    : ([
        [paths.home, textsIn(view.language).overview.title],
        [paths.organization(organization.id), organization.name],
      ] as const);

/** Where it stands and why. */
const submissionState = (view: View, { status, rejected }: Submission): Html => {
  const { submissions: words } = textsIn(view.language);
  const badge = html`<span class="badge badge-${status.state}">${words.states[status.state]}</span>`;
  const because = (reason: unknown) => html`${badge} <span class="because">${reason}</span>`;
  const refused = rejected.map(({ address, response }) => `${address} (${response})`).join(', ');
  const lost = refused === '' ? '' : html` ${words.rejected}: ${refused}`;
  switch (status.state) {
    case 'queued':
    case 'sending':
      return badge;
    case 'sent':
      return lost === '' ? badge : because(lost);
    case 'deferred': {
      const [reason] = ERROR_TEXTS[view.language][status.reason];
      return because(html`${reason} ${words.nextTry}: ${time(status.until)}${lost}`);
    }
    case 'held':
    case 'failed':
      return because(ERROR_TEXTS[view.language][status.reason].join(' '));
  }
};

/** What the mail server said, in its own words. */
const lastReply = (view: View, response: string | undefined): Html =>
  response === undefined
    ? html``
    : html`<span class="because quiet">${textsIn(view.language).submissions.lastResponse}: <span lang="en">${response}</span></span>`;

/** What is sent, newest first. */
export const submissionsPage = (view: View, model: HistoryModel<Submission>): Html => {
  const { submissions: words, navigation, device, mailbox } = textsIn(view.language);
  const rows = model.entries.map((submission) => [
    time(submission.acceptedAt),
    html`${submissionState(view, submission)}${lastReply(view, submission.lastResponse)}`,
    html`${deviceLink(submission.clientId, html`<code>${submission.clientId}</code>`)} <code>${submission.slot}</code>`,
    mailboxLink(submission.mailboxId, submission.account),
    submission.envelope.to.length,
    submission.attempts,
  ]);
  const { accepted, state, recipients, attempts } = words;
  const columns = [accepted, state, device.device, mailbox.mailbox, recipients, attempts];
  return page(view, {
    title: navigation.submissions,
    section: 'submissions',
    trail: trailOf(view, model),
    problem: model.problem,
    body: html`
<p>${words.intro}</p>
${rows.length === 0 ? html`<p class="card">${words.none}</p>` : table(navigation.submissions, columns, rows)}
${pager(view, paths.submissions, model)}`,
  });
};

/** Who did it: the administrator, a device, a provider, a person at a sign-in, or the broker by itself. */
const actor = (view: View, by: string): Html => {
  const { audit } = textsIn(view.language);
  const [kind, name = ''] = by.split(':');
  if (kind === 'device') return html`${audit.device} ${deviceLink(name, html`<code>${name}</code>`)}`;
  if (kind === 'admin') return html`${audit.admin}${name === '' ? '' : html` <code>${name}</code>`}`;
  if (kind === 'broker') return html`${audit.broker}`;
  return kind === 'person' ? html`${audit.person}` : html`${by}`;
};

/** Only what can still be opened: what was removed has no page. */
const subject = (name: string): Html => {
  if (name.startsWith('mbx_')) return html`<a href="${paths.mailbox(name)}"><code>${name}</code></a>`;
  if (name.startsWith('org_')) return html`<a href="${paths.organization(name)}"><code>${name}</code></a>`;
  return html`<code>${name}</code>`;
};

/** What was done, newest first. */
export const auditPage = (view: View, model: HistoryModel<AuditEntry>): Html => {
  const { audit: words, navigation } = textsIn(view.language);
  const rows = model.entries.map((entry) => [
    time(entry.at),
    html`${auditActionIn(view.language, entry.action)}`,
    actor(view, entry.by),
    subject(entry.subject),
    orDash(entry.detail),
  ]);
  return page(view, {
    title: navigation.audit,
    section: 'audit',
    trail: trailOf(view, model),
    problem: model.problem,
    body: html`
<p>${words.intro}</p>
${rows.length === 0 ? html`<p class="card">${words.none}</p>` : table(navigation.audit, [words.when, words.what, words.who, words.subject, words.detail], rows)}
${pager(view, paths.audit, model)}`,
  });
};
