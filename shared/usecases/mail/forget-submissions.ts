import { blobKeyOf, isOver } from '../../domain/submission.ts';
import { dueShards } from '../../domain/timing.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { Records } from '../../records/index.ts';
import type { SubmissionRecord } from '../../records/submissions.ts';

interface Dependencies {
  readonly submissions: Records['submissions'];
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly clock: Clock;
}

/** Who dies between the two steps leaves the content on the list of what is due, so that the sweep goes on with it. */
const makeRemoveContent =
  ({ submissions, blobs }: Omit<Dependencies, 'clock'>) =>
  async (id: string): Promise<void> => {
    await blobs.delete(blobKeyOf(id));
    await submissions.contentIsGone(id);
  };

/** Removes a submission with its content, in any state. False: it was changed since it was read, and stays. */
export const makeRemoveSubmission = (dependencies: Dependencies) => {
  const { submissions, clock } = dependencies;
  const removeContent = makeRemoveContent(dependencies);
  return async (record: SubmissionRecord): Promise<boolean> => {
    if (!(await submissions.remove(record, epochSeconds(clock)))) return false;
    await removeContent(record.submission.id);
    return true;
  };
};

export type RemoveSubmission = ReturnType<typeof makeRemoveSubmission>;

/** At most so many in one sweep, the oldest; the rest is still due at the next. Each is a few calls, one after the other. */
const BATCH = 100;

/** Nobody waits for it, so one shard is looked at each minute, and the next one in the next. */
const shardOf = (now: number): string => {
  const shards = dueShards('content');
  return shards[Math.floor(now / 60) % shards.length] ?? '';
};

/** Every minute: what was not sent to everybody goes, with its content, when it has been kept for as long as is set. */
export const makeForgetSubmissions = ({ table, log, ...dependencies }: Dependencies & { table: Table; log: Log }) => {
  const { submissions, clock } = dependencies;
  const removeContent = makeRemoveContent(dependencies);

  const forget = async (id: string, now: number): Promise<boolean> => {
    const record = await submissions.get(id);
    // The index is late: it may have been sent again. Read after the record, whose revision tells if that happens from here on.
    const dueAt = await submissions.contentDueAt(id);
    if (dueAt === undefined || dueAt > now) return false;
    if (record && !(isOver(record.submission) && (await submissions.remove(record, now)))) return false;
    await removeContent(id);
    return true;
  };

  return async (): Promise<number> => {
    const now = epochSeconds(clock);
    let count = 0;
    for (const { pk } of await table.due(shardOf(now), now, BATCH)) {
      if (await forget(pk.slice('submission#'.length), now)) count++;
    }
    if (count > 0) log.info('submissions.forgotten', { count });
    return count;
  };
};
