import { html } from 'hono/html';
import type { MailWay } from '../../shared/domain/mail-way.ts';
import { ROUTE_CHOICES } from '../../shared/domain/outbox.ts';
import { ERROR_TEXTS } from '../../shared/protocol/texts/index.ts';
import { facts, postForm, selectField, submitButton, timeAndDistance } from '../elements.ts';
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
