import { dueShards } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import { mailboxOfOutbox } from '../../records/outboxes.ts';
import { wakeUp } from './queue-outbox.ts';

/** At most so many of a shard in one sweep, the oldest; the rest is still due a minute later. */
const SHARD_BATCH = 250;

/** Every minute: calls a worker to the outboxes in which something is due, and to those that a lost message or a dead worker left. */
export const makeSweepOutboxes =
  ({ table, queue, clock, log }: { table: Table; queue: Pick<WorkQueue, 'sendAll'>; clock: Clock; log: Log }) =>
  async (): Promise<number> => {
    const now = epochSeconds(clock);
    const due = (await Promise.all(dueShards('outbox').map((shard) => table.due(shard, now, SHARD_BATCH)))).flat();
    // One that waits for a worker is called again once a minute, however often this runs.
    const minute = Math.floor(now / 60);
    await queue.sendAll(due.map((item) => wakeUp(mailboxOfOutbox(item), `due-${item.dueAt}-${minute}`)));
    if (due.length > 0) log.info('outboxes.swept', { count: due.length });
    return due.length;
  };
