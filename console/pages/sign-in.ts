import { html } from 'hono/html';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { buttonForm, linkButton, timeAndDistance } from '../elements.ts';
import { page, problemBox } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, PROVIDER_NAMES, type Problem, paths, type View } from '../view.ts';

export interface SignInModel {
  readonly mailbox: Mailbox;
  /** The link at the public address: what it starts must come back to the same host. */
  readonly url: string;
  readonly expiresAt: number;
  readonly state: 'pending' | 'completed' | 'failed' | 'expired';
  /** Why it failed. */
  readonly failure: Problem | undefined;
}

const pending = (view: View, { mailbox, url, expiresAt }: SignInModel): Html => {
  const { signIn: words } = textsIn(view.language);
  return html`
<div class="card">
<h2>${words.hereTitle}</h2>
<p>${words.hereText(mailbox.address)}</p>
<p>${linkButton(url, words.continueTo(PROVIDER_NAMES[mailbox.provider]), 'primary')}</p>
</div>
<div class="card">
<h2>${words.sendTitle}</h2>
<p>${words.sendText}</p>
<div class="field"><label for="sign-in-link">${words.link}</label>
<input id="sign-in-link" type="text" readonly value="${url}"></div>
<p class="quiet">${words.expires}: ${timeAndDistance(view, expiresAt)}</p>
</div>`;
};

/**
 * Where a sign-in starts. The provider is reached by a link and not by the form itself, since a browser applies
 * `form-action` to where a form's reply redirects (CSP 3, section 6.4.2), and the provider is another origin.
 */
export const signInPage = (view: View, model: SignInModel): Html => {
  const { signIn: words, mailbox: ofMailbox, overview } = textsIn(view.language);
  const { mailbox, state, failure } = model;
  const back = paths.mailbox(mailbox.id);
  const again = buttonForm(view, `${back}/sign-ins`, words.newLink, 'primary');
  const bodies = {
    pending: () => pending(view, model),
    completed: () => html`<div class="card"><p class="done">${words.completed}</p></div>`,
    failed: () => html`${failure === undefined ? '' : problemBox(view, failure)}<div class="card">${again}</div>`,
    expired: () => html`<div class="card"><p>${words.expired}</p>${again}</div>`,
  };
  return page(view, {
    title: words.title(mailbox.address),
    section: 'overview',
    trail: [
      [paths.home, overview.title],
      [back, mailbox.address],
    ],
    body: html`
${bodies[state]()}
<p>${linkButton(back, state === 'pending' ? words.whenDone : ofMailbox.toMailbox)}</p>`,
  });
};
