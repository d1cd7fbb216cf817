import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../ports/clock.ts';
import type { Message, ReceivedMessage, WorkQueue } from '../../ports/work-queue.ts';
import { correlationId } from '../correlation/correlation.ts';
import { inTransaction } from './open-database.ts';
import { queueStatements } from './queue-statements.ts';

/** As long as SQS remembers (developer guide, exactly-once processing). */
const DEDUPLICATION_MS = 5 * 60_000;
/** How soon a message from another process, or one whose hiding is over, is noticed. Own sends wake the receiver at once. */
const POLL_MS = 250;

export interface SqliteWorkQueueOptions {
  readonly name: string;
  readonly fifo: boolean;
  /** How long a received message is hidden. */
  readonly visibilitySeconds: number;
  /** After so many deliveries without `done` it goes to the dead letters. */
  readonly maxReceives: number;
  readonly clock: Clock;
}

/** A queue in the database, with the semantics of SQS. Several queues, and several processes, may share one database. */
export const sqliteWorkQueue = (database: DatabaseSync, options: SqliteWorkQueueOptions): WorkQueue => {
  const { name, fifo, visibilitySeconds, maxReceives, clock } = options;
  const statements = queueStatements(database, name, fifo);
  const changes = new EventEmitter();
  changes.setMaxListeners(0); // as many as there are receivers

  const claim = (limit: number): ReceivedMessage[] =>
    inTransaction(database, () => {
      const now = clock.now();
      statements.bury(now, maxReceives);
      return statements.deliverable(now, limit).map(({ id, body, group, receiveCount, correlationId }) => {
        const receipt = randomUUID();
        statements.hide(id, receipt, now + visibilitySeconds * 1000);
        return {
          ...{ id: String(id), body, receiveCount: receiveCount + 1, receipt },
          ...(group !== null && { group }),
          ...(correlationId !== null && { correlationId }),
        };
      });
    });

  const changeOrPoll = async (milliseconds: number): Promise<void> => {
    const stopListening = new AbortController();
    const change = once(changes, 'change', { signal: stopListening.signal }).catch(() => undefined); // aborted below
    await Promise.race([change, clock.sleep(milliseconds)]);
    stopListening.abort();
  };

  const add = ({ body, group, deduplicationId, delaySeconds }: Message): void => {
    if (fifo && group === undefined) throw new TypeError('a message for a FIFO queue needs a group');
    if (fifo && delaySeconds !== undefined) throw new TypeError('a FIFO queue delays no single message');
    const now = clock.now();
    const isRepeat =
      fifo && deduplicationId !== undefined && !statements.firstSeen(deduplicationId, now, now - DEDUPLICATION_MS);
    if (!isRepeat) statements.add(body, group, now + Math.ceil((delaySeconds ?? 0) * 1000), correlationId());
  };

  const sendAll = async (messages: readonly Message[]): Promise<void> => {
    inTransaction(database, () => messages.forEach(add));
    changes.emit('change');
  };

  return {
    send: (message) => sendAll([message]),
    sendAll,
    depth: async () => statements.depth(),

    async receive({ limit, waitSeconds }) {
      const deadline = clock.now() + waitSeconds * 1000;
      for (;;) {
        const messages = claim(limit);
        const leftMs = deadline - clock.now();
        if (messages.length > 0 || leftMs <= 0) return messages;
        await changeOrPoll(Math.min(leftMs, POLL_MS));
      }
    },

    async done({ id, receipt }) {
      statements.remove(Number(id), receipt);
      changes.emit('change');
    },

    async retryLater({ id, receipt }, delaySeconds) {
      statements.postpone(Number(id), receipt, clock.now() + Math.ceil(delaySeconds * 1000));
    },
  };
};
