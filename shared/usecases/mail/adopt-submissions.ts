import { isBeingSent } from '../../domain/resend.ts';
import { dueShards } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { Records } from '../../records/index.ts';

interface Dependencies {
  readonly table: Table;
  readonly records: Pick<Records, 'submissions'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** At most so many of a shard in one sweep. */
const SHARD_BATCH = 250;

/** Submissions that an earlier version listed as due by themselves are put into the outboxes of their mailboxes. */
export const makeAdoptSubmissions =
  ({ table, records: { submissions }, clock, log }: Dependencies) =>
  async (): Promise<number> => {
    let count = 0;
    for (const shard of dueShards('submission')) {
      for (const { pk } of await table.due(shard, Number.MAX_SAFE_INTEGER, SHARD_BATCH)) {
        const now = epochSeconds(clock);
        const record = await submissions.get(pk.slice('submission#'.length));
        // What a worker of the earlier version has in hand is looked at again when its claim has run out.
        if (record === undefined || isBeingSent(record.submission, now)) continue;
        if (await submissions.moveToOutbox(record, now)) count++;
      }
    }
    if (count > 0) log.info('submissions.adopted', { count });
    return count;
  };
