import type { AuditEntry } from '../../domain/entities.ts';
import type { Submission } from '../../domain/submission.ts';
import type { RecordsWithin } from './reach.ts';

export interface HistoryPage<Entry> {
  readonly entries: readonly Entry[];
  /** Pass as `cursor` for the older ones; undefined at the end. */
  readonly cursor: string | undefined;
}

export interface HistoryQuery {
  /** Undefined: of everything within reach. */
  readonly organizationId: string | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** One list: what an organization has of something, or the broker as a whole. */
type List<Entry> = (limit: number, before?: string) => Promise<readonly Entry[]>;

/** Ids sort by time, so one cursor serves all lists, whose newest are merged. */
const newest = async <Entry extends { id: string }>(
  lists: readonly List<Entry>[],
  { cursor, limit }: HistoryQuery,
): Promise<HistoryPage<Entry>> => {
  const found = await Promise.all(lists.map((list) => list(limit + 1, cursor)));
  const merged = found.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
  const entries = merged.slice(0, limit);
  return { entries, cursor: merged.length > limit ? entries.at(-1)?.id : undefined };
};

/** What was sent and what was done, newest first. */
export const historyAdministration = ({
  organizations,
  submissions,
  audit,
}: Pick<RecordsWithin, 'organizations' | 'submissions' | 'audit'>) => {
  const askedFor = async ({ organizationId }: HistoryQuery): Promise<readonly string[]> =>
    organizationId === undefined ? (await organizations.list()).map(({ id }) => id) : [organizationId];

  return {
    async submissions(query: HistoryQuery): Promise<HistoryPage<Submission>> {
      const lists = (await askedFor(query)).map(
        (id): List<Submission> =>
          (limit, before) =>
            submissions.list(id, limit, before),
      );
      return newest(lists, query);
    },

    async audit(query: HistoryQuery): Promise<HistoryPage<AuditEntry>> {
      const lists = (await askedFor(query)).map(
        (id): List<AuditEntry> =>
          (limit, before) =>
            audit.list(id, limit, before),
      );
      return newest(query.organizationId === undefined ? [...lists, audit.ofBroker] : lists, query);
    },
  };
};

export type HistoryAdministration = ReturnType<typeof historyAdministration>;
