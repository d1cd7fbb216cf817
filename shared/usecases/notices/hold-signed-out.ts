import type { Mailbox } from '../../domain/entities.ts';
import { HELD_RECHECK_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import { rewriteOutbox } from '../mail/rewrite-outbox.ts';
import { dropMailbox, type NoticeBook } from './raise-notice.ts';

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
    const held = await rewriteOutbox(outboxes, id, ({ outbox, dueAt }) => {
      if (dueAt === undefined) return undefined;
      const since = outbox.stop?.cause === 'hold' ? outbox.stop.since : now;
      const until = now + HELD_RECHECK_SECONDS;
      const stop = { cause: 'hold', since, until, reason: 'signed_out', response: RESPONSE } as const;
      // Due at once, for should a worker have died with it in hand.
      return { outbox: { ...outbox, stop }, dueAt: now };
    });
    if (held === undefined) return;
    const about = { subject: id, organizationId, mailboxId: id, address };
    await notices.raise({ kind: 'mailbox.held', ...about, reason: 'signed_out', detail: RESPONSE });
  };

export type HoldSignedOut = ReturnType<typeof makeHoldSignedOut>;
