import { html } from 'hono/html';
import { LANGUAGES } from '../shared/protocol/texts/index.ts';
import { buttonForm, listOf } from './elements.ts';
import { ICON_PATH } from './icon.svg.ts';
import { STYLE_PATH } from './style.css.ts';
import { LANGUAGE_NAMES, textsIn } from './texts/index.ts';
import { type Html, PROVIDER_NAMES, type Problem, paths, type View } from './view.ts';

export interface PageContent {
  readonly title: string;
  /** Which entry of the navigation this page belongs to. */
  readonly section?: 'overview' | 'submissions' | 'audit' | 'adminKeys';
  /** The pages above this one. */
  readonly trail?: readonly (readonly [href: string, label: string])[] | undefined;
  readonly problem?: Problem | undefined;
  /** For programs: how a sign-in ended. */
  readonly result?: 'completed' | 'failed';
  readonly body: unknown;
}

const navigation = (view: View, { section, trail }: PageContent): Html => {
  const { navigation: words } = textsIn(view.language);
  const current = trail === undefined ? html` aria-current="page"` : html` aria-current="true"`;
  const entry = (name: PageContent['section'], href: string, label: string) =>
    html`<li><a href="${href}"${name === section ? current : ''}>${label}</a></li>`;
  return html`
<nav aria-label="${words.label}"><ul>
${entry('overview', paths.home, words.overview)}
${entry('submissions', paths.submissions, words.submissions)}
${entry('audit', paths.audit, words.audit)}
${view.isForAll ? entry('adminKeys', paths.adminKeys, words.adminKeys) : ''}
</ul></nav>
${buttonForm(view, paths.logout, words.logOut)}`;
};

/** One link for each page, though several stand-ins may share it. */
const standInLinks = (view: View, standIns: View['providers'], kind: 'inbox' | 'help'): readonly Html[] => {
  const { standIn } = textsIn(view.language);
  const urls = new Set(standIns.map(({ links }) => links?.[kind]).filter((url) => url !== undefined));
  return [...urls].map((url) => {
    const names = standIns.filter(({ links }) => links?.[kind] === url).map(({ name }) => PROVIDER_NAMES[name]);
    return html`<li><a href="${url}">${standIn[kind](listOf(view, names))}</a></li>`;
  });
};

const standInBanner = (view: View): Html => {
  const { standIn } = textsIn(view.language);
  const standIns = view.providers.filter(({ isStandIn = false }) => isStandIn);
  if (standIns.length === 0) return html``;
  const names = listOf(
    view,
    standIns.map(({ name }) => PROVIDER_NAMES[name]),
  );
  return html`
<aside class="stand-in" aria-label="${standIn.label}">
<p><strong>${standIn.label}.</strong> ${standIn.text(names)}</p>
<ul>${standInLinks(view, standIns, 'inbox')}${standInLinks(view, standIns, 'help')}</ul>
</aside>`;
};

const breadcrumbs = (view: View, trail: PageContent['trail'], title: string): Html =>
  trail === undefined
    ? html``
    : html`
<nav class="trail" aria-label="${textsIn(view.language).navigation.trail}"><ol>
${trail.map(([href, label]) => html`<li><a href="${href}">${label}</a></li>`)}
<li aria-current="page">${title}</li>
</ol></nav>`;

/** What went wrong, then what to do, then what there is to look up. */
export const problemBox = ({ language }: Pick<View, 'language'>, problem: Problem): Html => {
  const words = textsIn(language).problem;
  const toLookUp = [
    [words.detail, problem.detail],
    [words.code, problem.code],
    [words.correlationId, problem.correlationId],
    [words.requestId, problem.requestId],
  ].filter(([, value]) => value !== undefined);
  const { field, message, remedy } = problem;
  return html`
<div class="problem" role="alert">
<p><strong>${field === undefined ? message : html`<a href="#${field}">${message}</a>`}</strong></p>
${remedy === undefined ? '' : html`<p>${remedy}</p>`}
${
  toLookUp.length === 0
    ? ''
    : html`<dl>${toLookUp.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
</div>`;
};

const languageChoice = (view: View, here: string): Html => {
  const { language: words } = textsIn(view.language);
  return html`
<form method="post" action="${paths.language}" class="languages" aria-label="${words.label}">
${view.csrfToken === undefined ? '' : html`<input type="hidden" name="csrf_token" value="${view.csrfToken}">`}
<input type="hidden" name="back" value="${here}">
${LANGUAGES.map(
  (language) =>
    html`<button type="submit" name="language" value="${language}" lang="${language}"${
      language === view.language ? html` aria-current="true"` : ''
    }>${LANGUAGE_NAMES[language]}</button>`,
)}
</form>`;
};

/** The shell of every page that people see: it works without scripts, and asks nothing of the network but its style. */
export const page = (view: View, content: PageContent): Html => {
  const { title, trail, problem, result, body } = content;
  const texts = textsIn(view.language);
  const loggedIn = view.csrfToken !== undefined;
  return html`<!doctype html>
<html lang="${view.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${problem === undefined ? '' : `${texts.problem.inTitle}: `}${title} – ${texts.product}</title>
<link rel="icon" type="image/svg+xml" href="${ICON_PATH}">
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#main">${texts.navigation.skip}</a>
<header class="top"><div class="bar">
<p class="product">${loggedIn ? html`<a href="${paths.home}">${texts.product}</a>` : texts.product}</p>
${loggedIn ? navigation(view, content) : ''}
</div></header>
${standInBanner(view)}
<main id="main" tabindex="-1"${result === undefined ? '' : html` data-result="${result}"`}>
${breadcrumbs(view, trail, title)}
<h1>${title}</h1>
${view.notice === undefined ? '' : html`<p class="notice" role="status">${texts.notices[view.notice]}</p>`}
${problem === undefined ? '' : problemBox(view, problem)}
${body}
</main>
${view.here === undefined ? '' : html`<footer class="bottom">${languageChoice(view, view.here)}</footer>`}
</body>
</html>`;
};

/** The shell for somebody who is not logged in and has no way back: the end of a sign-in, a plain message. */
export const visitorView = (language: View['language']): View => ({
  language,
  csrfToken: undefined,
  isForAll: false,
  here: undefined,
  nowSeconds: 0,
  providers: [],
  notice: undefined,
});
