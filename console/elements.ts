import { html } from 'hono/html';
import type { ClientSecretStatus } from '../shared/domain/app-registration-status.ts';
import type { TokenStatus } from '../shared/domain/grant.ts';
import type { MailWay } from '../shared/domain/mail-way.ts';
import type { MailboxDescription } from '../shared/domain/mailbox-description.ts';
import { STATUS_LABELS } from '../shared/protocol/texts/status-labels.ts';
import { textsIn } from './texts/index.ts';
import { type FormState, type Html, paths, type View } from './view.ts';

/** `2026-11-30 09:12:33 UTC`: unambiguous in every language, and as the logs have it. */
export const time = (epochSeconds: number): Html => {
  const iso = new Date(epochSeconds * 1000).toISOString().slice(0, 19);
  return html`<time datetime="${iso}Z">${iso.replace('T', ' ')} UTC</time>`;
};

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

const relative = (language: View['language'], count: number, unit: Intl.RelativeTimeFormatUnit): string =>
  new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(count, unit);

/** "in 54 minutes". */
const distance = ({ language, nowSeconds }: View, epochSeconds: number): string => {
  const seconds = epochSeconds - nowSeconds;
  const [unit, length] = UNITS.find(([, unitSeconds]) => Math.abs(seconds) >= unitSeconds) ?? (['second', 1] as const);
  return relative(language, Math.trunc(seconds / length), unit);
};

/** The time with "in 54 minutes" behind it. */
export const timeAndDistance = (view: View, epochSeconds: number): Html =>
  html`${time(epochSeconds)} <span class="quiet">(${distance(view, epochSeconds)})</span>`;

export const day = (date: string): Html => html`<time datetime="${date}">${date}</time>`;

/** `2027-03-01 (in 12 days)`. */
export const dayAndDistance = ({ language }: View, date: string, daysLeft: number): Html =>
  html`${day(date)} <span class="quiet">(${relative(language, daysLeft, 'day')})</span>`;

/** `Microsoft and Google`, or with `disjunction` `Microsoft or Google`, as the language puts it. */
export const listOf = (
  { language }: Pick<View, 'language'>,
  names: readonly string[],
  type: 'conjunction' | 'disjunction' = 'conjunction',
): string => new Intl.ListFormat(language, { type }).format(names);

/** Always words; shape and colour only help the eye. */
export const statusBadge = ({ language }: View, status: TokenStatus): Html =>
  html`<span class="badge badge-${status}">${STATUS_LABELS[language][status]}</span>`;

/** Beside the status of a mailbox, whose sign-in may be well while its mail is not sent. */
export const heldBadge = ({ language }: View, { stop }: MailWay): Html =>
  stop?.cause === 'hold'
    ? html`<span class="badge badge-held">${textsIn(language).mailWay.stopped.titles.hold}</span>`
    : html``;

export const disabledBadge = (view: View, enabled: boolean): Html =>
  enabled
    ? html`<span class="badge badge-acquired">${textsIn(view.language).common.enabled}</span>`
    : html`<span class="badge badge-not_acquired">${textsIn(view.language).common.disabled}</span>`;

/** From the last week on a warning is urgent. */
const URGENT_DAYS = 7;

/** That something runs out; `days` is the warning that stands. */
const warningBadge = (days: number, text: string): Html =>
  html`<span class="badge badge-${days <= URGENT_DAYS ? 'urgent' : 'expiring'}">${text}</span>`;

export const lapseBadge = (view: View, { lapsesAt, lapseWarningDays }: MailboxDescription): Html => {
  if (lapsesAt === undefined || lapseWarningDays === undefined) return html``;
  const { warning } = textsIn(view.language);
  const text = lapsesAt <= view.nowSeconds ? warning.lapsed : warning.lapses(distance(view, lapsesAt));
  return warningBadge(lapseWarningDays, text);
};

export const secretBadges = ({ language }: View, secret: ClientSecretStatus): Html => {
  const { daysLeft, warningDays, refusedAt } = secret;
  const { warning } = textsIn(language);
  const refused = refusedAt === undefined ? '' : html`<span class="badge badge-failed">${warning.refused}</span>`;
  if (daysLeft === undefined || warningDays === undefined) return html`${refused}`;
  const text = daysLeft < 0 ? warning.expired : warning.expires(relative(language, daysLeft, 'day'));
  return html`${warningBadge(warningDays, text)} ${refused}`;
};

/**
 * A table that a narrow screen shows as cards: each cell then says its own column. The roles stand there since a browser
 * may drop those of a table whose display is changed.
 */
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

