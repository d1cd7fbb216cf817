import type { Outbox } from '../../domain/outbox.ts';
import type { OutboxRecord, OutboxRecords } from '../../records/outboxes.ts';

/** Messages that come in at the same moment are changes too. */
const WRITE_ATTEMPTS = 20;

interface Rewritten {
  readonly outbox: Outbox;
  /** When somebody must look at it; undefined: nothing waits. */
  readonly dueAt: number | undefined;
}

/**
 * Changes an outbox, whatever else changes it just now; `rewrite` may be asked again, and leaves it by undefined.
 * @returns what was changed, or undefined where it was left
 */
export const rewriteOutbox = async (
  outboxes: Pick<OutboxRecords, 'get' | 'replace'>,
  mailboxId: string,
  rewrite: (known: OutboxRecord) => Rewritten | undefined,
): Promise<OutboxRecord | undefined> => {
  for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
    const known = await outboxes.get(mailboxId);
    const next = rewrite(known);
    if (next === undefined) return undefined;
    if (await outboxes.replace(mailboxId, known, next.outbox, next.dueAt)) return known;
  }
  throw new Error(`the outbox of ${mailboxId} changes faster than it can be read`);
};
