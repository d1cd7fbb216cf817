import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Spool } from '../spool/spool.ts';

/** Mailboxes that are sent for at once; each is one thing after the other, and mostly waiting. */
const CONCURRENCY = 16;

/** What is due later is looked at again by then at the latest, however the clock was set meanwhile. */
const LONGEST_SLEEP_MS = 300_000;

/**
 * After a fault of the gateway's own; and where mail was left to whom the broker takes for this gateway's worker, which may be
 * what the gateway was before it was killed.
 */
const FAULT_WAIT_MS = 30_000;

/** Where something waits already, what comes in is looked at so often at the most. */
const GATHER_MS = 500;

export interface Delivery {
  /** Something of the mailbox can be sent, or may be. */
  wake(mailboxId: string): void;
  /** One more message: at once where nothing waits, which is the rule; else together with those that come soon. */
  added(mailboxId: string): void;
  /** Lets what is in hand end, and begins nothing more. */
  stop(): Promise<void>;
}

/** Calls `sendOutbox` for every mailbox in which something is due, never twice at once for one. */
export const startDelivery = ({
  spool,
  sendOutbox,
  clock,
  log,
}: {
  spool: Pick<Spool, 'outboxes' | 'entries'>;
  sendOutbox: (mailboxId: string) => Promise<void>;
  clock: Clock;
  log: Log;
}): Delivery => {
  const inHand = new Map<string, Promise<void>>();
  const wanted = new Set<string>();
  const timers = new Map<string, NodeJS.Timeout>();
  const gathering = new Set<string>();
  let running = true;

  const later = (mailboxId: string, waitMs: number): void => {
    clearTimeout(timers.get(mailboxId));
    if (!running) return;
    timers.set(
      mailboxId,
      setTimeout(() => wake(mailboxId), Math.min(waitMs, LONGEST_SLEEP_MS)),
    );
  };

  /** When to look again after a turn that began at `startedAt`; undefined: nothing waits. */
  const waitAfter = async (mailboxId: string, startedAt: number): Promise<number | undefined> => {
    const { dueAt } = await spool.outboxes.get(mailboxId);
    if (dueAt !== undefined && dueAt > startedAt) return Math.max(0, dueAt - epochSeconds(clock)) * 1000 + 1;
    // A turn that had its say named a later time, or none for want of mail.
    const [left] = await spool.outboxes.pending(mailboxId);
    return left === undefined ? undefined : FAULT_WAIT_MS;
  };

  const turn = async (mailboxId: string): Promise<void> => {
    const startedAt = epochSeconds(clock);
    try {
      await sendOutbox(mailboxId);
      const waitMs = await waitAfter(mailboxId, startedAt);
      if (waitMs !== undefined) later(mailboxId, waitMs);
    } catch (error) {
      log.error('delivery.failed', { mailbox_id: mailboxId, error: String(error) });
      later(mailboxId, FAULT_WAIT_MS);
    }
  };

  const next = (): void => {
    for (const mailboxId of wanted) {
      if (!running || inHand.size >= CONCURRENCY) return;
      if (inHand.has(mailboxId)) continue;
      wanted.delete(mailboxId);
      gathering.delete(mailboxId);
      clearTimeout(timers.get(mailboxId));
      timers.delete(mailboxId);
      const done = turn(mailboxId).finally(() => {
        inHand.delete(mailboxId);
        next();
      });
      inHand.set(mailboxId, done);
    }
  };

  const wake = (mailboxId: string): void => {
    if (!running) return;
    wanted.add(mailboxId);
    next();
  };

  const added = (mailboxId: string): void => {
    if (!timers.has(mailboxId)) wake(mailboxId);
    else if (!gathering.has(mailboxId)) {
      gathering.add(mailboxId);
      later(mailboxId, GATHER_MS);
    }
  };

  for (const mailboxId of new Set(spool.entries().map(({ mailbox }) => mailbox.id))) wake(mailboxId);

  return {
    wake,
    added,
    async stop() {
      running = false;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.all(inHand.values());
    },
  };
};
