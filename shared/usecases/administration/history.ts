import type { AuditEntry } from '../../domain/entities.ts';
import type { Submission } from '../../domain/submission.ts';
import type { Records } from '../../records/index.ts';

export interface HistoryPage<Entry> {
  readonly entries: readonly Entry[];
  /** Pass as `cursor` for the older ones; undefined at the end. */
  readonly cursor: string | undefined;
}

export interface HistoryQuery {
  /** Undefined: of all organizations. */
  readonly organizationId: string | undefined;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** What was sent and what was done, newest first. */
export const historyAdministration = ({
  organizations,
  submissions,
  audit,
}: Pick<Records, 'organizations' | 'submissions' | 'audit'>) => {
  /** Ids sort by time, so one cursor serves all organizations, whose newest are merged. */
  const newest = async <Entry extends { id: string }>(
    list: (organizationId: string, limit: number, before?: string) => Promise<readonly Entry[]>,
    { organizationId, cursor, limit }: HistoryQuery,
  ): Promise<HistoryPage<Entry>> => {
    const ids = organizationId === undefined ? (await organizations.list()).map(({ id }) => id) : [organizationId];
    const lists = await Promise.all(ids.map((id) => list(id, limit + 1, cursor)));
    const merged = lists.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
    const entries = merged.slice(0, limit);
    return { entries, cursor: merged.length > limit ? entries.at(-1)?.id : undefined };
  };

  return {
    submissions: (query: HistoryQuery): Promise<HistoryPage<Submission>> => newest(submissions.list, query),
    audit: (query: HistoryQuery): Promise<HistoryPage<AuditEntry>> => newest(audit.list, query),
  };
};

export type HistoryAdministration = ReturnType<typeof historyAdministration>;
