import { dueShards, QUEUE_GRACE_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { mailboxOfOutbox } from '../../records/outboxes.ts';
import { wakeUp } from './queue-outbox.ts';

interface Dependencies {
  readonly table: Table;
  readonly records: Pick<Records, 'submissions' | 'outboxes'>;
  readonly queue: Pick<WorkQueue, 'send'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** More than one machine ever has. */
const ALL_OF_A_SHARD = 10_000;

/**
 * At the start of the only worker there is: whoever had a mailbox in hand is dead, and what was on its way goes out now, not
 * only when the claim runs out. It may have arrived already; a repeat carries the same Message-ID (design rule 7).
 */
export const makeRecoverOutboxes =
  ({ table, records: { submissions, outboxes }, queue, clock, log }: Dependencies) =>
  async (): Promise<number> => {
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
      for (const outbox of await table.due(shard, Number.MAX_SAFE_INTEGER, ALL_OF_A_SHARD)) {
        const mailboxId = mailboxOfOutbox(outbox);
        const known = await outboxes.pace(mailboxId);
        const wasInHand = Object.keys(known.pace.connections).length > 0;
        if (wasInHand) {
          await abandon(mailboxId);
          await outboxes.setPace(mailboxId, known, { ...known.pace, connections: {} });
        }
        // Accepted just before the end: the queue may never have heard of it.
        const isNew = outbox.dueAt <= now + QUEUE_GRACE_SECONDS;
        if (wasInHand || isNew) await queue.send(wakeUp(mailboxId, `recovered-${known.revision}-${now}`));
      }
    }
    if (count > 0) log.info('submissions.recovered', { count });
    return count;
  };
