import type { BlobStore } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import { submissionRecords } from '../../records/submissions.ts';
import { makeAdoptSubmissions } from './adopt-submissions.ts';
import { makeForgetSubmissions } from './forget-submissions.ts';
import { makeSweepOutboxes } from './sweep-outboxes.ts';

/** What is done about mail every minute, whether or not there is any. */
export const makeMailSweeps = (dependencies: {
  readonly table: Table;
  readonly queue: WorkQueue;
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  const { table, retentionDays } = dependencies;
  const submissions = submissionRecords(table, retentionDays);
  return {
    outboxes: makeSweepOutboxes(dependencies),
    submissions: makeAdoptSubmissions({ ...dependencies, records: { submissions } }),
    forgotten: makeForgetSubmissions({ ...dependencies, submissions }),
  };
};
