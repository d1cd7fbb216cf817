import type { Mailbox } from '../../domain/entities.ts';
import { rerouted } from '../../domain/mail-way.ts';
import type { RouteChoice } from '../../domain/outbox.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { MailboxRecords } from '../../records/mailboxes.ts';
import type { OutboxRecords } from '../../records/outboxes.ts';
import { rewriteOutbox } from './rewrite-outbox.ts';

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
    // Nothing was ever sent, or nothing waits and nothing is known that could be out of date.
    await rewriteOutbox(outboxes, id, ({ outbox, revision, dueAt }) =>
      revision === 0 ? undefined : { outbox: rerouted(outbox, now), dueAt: dueAt === undefined ? undefined : now },
    );
    return true;
  };