/** Names and values; what is undefined or empty is left out. */
export const facts = (entries: readonly (readonly [name: string, value: unknown])[]): Html => {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  if (known.length === 0) return html``;
  return html`<dl class="facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
};

/** Every form is a POST, with the token that shows that it came from a page of this session. */
export const postForm = ({ csrfToken }: View, action: string, content: unknown, className = 'form'): Html => html`
<form method="post" action="${action}" class="${className}">
${csrfToken === undefined ? '' : html`<input type="hidden" name="csrf_token" value="${csrfToken}">`}
${content}
</form>`;

export type ButtonKind = 'primary' | 'plain' | 'danger';

export const submitButton = (label: string | Html, kind: ButtonKind = 'primary'): Html =>
  html`<button type="submit" class="button ${kind}">${label}</button>`;

/** A form that is one button. */
export const buttonForm = (
  view: View,
  action: string,
  label: string | Html,
  kind: ButtonKind = 'plain',
  hidden: Readonly<Record<string, string>> = {},
): Html => {
  const fields = Object.entries(hidden).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return postForm(view, action, html`${fields}${submitButton(label, kind)}`, 'inline');
};

export const linkButton = (href: string, label: string, kind: ButtonKind = 'plain'): Html =>
  html`<a class="button ${kind}" href="${href}">${label}</a>`;

interface Labelled {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

const described = ({ name, hint }: Labelled, { problem }: FormState): Html => {
  const wrong = problem?.field === name;
  const ids = [hint && `${name}-hint`, wrong && `${name}-problem`].filter(Boolean).join(' ');
  return html`${ids === '' ? '' : html` aria-describedby="${ids}"`}${wrong ? html` aria-invalid="true"` : ''}`;
};

const labelled = (field: Labelled, { problem }: FormState, control: Html): Html => html`
<div class="field">
<label for="${field.name}">${field.label}</label>
${field.hint === undefined ? '' : html`<p class="hint" id="${field.name}-hint">${field.hint}</p>`}
${problem?.field === field.name ? html`<p class="wrong" id="${field.name}-problem">${problem.message}</p>` : ''}
${control}
</div>`;

/** A form that comes back shows what was typed, also where that was nothing. */
const shownValue = ({ values, problem }: FormState, name: string, initial: string): string =>
  problem === undefined ? initial : (values[name] ?? '');

export const textField = (
  form: FormState,
  field: Labelled & {
    readonly type?: 'text' | 'password' | 'number' | 'email';
    readonly required?: boolean;
    readonly autocomplete?: string;
    readonly maxLength?: number;
    readonly initial?: string;
  },
): Html => {
  const { name, type = 'text', required = false, autocomplete = 'off', maxLength = 128, initial = '' } = field;
  const value = type === 'password' ? '' : shownValue(form, name, initial);
  const limits = type === 'number' ? html` min="1" inputmode="numeric"` : html` maxlength="${maxLength}"`;
  return labelled(
    field,
    form,
    html`<input id="${name}" name="${name}" type="${type}" value="${value}" autocomplete="${autocomplete}"${limits}${
      required ? html` required` : ''
    }${described(field, form)}>`,
  );
};

export const textArea = (form: FormState, field: Labelled): Html =>
  labelled(
    field,
    form,
    html`<textarea id="${field.name}" name="${field.name}" rows="3" autocomplete="off"${described(field, form)}>${shownValue(
      form,
      field.name,
      '',
    )}</textarea>`,
  );

export const selectField = (
  form: FormState,
  field: Labelled & {
    readonly options: readonly (readonly [value: string, label: string])[];
    readonly initial?: string;
  },
): Html => {
  const chosen = shownValue(form, field.name, field.initial ?? '');
  const options = field.options.map(
    ([value, label]) => html`<option value="${value}"${value === chosen ? html` selected` : ''}>${label}</option>`,
  );
  return labelled(
    field,
    form,
    html`<select id="${field.name}" name="${field.name}"${described(field, form)}>${options}</select>`,
  );
};

/** For a name that may be missing, as a device's location is. */
export const orDash = (text: string | undefined): string => (text === undefined || text === '' ? '–' : text);

export const deviceLink = (clientId: string, name: string | Html): Html =>
  html`<a href="${paths.device(clientId)}">${name}</a>`;

export const mailboxLink = (id: string, address: string): Html =>
  html`<a class="address" href="${paths.mailbox(id)}">${address}</a>`;
