import { html } from 'hono/html';
import { page } from '../layout.ts';
import { textsIn } from '../texts/index.ts';
import { type Html, type Problem, paths, type View } from '../view.ts';

/** An error that is not about a form, to somebody who may be logged in. */
export const problemPage = (view: View, problem: Problem): Html => {
  const { problem: words, common } = textsIn(view.language);
  return page(view, {
    title: words.title,
    problem,
    body: html`<p><a href="${paths.home}">${common.toOverview}</a></p>`,
  });
};
