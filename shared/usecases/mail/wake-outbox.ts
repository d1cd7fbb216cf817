import { type Outbox, triedNow, unstopped } from '../../domain/outbox.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { OutboxRecords } from '../../records/outboxes.ts';
import { wakeUp } from './queue-outbox.ts';
import { rewriteOutbox } from './rewrite-outbox.ts';

interface Waking {
  readonly outboxes: Pick<OutboxRecords, 'get' | 'replace'>;
  readonly queue: Pick<WorkQueue, 'send'>;
  readonly clock: Clock;
}

/** Changes an outbox in which something was ever put, and calls a worker to it. */
const makeWake =
  (change: (outbox: Outbox, now: number) => Outbox) =>
  ({ outboxes, queue, clock }: Waking) =>
  async (mailboxId: string): Promise<void> => {
    const now = epochSeconds(clock);
    const changed = await rewriteOutbox(outboxes, mailboxId, ({ outbox, revision }) =>
      revision === 0 ? undefined : { outbox: change(outbox, now), dueAt: now },
    );
    if (changed !== undefined) await queue.send(wakeUp(mailboxId, `changed-${changed.revision}`));
  };

/**
 * After a sign-in: what waited goes on its way, oldest first. Also where nothing stops it yet: a worker may be about to say
 * so, of the sign-in before this one.
 */
export const makeResumeOutbox = makeWake((outbox, now) => ({ ...unstopped(outbox, now), resumedAt: now }));

export type ResumeOutbox = ReturnType<typeof makeResumeOutbox>;

/** When an administrator asks for it. */
export const makeTryOutboxNow = makeWake(triedNow);
