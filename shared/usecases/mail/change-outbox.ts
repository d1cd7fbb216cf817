import { isDeepStrictEqual } from 'node:util';
import type { Outbox } from '../../domain/outbox.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { OutboxRecord, OutboxRecords } from '../../records/outboxes.ts';

/** What a worker knows of an outbox, and its word on it. A sign-in that came in between has the last. */
export interface OutboxChange {
  readonly current: Outbox;
  /** Reads it anew. */
  look(): Promise<void>;
  /** False: it was changed by another meanwhile, as `current` tells now, and stays as that is. */
  change(next: Outbox): Promise<boolean>;
  /** Nothing was put in or changed since `look`. */
  isAsLooked(): Promise<boolean>;
  /** Notes when somebody must look again. False: something was put in or changed since `look`. */
  settle(dueAt: number | undefined): Promise<boolean>;
}

/** Messages come in at any moment, each a change; a worker gets its word in between two. */
const WRITE_ATTEMPTS = 20;

export const makeChangeOutbox =
  ({ outboxes, clock }: { outboxes: Pick<OutboxRecords, 'get' | 'replace'>; clock: Clock }) =>
  (mailboxId: string): OutboxChange => {
    let looked: OutboxRecord = { outbox: {}, revision: 0, dueAt: undefined };
    let known = looked;

    const isAsLooked = async (): Promise<boolean> => (await outboxes.get(mailboxId)).revision === looked.revision;

    return {
      get current() {
        return known.outbox;
      },

      async look() {
        looked = await outboxes.get(mailboxId);
        known = looked;
      },

      async change(next) {
        if (isDeepStrictEqual(next, known.outbox)) return true;
        for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
          // Due at once, for should this worker die.
          const dueAt = epochSeconds(clock);
          if (await outboxes.replace(mailboxId, known, next, dueAt)) {
            const written = { outbox: next, revision: known.revision + 1, dueAt };
            // Ours, so nothing to look at again; but what another put in before it still is.
            if (looked.revision === known.revision) looked = written;
            known = written;
            return true;
          }
          const found = await outboxes.get(mailboxId);
          const isOnlyMore = isDeepStrictEqual(found.outbox, known.outbox);
          known = found;
          if (!isOnlyMore) return false;
        }
        return false;
      },

      isAsLooked,

      async settle(dueAt) {
        return looked.dueAt === dueAt ? isAsLooked() : outboxes.replace(mailboxId, looked, looked.outbox, dueAt);
      },
    };
  };
