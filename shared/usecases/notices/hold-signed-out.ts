import type { Mailbox } from '../../domain/entities.ts';
import { HELD_RECHECK_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import { dropMailbox, type NoticeBook } from './raise-notice.ts';

/** Enough for messages that come in at the same moment. */
const WRITE_ATTEMPTS = 20;

const RESPONSE = 'The mailbox was signed out.';

/**
 * After a sign-out: nothing of before is told any more, as it is not mended. Where mail waits it is held, and that is told: it
 * goes nowhere until somebody signs the mailbox in again.
 */
export const makeHoldSignedOut =
  ({
    outboxes,
    notices,
    clock,
  }: {
    readonly outboxes: Pick<Records['outboxes'], 'get' | 'replace'>;
    readonly notices: Pick<NoticeBook, 'raise' | 'drop'>;
    readonly clock: Clock;
  }) =>
  async (mailbox: Mailbox): Promise<void> => {
    await dropMailbox(notices, mailbox);
    const { id, organizationId, address } = mailbox;
    const now = epochSeconds(clock);
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const known = await outboxes.get(id);
      if (known.dueAt === undefined) return;
      const { stop: before } = known.outbox;
      const since = before?.cause === 'hold' ? before.since : now;
      const until = now + HELD_RECHECK_SECONDS;
      const stop = { cause: 'hold', since, until, reason: 'signed_out', response: RESPONSE } as const;
      // Due at once, for should a worker have died with it in hand.
      if (!(await outboxes.replace(id, known, { ...known.outbox, stop }, now))) continue;
      const about = { subject: id, organizationId, mailboxId: id, address };
      await notices.raise({ kind: 'mailbox.held', ...about, reason: 'signed_out', detail: RESPONSE });
      return;
    }
    throw new Error(`the outbox of ${id} changes faster than it can be read`);
  };

export type HoldSignedOut = ReturnType<typeof makeHoldSignedOut>;
