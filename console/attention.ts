import { html } from 'hono/html';
import type { AppRegistrationStatus } from '../shared/domain/app-registration-status.ts';
import type { AdministeredMailbox } from '../shared/domain/mail-way.ts';
import { ERROR_TEXTS } from '../shared/protocol/texts/index.ts';
import { heldBadge, lapseBadge, mailboxLink, statusBadge, table } from './elements.ts';
import { isToldByIncident } from './incident.ts';
import { textsIn } from './texts/index.ts';
import { type Html, paths, type View } from './view.ts';

export type NamedMailbox = AdministeredMailbox & {
  readonly organizationName: string;
};

/** Its token is missing, its mail is held, it lapses within 60 days, or its refreshes fail for a reason of its own. */
export const needsAttention =
  (registrations: readonly AppRegistrationStatus[]) =>
  (described: AdministeredMailbox): boolean =>
    described.tokenStatus !== 'acquired' ||
    described.way.stop?.cause === 'hold' ||
    described.lapseWarningDays !== undefined ||
    (described.lastError !== undefined && !isToldByIncident(registrations, described));

/** What happened, then what to do. */
const reason = (view: View, { statusReason, lastError, way: { stop } }: AdministeredMailbox): string => {
  const held = stop?.cause === 'hold' ? stop.reason : undefined;
  const kind = statusReason ?? held ?? lastError?.kind;
  return kind === undefined ? textsIn(view.language).warning.lapseRemedy : ERROR_TEXTS[view.language][kind].join(' ');
};

export const attentionTable = (view: View, troubled: readonly NamedMailbox[]): Html => {
  const { overview, mailbox: words, common } = textsIn(view.language);
  const rows = troubled.map((described) => [
    mailboxLink(described.mailbox.id, described.mailbox.address),
    html`<a href="${paths.organization(described.mailbox.organizationId)}">${described.organizationName}</a>`,
    html`${statusBadge(view, described.tokenStatus)} ${heldBadge(view, described.way)} ${lapseBadge(view, described)}`,
    reason(view, described),
  ]);
  return table(overview.attention, [words.mailbox, common.organization, words.tokenStatus, overview.whatToDo], rows);
};
