import type { AuditEntry } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import {
  describeSubmission,
  isOver,
  type SubmissionDescription,
  type SubmissionState,
} from '../../domain/submission.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { SubmissionRecord } from '../../records/submissions.ts';
import { type NewestPage, newestFirst, type ReadStretch } from './newest-first.ts';
import type { RecordsWithin } from './reach.ts';

export type HistoryPage<Entry> = NewestPage<Entry>;

export interface HistoryQuery {
  /** Undefined: of everything within reach. */
  readonly organizationId: string | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

export interface SubmissionQuery extends HistoryQuery {
  /** Undefined: of every mailbox, and in every state. */
  readonly mailboxId: string | undefined;
  readonly state: SubmissionState | undefined;
}

/** Where a filter may leave out most, so many are read in one go. */
const FILTERED_STRETCH = 100;

/** What was sent and what was done, newest first. */
export const historyAdministration = ({
  records: { organizations, mailboxes, submissions, outboxes, audit },
  clock,
}: {
  readonly records: Pick<RecordsWithin, 'organizations' | 'mailboxes' | 'submissions' | 'outboxes' | 'audit'>;
  readonly clock: Clock;
}) => {
  const askedFor = async ({ organizationId }: Pick<HistoryQuery, 'organizationId'>): Promise<readonly string[]> =>
    organizationId === undefined ? (await organizations.list()).map(({ id }) => id) : [organizationId];

  /** With what keeps the mail of their mailboxes. */
  const described = async (records: readonly SubmissionRecord[]): Promise<readonly SubmissionDescription[]> => {
    const now = epochSeconds(clock);
    const kept = records.filter(({ keptUntil }) => keptUntil === undefined || keptUntil > now);
    const waiting = kept.filter(({ submission }) => !isOver(submission)).map(({ submission }) => submission.mailboxId);
    const found = await outboxes.getMany([...new Set(waiting)]);
    return kept.map(({ submission }) => describeSubmission(submission, found.get(submission.mailboxId) ?? {}));
  };

  return {
    async submissions(query: SubmissionQuery): Promise<Result<HistoryPage<SubmissionDescription>, BrokerError>> {
      const { mailboxId, state, limit } = query;
      const mailbox = mailboxId === undefined ? undefined : await mailboxes.get(mailboxId);
      if (mailboxId !== undefined && mailbox === undefined) return fail(brokerError('not_found', 'No such mailbox.'));
      const isWanted = (one: SubmissionDescription): boolean =>
        (mailboxId === undefined || one.submission.mailboxId === mailboxId) &&
        (state === undefined || one.state === state);
      const isFiltered = mailboxId !== undefined || state !== undefined;
      const { organizationId = mailbox?.organizationId } = query;
      const lists = (await askedFor({ organizationId })).map(
        (id): ReadStretch<SubmissionDescription> =>
          async (most, before) => {
            const { records, next } = await submissions.page(id, most, before);
            return { entries: (await described(records)).filter(isWanted), next };
          },
      );
      const stretch = isFiltered ? FILTERED_STRETCH : limit + 1;
      return ok(await newestFirst(lists, ({ submission }) => submission.id, { ...query, stretch }));
    },

    async audit(query: HistoryQuery): Promise<HistoryPage<AuditEntry>> {
      const ofOne =
        (id: string): ReadStretch<AuditEntry> =>
        async (most, before) =>
          stretchOf(await audit.list(id, most, before), most);
      const ofBroker: ReadStretch<AuditEntry> = async (most, before) =>
        stretchOf(await audit.ofBroker(most, before), most);
      const lists = (await askedFor(query)).map(ofOne);
      const all = query.organizationId === undefined ? [...lists, ofBroker] : lists;
      return newestFirst(all, ({ id }) => id, { ...query, stretch: query.limit + 1 });
    },
  };
};

/** A full one may have more behind it. */
const stretchOf = (entries: readonly AuditEntry[], most: number) => ({
  entries,
  next: entries.length < most ? undefined : entries.at(-1)?.id,
});

export type HistoryAdministration = ReturnType<typeof historyAdministration>;
