import { html } from 'hono/html';
import type { AuditEntry, Organization } from '../../shared/domain/entities.ts';
import { deviceLink, orDash, table, time } from '../elements.ts';
import { gatewayLink } from '../gateways.ts';
import { page } from '../layout.ts';
import { gatewayTextsIn } from '../texts/gateways.ts';
import { auditActionIn, textsIn } from '../texts/index.ts';
import { type Html, type Problem, paths, type View } from '../view.ts';

export interface HistoryModel<Entry> {
  readonly entries: readonly Entry[];
  /** For the older ones; undefined at the end. */
  readonly cursor: string | undefined;
  /** Whether these are not the newest. */
  readonly isContinued: boolean;
  /** Only what belongs to this one. */
  readonly organization: Organization | undefined;
  readonly problem?: Problem | undefined;
}

/** `filter`: what is looked for, as parameters of the address. */
export const pager = (
  view: View,
  path: string,
  { cursor, isContinued, organization }: Pick<HistoryModel<unknown>, 'cursor' | 'isContinued' | 'organization'>,
  filter: readonly (readonly [name: string, value: string | undefined])[] = [],
): Html => {
  const { history } = textsIn(view.language);
  const address = (...more: readonly (readonly [name: string, value: string | undefined])[]) => {
    const wanted = [['organization_id', organization?.id] as const, ...filter, ...more];
    const query = wanted.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
    return query.length === 0 ? path : `${path}?${query.join('&')}`;
  };
  if (cursor === undefined && !isContinued) return html``;
  return html`
<nav class="pager" aria-label="${history.pages}">
${isContinued ? html`<a href="${address()}">${history.newest}</a>` : ''}
${cursor === undefined ? '' : html`<a href="${address(['cursor', cursor])}" rel="next">${history.older}</a>`}
</nav>`;
};

export const trailOf = (view: View, { organization }: Pick<HistoryModel<unknown>, 'organization'>) =>
  organization === undefined
    ? undefined
    : ([
        [paths.home, textsIn(view.language).overview.title],
        [paths.organization(organization.id), organization.name],
      ] as const);

/** Who did it: the administrator, a device, a provider, a person at a sign-in, or the broker by itself. */
const actor = (view: View, by: string): Html => {
  const { audit } = textsIn(view.language);
  const [kind, name = ''] = by.split(':');
  if (kind === 'device') return html`${audit.device} ${deviceLink(name, html`<code>${name}</code>`)}`;
  if (kind === 'admin') return html`${audit.admin}${name === '' ? '' : html` <code>${name}</code>`}`;
  if (kind === 'gateway') return html`${gatewayTextsIn(view.language).gateway} ${gatewayLink(view, name, undefined)}`;
  if (kind === 'broker') return html`${audit.broker}`;
  return kind === 'person' ? html`${audit.person}` : html`${by}`;
};

/** Only what can still be opened: what was removed has no page. */
const subject = (name: string): Html => {
  if (name.startsWith('mbx_')) return html`<a href="${paths.mailbox(name)}"><code>${name}</code></a>`;
  if (name.startsWith('sub_')) return html`<a href="${paths.submission(name)}"><code>${name}</code></a>`;
  if (name.startsWith('org_')) return html`<a href="${paths.organization(name)}"><code>${name}</code></a>`;
  return html`<code>${name}</code>`;
};

/** What was done, newest first. */
export const auditPage = (view: View, model: HistoryModel<AuditEntry>): Html => {
  const { audit: words, navigation } = textsIn(view.language);
  const rows = model.entries.map((entry) => [
    time(entry.at),
    html`${auditActionIn(view.language, entry.action)}`,
    actor(view, entry.by),
    subject(entry.subject),
    orDash(entry.detail),
  ]);
  return page(view, {
    title: navigation.audit,
    section: 'audit',
    trail: trailOf(view, model),
    problem: model.problem,
    body: html`
<p>${words.intro}</p>
${rows.length === 0 ? html`<p class="card">${words.none}</p>` : table(navigation.audit, [words.when, words.what, words.who, words.subject, words.detail], rows)}
${pager(view, paths.audit, model)}`,
  });
};
