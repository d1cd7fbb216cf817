import { html } from 'hono/html';
import type { MailWay } from '../../shared/domain/mail-way.ts';
import type { MailboxDescription } from '../../shared/domain/mailbox-description.ts';
import { ROUTE_CHOICES, type Stop } from '../../shared/domain/outbox.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { buttonForm, facts, linkButton, postForm, selectField, submitButton, timeAndDistance } from '../elements.ts';
import { textsIn } from '../texts/index.ts';
import { EMPTY_FORM, type Html, paths, type View } from '../view.ts';

/** By which way the mailbox's mail goes, why not by the other, and the choice of it. */
export const mailWayCard = (view: View, mailboxId: string, { choice, route, detour }: MailWay): Html => {
  const { mailWay: words, mailbox } = textsIn(view.language);
  const [why, remedy] = detour === undefined ? [] : ERROR_TEXTS[view.language][detour.reason];
  const at = (seconds: number | undefined) => (seconds === undefined ? undefined : timeAndDistance(view, seconds));
  const options = ROUTE_CHOICES.map((one) => [one, words.choices[one]] as const);
  const select = selectField(EMPTY_FORM, { name: 'route', label: words.choice, options, initial: choice });
  return html`
<h2>${words.title}</h2>
<div class="card">
${facts([
  [words.now, words.routes[route]],
  [words.why, why],
  [mailbox.remedy, remedy],
  [words.said, detour && html`<span lang="en">${detour.response}</span>`],
  [words.since, at(detour?.since)],
  [words.until, at(detour?.until)],
])}
${postForm(view, `${paths.mailbox(mailboxId)}/route`, html`${select}${submitButton(words.change, 'plain')}`)}
</div>`;
};

/** Why nothing of the mailbox is sent just now, though its sign-in may be well, and what to do. */
export const mailStopCard = (view: View, { mailbox: { id }, statusReason }: MailboxDescription, stop: Stop): Html => {
  const { mailWay: words, mailbox, incident, submission } = textsIn(view.language);
  // Said already, where it is what keeps the mailbox from its token.
  const [why, remedy] = stop.reason === statusReason ? [] : ERROR_TEXTS[view.language][stop.reason];
  return html`
<h2>${words.stopped.titles[stop.cause]}</h2>
<div class="card">
<p>${words.stopped.meaning[stop.cause]}</p>
${facts([
  [mailbox.reason, why],
  [mailbox.remedy, remedy],
  [words.said, html`<span lang="en">${stop.response}</span>`],
  [words.since, timeAndDistance(view, stop.since)],
  [mailbox.nextTry, stop.until > view.nowSeconds ? timeAndDistance(view, stop.until) : incident.dueNow],
])}
<div class="actions">
${buttonForm(view, `${paths.mailbox(id)}/try-now`, submission.resend.now)}
${linkButton(paths.submissionsOf(id), mailbox.submissions)}
</div></div>`;
};
