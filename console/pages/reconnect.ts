import { html } from 'hono/html';
import type { Mailbox } from '../../shared/domain/entities.ts';
import type { Language } from '../../shared/protocol/texts/index.ts';
import { postForm } from '../elements.ts';
import { page, visitorView } from '../layout.ts';
import { notificationTextsIn } from '../texts/notifications/index.ts';
import { type Html, PROVIDER_NAMES } from '../view.ts';

/**
 * Where the link in a notice leads. It only asks: mail scanners and previews open links, and must begin no sign-in. `action`: where
 * the answer is posted.
 */
export const reconnectPage = (language: Language, { address, provider }: Mailbox, action: string): Html => {
  const { reconnect: words } = notificationTextsIn(language);
  const view = visitorView(language);
  // As on the page of a pairing.
  const button = html`<button type="submit" class="button primary" name="action" value="continue">${words.go(
    PROVIDER_NAMES[provider],
  )}</button>`;
  return page(view, {
    title: words.title(address),
    body: html`
<div class="card narrow">
<p>${words.intro(address)}</p>
${postForm(view, action, html`<p class="actions">${button}</p>`)}
<p class="quiet">${words.onlyYou}</p>
</div>`,
  });
};

/** It has been mended since. */
export const reconnectNotNeededPage = (language: Language, { address }: Mailbox): Html => {
  const { reconnect: words } = notificationTextsIn(language);
  return page(visitorView(language), {
    title: words.notNeededTitle,
    body: html`<div class="card narrow"><p class="done">${words.notNeeded(address)}</p></div>`,
  });
};

/** Somebody signed the mailbox out, or a later notice has a link of its own. */
export const reconnectOverPage = (language: Language, { address }: Mailbox): Html => {
  const { reconnect: words } = notificationTextsIn(language);
  const problem = { message: words.over(address), remedy: words.unknownRemedy };
  return page(visitorView(language), { title: words.unknownTitle, problem, body: html`` });
};

/** Nobody is told whether there ever was such a link. */
export const reconnectUnknownPage = (language: Language): Html => {
  const { reconnect: words } = notificationTextsIn(language);
  const problem = { message: words.unknown, remedy: words.unknownRemedy };
  return page(visitorView(language), { title: words.unknownTitle, problem, body: html`` });
};
