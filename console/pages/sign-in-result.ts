import { html } from 'hono/html';
import type { TokenStatus } from '../../shared/domain/grant.ts';
import type { Language } from '../../shared/protocol/texts/index.ts';
import { facts, statusBadge } from '../elements.ts';
import { page, visitorView } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, type Problem, paths } from '../view.ts';

interface Common {
  readonly language: Language;
  /** In place of the usual heading. */
  readonly heading?: string | undefined;
  readonly mailboxAddress?: string | undefined;
  /** Where an administrator goes on; the owner of the mailbox just closes the window. */
  readonly consolePath?: string | undefined;
  /** A device asked for it: the person goes back there, and has no business with the console. */
  readonly isPaired?: boolean;
}

export type SignInResult = Common &
  (
    | { readonly result: 'completed'; readonly tokenStatus?: TokenStatus | undefined }
    /** `tookEffect`: what was set up before was replaced all the same. */
    | ({ readonly result: 'failed'; readonly tookEffect?: boolean } & Omit<Problem, 'field'>)
  );

/** The page at the end of every sign-in: what happened, and what to do. */
export const signInResultPage = (outcome: SignInResult): Html => {
  const { language, result, heading, mailboxAddress, consolePath = paths.home, isPaired = false } = outcome;
  const view = visitorView(language);
  const { signInResult: words, pair, mailbox } = textsIn(language);
  const status =
    result === 'completed' && outcome.tokenStatus !== undefined ? statusBadge(view, outcome.tokenStatus) : undefined;
  const again = result === 'failed' ? html`<p><a href="/pair">${pair.again}</a></p>` : '';
  return page(view, {
    title: heading ?? (result === 'completed' ? words.completed : words.failed),
    problem: result === 'failed' ? outcome : undefined,
    result,
    body: html`
<div class="card narrow">
${outcome.result === 'completed' ? html`<p class="done">${outcome.tokenStatus === 'waiting' ? words.completedWaiting : words.completedText}</p>` : ''}
${facts([
  [mailbox.address, mailboxAddress],
  [mailbox.tokenStatus, status],
])}
${result === 'completed' ? html`<p>${isPaired ? pair.back : words.closeWindow}</p>` : ''}
${outcome.result === 'failed' && !outcome.tookEffect ? html`<p>${words.nothingChanged}</p>` : ''}
</div>
${isPaired ? again : html`<p><a href="${consolePath}">${words.toConsole}</a></p>`}`,
  });
};
