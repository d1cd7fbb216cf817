import { isBeingSent } from '../../domain/resend.ts';
import { dueShards, QUEUE_GRACE_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { wakeUp } from './wake-outbox.ts';

interface Dependencies {
  readonly table: Table;
  readonly records: Pick<Records, 'submissions' | 'outboxes'>;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly log: Log;
}

const mailboxIdOf = (pk: string): string => pk.slice('outbox#'.length);

/** At most so many of a shard in one sweep, the oldest; the rest is still due a minute later. */
const SHARD_BATCH = 250;

/** Every minute: calls a worker to the outboxes in which something is due, and to those that a lost message or a dead worker left. */
export const makeSweepOutboxes =
  ({ table, queue, clock, log }: Omit<Dependencies, 'records'>) =>
  async (): Promise<number> => {
    const now = epochSeconds(clock);
    const due = (await Promise.all(dueShards('outbox').map((shard) => table.due(shard, now, SHARD_BATCH)))).flat();
    // One that waits for a worker is called again once a minute, however often this runs.
    const minute = Math.floor(now / 60);
    await queue.sendAll(due.map(({ pk, dueAt }) => wakeUp(mailboxIdOf(pk), `due-${dueAt}-${minute}`)));
    if (due.length > 0) log.info('outboxes.swept', { count: due.length });
    return due.length;
  };

/** More than one machine ever has. */
const ALL_OF_A_SHARD = 10_000;

/**
 * At the start of the only worker there is: whoever had a mailbox in hand is dead, and what was on its way goes out now, not
 * only when the claim runs out. It may have arrived already; a repeat carries the same Message-ID (design rule 7).
 */
export const makeRecoverOutboxes =
  ({ table, records, queue, clock, log }: Dependencies) =>
  async (): Promise<number> => {
    const { submissions, outboxes } = records;
    const now = epochSeconds(clock);
    let count = 0;

    /** Their claims have run out. */
    const abandon = async (mailboxId: string): Promise<void> => {
      let page = await outboxes.pending(mailboxId);
      while (page.length > 0) {
        for (const { submission, revision } of await submissions.getMany(page)) {
          if (submission.status.state !== 'sending') continue;
          const abandoned = { ...submission, status: { state: 'sending', until: now } } as const;
          if (await submissions.replace({ submission, revision }, abandoned, now)) count++;
        }
        page = await outboxes.pending(mailboxId, page.at(-1));
      }
    };

    for (const shard of dueShards('outbox')) {
      for (const { pk, dueAt } of await table.due(shard, Number.MAX_SAFE_INTEGER, ALL_OF_A_SHARD)) {
        const mailboxId = mailboxIdOf(pk);
        const known = await outboxes.pace(mailboxId);
        const wasInHand = Object.keys(known.pace.connections).length > 0;
        if (wasInHand) {
          await abandon(mailboxId);
          await outboxes.setPace(mailboxId, known, { ...known.pace, connections: {} });
        }
        // Accepted just before the end: the queue may never have heard of it.
        const isNew = dueAt <= now + QUEUE_GRACE_SECONDS;
        if (wasInHand || isNew) await queue.send(wakeUp(mailboxId, `recovered-${known.revision}-${now}`));
      }
    }
    if (count > 0) log.info('submissions.recovered', { count });
    return count;
  };

/** Submissions that an earlier version listed as due by themselves are put into the outboxes of their mailboxes. */
export const makeAdoptSubmissions =
  ({ table, records, clock, log }: Omit<Dependencies, 'queue'>) =>
  async (): Promise<number> => {
    let count = 0;
    for (const shard of dueShards('submission')) {
      for (const { pk } of await table.due(shard, Number.MAX_SAFE_INTEGER, SHARD_BATCH)) {
        const now = epochSeconds(clock);
        const record = await records.submissions.get(pk.slice('submission#'.length));
        // What a worker of the earlier version has in hand is looked at again when its claim has run out.
        if (record === undefined || isBeingSent(record.submission, now)) continue;
        if (await records.submissions.moveToOutbox(record, now)) count++;
      }
    }
    if (count > 0) log.info('submissions.adopted', { count });
    return count;
  };
