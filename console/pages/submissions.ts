import { html } from 'hono/html';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { BROKER_SENDER } from '../../shared/domain/notice-sender.ts';
import { SUBMISSION_STATES, type SubmissionDescription, type SubmissionState } from '../../shared/domain/submission.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { deviceLink, mailboxLink, selectField, submitButton, table, time } from '../elements.ts';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { EMPTY_FORM, type Html, paths, type View } from '../view.ts';
import { type HistoryModel, pager, trailOf } from './history.ts';

export interface SubmissionsModel extends HistoryModel<SubmissionDescription> {
  /** Only what goes by this one. */
  readonly mailbox: Mailbox | undefined;
  /** Only what is in this state. */
  readonly state: SubmissionState | undefined;
}

/** The device it came from; or the broker, which tells people of its troubles by mail as well. */
export const submitter = (view: View, clientId: string): Html =>
  clientId === BROKER_SENDER
    ? html`${textsIn(view.language).audit.broker}`
    : deviceLink(clientId, html`<code>${clientId}</code>`);

export const stateBadge = (view: View, state: SubmissionState): Html =>
  html`<span class="badge badge-${state}">${textsIn(view.language).submissions.states[state]}</span>`;

/** Where it stands and why. */
const submissionState = (view: View, { submission, state, reason, nextAttemptAt }: SubmissionDescription): Html => {
  const { submissions: words } = textsIn(view.language);
  const badge = stateBadge(view, state);
  const because = (text: unknown) => html`${badge} <span class="because">${text}</span>`;
  const refused = submission.rejected.map(({ address, response }) => `${address} (${response})`).join(', ');
  const lost = refused === '' ? '' : html` ${words.rejected}: ${refused}`;
  if (reason === undefined) return lost === '' ? badge : because(lost);
  const [what, remedy] = ERROR_TEXTS[view.language][reason];
  if (state !== 'deferred' || nextAttemptAt === undefined) return because(`${what} ${remedy}`);
  return because(html`${what} ${words.nextTry}: ${time(nextAttemptAt)}${lost}`);
};

/** What the mail server said, in its own words. */
const lastReply = (view: View, response: string | undefined): Html =>
  response === undefined
    ? html``
    : html`<span class="because quiet">${textsIn(view.language).submissions.lastResponse}: <span lang="en">${response}</span></span>`;

/** A form that reads, and so needs no token. */
const filterForm = (view: View, { organization, mailbox, state }: SubmissionsModel): Html => {
  const { submissions: words } = textsIn(view.language);
  const kept = (name: string, value: string | undefined) =>
    value === undefined ? '' : html`<input type="hidden" name="${name}" value="${value}">`;
  const states = SUBMISSION_STATES.map((one) => [one, words.states[one]] as const);
  const options = [['', words.everyState] as const, ...states];
  const field = { name: 'state', label: words.state, options, initial: state ?? '' };
  return html`
<form method="get" action="${paths.submissions}" class="form filter">
${kept('organization_id', organization?.id)}${kept('mailbox_id', mailbox?.id)}
${selectField(EMPTY_FORM, field)}
${submitButton(words.show, 'plain')}
</form>`;
};

/** A filter looks through so much at a time; what is older may still hold what is looked for. */
const nothing = (view: View, { mailbox, state, cursor, isContinued }: SubmissionsModel): Html => {
  const { submissions: words } = textsIn(view.language);
  const isFiltered = mailbox !== undefined || state !== undefined || isContinued;
  const text = cursor === undefined ? (isFiltered ? words.noneSuch : words.none) : words.noneYet;
  return html`<p class="card">${text}</p>`;
};

const trail = (view: View, model: SubmissionsModel) => {
  const { overview } = textsIn(view.language);
  const { mailbox } = model;
  if (mailbox === undefined) return trailOf(view, model);
  return [
    ...(trailOf(view, model) ?? [[paths.home, overview.title] as const]),
    [paths.mailbox(mailbox.id), mailbox.address] as const,
  ];
};

/** What is sent, newest first. */
export const submissionsPage = (view: View, model: SubmissionsModel): Html => {
  const { submissions: words, navigation, device, mailbox } = textsIn(view.language);
  const rows = model.entries.map((description) => {
    const { id, acceptedAt, clientId, slot, mailboxId, account, envelope, attempts } = description.submission;
    return [
      html`<a href="${paths.submission(id)}">${time(acceptedAt)}</a>`,
      html`${submissionState(view, description)}${lastReply(view, description.response)}`,
      html`${submitter(view, clientId)} <code>${slot}</code>`,
      mailboxLink(mailboxId, account),
      envelope.to.length,
      attempts,
    ];
  });
  const { accepted, state, recipients, attempts } = words;
  const columns = [accepted, state, device.device, mailbox.mailbox, recipients, attempts];
  const filter = [['mailbox_id', model.mailbox?.id] as const, ['state', model.state] as const];
  return page(view, {
    title: navigation.submissions,
    section: 'submissions',
    trail: trail(view, model),
    problem: model.problem,
    body: html`
<p>${words.intro}</p>
${filterForm(view, model)}
${rows.length === 0 ? nothing(view, model) : table(navigation.submissions, columns, rows)}
${pager(view, paths.submissions, model, filter)}`,
  });
};
