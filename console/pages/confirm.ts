import { html } from 'hono/html';
import { linkButton, postForm, submitButton } from '../elements.ts';
import { type PageContent, page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import type { Html, Problem, View } from '../view.ts';

export interface Question {
  readonly title: string;
  readonly section?: PageContent['section'];
  readonly trail: NonNullable<PageContent['trail']>;
  /** What will happen if the answer is yes. */
  readonly consequence: string;
  readonly yes: string;
  /** Where the answer is posted. */
  readonly action: string;
  readonly cancel: string;
  /** Why it cannot be done now; there is no button then. */
  readonly obstacle?: string | undefined;
}

/** Asks before something is done that cannot be undone. */
export const confirmPage = (view: View, question: Question, problem?: Problem): Html => {
  const { common } = textsIn(view.language);
  const { title, section = 'overview', trail, consequence, yes, action, cancel, obstacle } = question;
  const buttons = html`<p class="actions">${submitButton(yes, 'danger')} ${linkButton(cancel, common.cancel)}</p>`;
  return page(view, {
    title,
    section,
    trail,
    problem,
    body:
      obstacle === undefined
        ? html`<div class="card narrow"><p>${consequence}</p>${postForm(view, action, buttons)}</div>`
        : html`<div class="card narrow"><p>${obstacle}</p><p>${linkButton(cancel, common.back)}</p></div>`,
  });
};
