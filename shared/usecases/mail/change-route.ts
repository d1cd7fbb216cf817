import type { Mailbox } from '../../domain/entities.ts';
import { rerouted } from '../../domain/mail-way.ts';
import type { RouteChoice } from '../../domain/outbox.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { MailboxRecords } from '../../records/mailboxes.ts';
import type { OutboxRecords } from '../../records/outboxes.ts';

/** Enough for messages that come in at the same moment. */
const WRITE_ATTEMPTS = 20;

/**
 * By which way a mailbox's mail goes from now on. What waits is due at once, so the next sweep, within a minute, calls a worker.
 * False: there is no such mailbox any more.
 */
export const makeChangeRoute =
  ({
    mailboxes,
    outboxes,
    clock,
  }: {
    mailboxes: Pick<MailboxRecords, 'setRoute'>;
    outboxes: Pick<OutboxRecords, 'get' | 'replace'>;
    clock: Clock;
  }) =>
  async ({ id }: Mailbox, route: RouteChoice): Promise<boolean> => {
    if (!(await mailboxes.setRoute(id, route))) return false;
    const now = epochSeconds(clock);
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const known = await outboxes.get(id);
      // Nothing was ever sent, or nothing waits and nothing is known that could be out of date.
      if (known.revision === 0) return true;
      const dueAt = known.dueAt === undefined ? undefined : now;
      if (await outboxes.replace(id, known, rerouted(known.outbox, now), dueAt)) return true;
    }
    throw new Error(`the outbox of ${id} could not be told of its new route`);
  };

export type ChangeRoute = ReturnType<typeof makeChangeRoute>;
