import { html } from 'hono/html';
import type { Language } from '../../shared/protocol/texts/index.ts';
import { page, visitorView } from '../layout.ts';
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

/** The same to anybody, for the pages outside the console. */
export const messagePage = ({
  language,
  heading,
  ...problem
}: Problem & { readonly language: Language; readonly heading?: string | undefined }): Html =>
  page(visitorView(language), { title: heading ?? textsIn(language).problem.title, problem, body: '' });
