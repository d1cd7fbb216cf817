import { html } from 'hono/html';
import type { SubmissionState } from '../../shared/domain/submission.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { badge, button, type Html, inEnglish, size, table, time, timeAndDistance, type View } from './elements.ts';
import { asShownTo } from './privacy.ts';
import type { GatewayStatus, QueueEntry } from './status.ts';
import { textsIn } from './texts/index.ts';

/** As many as a page can be read of, and a browser on a panel bears. */
const SHOWN = 200;

const BADGES: Readonly<Record<SubmissionState, Parameters<typeof badge>[0]>> = {
  queued: 'idle',
  sending: 'idle',
  sent: 'good',
  deferred: 'wait',
  held: 'wait',
  failed: 'bad',
};

/** What each page of the status is called. The ids are ours, and made of letters that need no escape. */
export const paths = {
  home: '/',
  signIn: '/sign-in',
  resend: (id: string) => `/messages/${id}/resend`,
  remove: (id: string) => `/messages/${id}/remove`,
  tryNow: (mailboxId: string) => `/mailboxes/${mailboxId}/try`,
  rootDer: '/ca.crt',
  rootPem: '/ca.pem',
} as const;

/** Where it stands, why, and what to do. */
const stateCell = (view: View, { state, reason, nextAttemptAt, response }: QueueEntry): Html => {
  const { queue: words } = textsIn(view.language);
  const because = (text: unknown) => html`<span class="because">${text}</span>`;
  const said = response && asShownTo(view, response);
  return html`<span class="state">${badge(BADGES[state], words.states[state])}
${reason === undefined ? '' : because(ERROR_TEXTS[view.language][reason].join(' '))}
${nextAttemptAt === undefined ? '' : because(html`${words.nextTry}: ${time(nextAttemptAt)}`)}
${said === undefined ? '' : because(html`<span class="quiet">${words.lastResponse}: ${inEnglish(said)}</span>`)}</span>`;
};

const recipientsCell = (view: View, { submission }: QueueEntry): unknown => {
  const { to } = submission.envelope;
  return view.formToken === undefined
    ? to.length
    : html`${to.length}${to.map((address) => html` <span class="address">${address}</span>`)}`;
};

/** What is sent just now is let alone. */
const actionsCell = (view: View, { submission, state }: QueueEntry): unknown => {
  const { queue: words } = textsIn(view.language);
  const { id, mailboxId } = submission;
  if (view.formToken === undefined || state === 'sending') return '–';
  const remove = html`<a class="button danger" href="${paths.remove(id)}">${words.remove}<span class="unseen"> ${id}</span></a>`;
  if (state === 'failed') return html`${button(view, paths.resend(id), words.resend, id)}${remove}`;
  return html`${button(view, paths.tryNow(mailboxId), words.tryNow, id)}${state === 'queued' ? '' : remove}`;
};

const row = (view: View, entry: QueueEntry): readonly unknown[] => {
  const { submission, deviceName } = entry;
  const { id, acceptedAt, clientId, account, sizeBytes } = submission;
  return [
    html`${timeAndDistance(view, acceptedAt)}<span class="because"><code>${id}</code></span>`,
    stateCell(view, entry),
    html`${deviceName ?? ''} <code>${clientId}</code>`,
    html`<span class="address">${account}</span>`,
    recipientsCell(view, entry),
    size(view, sizeBytes),
    actionsCell(view, entry),
  ];
};

export const queueTable = (view: View, status: GatewayStatus): Html => {
  const { queue: words } = textsIn(view.language);
  const { messages } = status.totals();
  const all = Object.entries(messages).reduce((sum, [state, count]) => (state === 'sent' ? sum : sum + count), 0);
  const entries = status.queue(SHOWN);
  const { accepted, state, device, mailbox, recipients, size: sizeWord, action } = words;
  const columns = [accepted, state, device, mailbox, recipients, sizeWord, action];
  if (entries.length === 0) return html`<p class="card">${words.none}</p>`;
  return html`
${all > entries.length ? html`<p>${words.more(entries.length, all)}</p>` : ''}
${table(
  words.title,
  columns,
  entries.map((entry) => row(view, entry)),
)}`;
};
