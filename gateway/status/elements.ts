import { html } from 'hono/html';
import type { BrokerError } from '../../shared/domain/errors.ts';
import { ERROR_TEXTS, type Language } from '../../shared/protocol/texts/index.ts';
import { STYLE_PATH } from './style.css.ts';
import { textsIn } from './texts/index.ts';

/** A piece of HTML in which everything from outside is escaped. */
export type Html = ReturnType<typeof html>;

export interface View {
  readonly language: Language;
  readonly nowSeconds: number;
  /** Of who has given the password; goes into every form. Undefined: a visitor, who sees no recipients and cannot act. */
  readonly formToken: string | undefined;
}

export interface Problem {
  readonly message: string;
  readonly remedy: string;
  readonly detail?: string | undefined;
  readonly code?: string | undefined;
}

export const problemOf = ({ language }: View, { kind, detail, code }: BrokerError): Problem => {
  const [message, remedy] = ERROR_TEXTS[language][kind];
  return { message, remedy, detail, code };
};

/** `2026-11-30 09:12:33 UTC`: unambiguous in every language, and as the logs have it. */
export const time = (epochSeconds: number): Html => {
  const iso = new Date(epochSeconds * 1000).toISOString().slice(0, 19);
  return html`<time datetime="${iso}Z">${iso.replace('T', ' ')} UTC</time>`;
};

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** The time with "54 minutes ago" behind it. */
export const timeAndDistance = ({ language, nowSeconds }: View, epochSeconds: number): Html => {
  const seconds = epochSeconds - nowSeconds;
  const [unit, length] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? (['second', 1] as const);
  const distance = new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(
    Math.trunc(seconds / length),
    unit,
  );
  return html`${time(epochSeconds)} <span class="quiet">(${distance})</span>`;
};

const SIZES = [
  ['gigabyte', 1024 ** 3],
  ['megabyte', 1024 ** 2],
  ['kilobyte', 1024],
  ['byte', 1],
] as const;

export const size = ({ language }: View, bytes: number): string => {
  const [unit, length] = SIZES.find(([, one]) => bytes >= one) ?? (['byte', 1] as const);
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: 1 });
  return format.format(bytes / length);
};

/** What a program said, which is English, or near it. */
export const inEnglish = (text: string): Html => html`<span lang="en">${text}</span>`;

export const badge = (kind: 'good' | 'wait' | 'bad' | 'idle', text: string): Html =>
  html`<span class="badge ${kind}">${text}</span>`;

/** Each cell says its own column, for a narrow screen, which shows rows as cards; for that the roles are given. */
export const table = (caption: string, columns: readonly string[], rows: readonly (readonly unknown[])[]): Html => html`
<table role="table">
<caption class="unseen">${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th role="columnheader" scope="col">${column}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
  ([first, ...rest]) => html`
<tr role="row"><th role="rowheader" scope="row" data-column="${columns[0]}"><span>${first}</span></th>${rest.map(
    (cell, index) => html`<td role="cell" data-column="${columns[index + 1]}"><span>${cell}</span></td>`,
  )}</tr>`,
)}
</tbody>
</table>`;

/** Names and values; what is undefined is left out. */
export const facts = (entries: readonly (readonly [name: string, value: unknown])[]): Html => {
  const known = entries.filter(([, value]) => value !== undefined);
  return html`<dl class="facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
};

/** A form that is one button. `about`: tells it from its like, for who hears the page. */
export const button = ({ formToken }: View, action: string, label: string, about: string, kind = ''): Html => html`
<form method="post" action="${action}">
<input type="hidden" name="form_token" value="${formToken ?? ''}">
<button type="submit" class="button ${kind}">${label}<span class="unseen"> ${about}</span></button>
</form>`;

const problemBox = ({ language }: View, { message, remedy, detail, code }: Problem): Html => {
  const { problem: words } = textsIn(language);
  const known = [
    [words.detail, detail],
    [words.code, code],
  ] as const;
  return html`
<div class="problem" role="alert"><p><strong>${message}</strong></p><p>${remedy}</p>
${known.map(([name, value]) => (value === undefined ? '' : html`<p>${name}: ${inEnglish(value)}</p>`))}</div>`;
};

export interface PageContent {
  readonly title: string;
  readonly notice?: string | undefined;
  readonly problem?: Problem | undefined;
  readonly body: unknown;
}

/** The shell of every page: it works without scripts, and asks nothing of the network but its style. */
export const page = (view: View, { title, notice, problem, body }: PageContent): Html => {
  const texts = textsIn(view.language);
  return html`<!doctype html>
<html lang="${view.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${problem === undefined ? '' : `${texts.problem.inTitle}: `}${title} – ${texts.product}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<a class="skip" href="#main">${texts.skip}</a>
<header class="top"><p class="product">${texts.product}</p></header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${notice === undefined ? '' : html`<p class="notice" role="status">${notice}</p>`}
${problem === undefined ? '' : problemBox(view, problem)}
${body}
</main>
</body>
</html>`;
};
