import { html } from 'hono/html';
import type { SubmissionDetails } from '../../shared/domain/resend.ts';
import {
  type RecipientOutcome,
  recipientOutcomes,
  type SubmissionDescription,
} from '../../shared/domain/submission.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { buttonForm, facts, linkButton, mailboxLink, table, timeAndDistance } from '../elements.ts';
import { gatewayLink } from '../gateways.ts';
import { page } from '../layout.ts';
import { gatewayTextsIn } from '../texts/gateways.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, type Problem, paths, type View } from '../view.ts';
import { stateBadge, submitter } from './submissions.ts';

/** What a server said, in its own words. */
const reply = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<span lang="en">${text}</span>`;

const bytes = ({ language }: View, count: number): string =>
  new Intl.NumberFormat(language, { style: 'unit', unit: 'byte', unitDisplay: 'long' }).format(count);

/** Where it stands, why, and what can be done about it. */
const statusCard = (view: View, { description, resend, keptUntil }: SubmissionDetails): Html => {
  const { submissions: list, submission: words, mailbox } = textsIn(view.language);
  const { submission, state, reason, nextAttemptAt, response } = description;
  const { id, status, attempts, sentBy, unknownOutcomes, senderRewritten } = submission;
  const [what, remedy] = reason === undefined ? [] : ERROR_TEXTS[view.language][reason];
  const at = (seconds: number | undefined) => (seconds === undefined ? undefined : timeAndDistance(view, seconds));
  const here = paths.submission(id);
  const isBusy = resend.how === 'not' && resend.why === 'being_sent';
  return html`
<div class="card">
${facts([
  [list.state, stateBadge(view, state)],
  [mailbox.reason, what],
  [mailbox.remedy, remedy],
  [list.lastResponse, reply(response)],
  [list.nextTry, at(nextAttemptAt)],
  [list.attempts, String(attempts)],
  [words.way, sentBy && words.ways[sentBy]],
  [words.unknownOutcomes, unknownOutcomes === undefined ? undefined : words.unknownOutcomesText(unknownOutcomes)],
  [words.sender, senderRewritten ? words.senderRewritten : undefined],
  [list.accepted, at(submission.acceptedAt)],
  [words.resentAt, at(submission.resentAt)],
  [words.sentAt, status.state === 'sent' ? at(status.at) : undefined],
  [words.failedAt, status.state === 'failed' ? at(status.at) : undefined],
  [words.keptUntil, at(keptUntil)],
])}
<p class="quiet">${resend.how === 'not' ? words.noResend[resend.why] : words.resendHints[resend.how]}</p>
<div class="actions">
${resend.how === 'not' ? '' : buttonForm(view, `${here}/resend`, words.resend[resend.how], 'primary')}
${isBusy ? '' : linkButton(`${here}/remove`, words.remove, 'danger')}
</div></div>`;
};

const recipientRow = (view: View, one: RecipientOutcome) => {
  const { submission: words } = textsIn(view.language);
  const badge = { delivered: 'sent', pending: 'queued', refused: 'failed', unknown: 'deferred' }[one.outcome];
  return [
    one.address,
    html`<span class="badge badge-${badge}">${words.outcomes[one.outcome]}</span>`,
    one.outcome === 'refused' ? reply(one.response) : '–',
  ];
};

const recipientsTable = (view: View, { submission }: SubmissionDescription): Html => {
  const { submissions: list, submission: words } = textsIn(view.language);
  const rows = recipientOutcomes(submission).map((one) => recipientRow(view, one));
  return table(list.recipients, [words.recipient, words.outcome, words.reply], rows);
};

/** One message: all there is of it. */
export const submissionPage = (view: View, details: SubmissionDetails, problem?: Problem): Html => {
  const { navigation, submissions: list, submission: words, device, mailbox } = textsIn(view.language);
  const { submission } = details.description;
  const { id, clientId, slot, mailboxId, account, messageId, envelope, sizeBytes, gatewayId } = submission;
  return page(view, {
    title: words.title(account),
    section: 'submissions',
    trail: [[paths.submissions, navigation.submissions]],
    problem,
    body: html`
${statusCard(view, details)}
<h2>${list.recipients}</h2>
${recipientsTable(view, details.description)}
<h2>${words.message}</h2>
<div class="card">
${facts([
  [words.id, html`<code>${id}</code>`],
  ['Message-ID', html`<code>${messageId}</code>`],
  [words.size, bytes(view, sizeBytes)],
  [words.envelopeFrom, envelope.from],
  [mailbox.mailbox, mailboxLink(mailboxId, account)],
  [device.device, submitter(view, clientId)],
  [gatewayTextsIn(view.language).gateway, gatewayId && gatewayLink(view, gatewayId, undefined)],
  [device.slot, html`<code>${slot}</code>`],
])}</div>`,
  });
};
