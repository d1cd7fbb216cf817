import type { Submission } from '../../domain/submission.ts';
import type { Log } from '../../ports/log.ts';
import type { Message, WorkQueue } from '../../ports/work-queue.ts';

/** The queue's message to the sending worker: there is something in this mailbox's outbox. */
export interface OutboxWork {
  readonly mailboxId: string;
}

/** Calls a worker. `occasion`: FIFO queues drop for five minutes what they have seen. */
export const wakeUp = (mailboxId: string, occasion: string): Message => ({
  body: JSON.stringify({ mailboxId } satisfies OutboxWork),
  group: mailboxId,
  deduplicationId: `${mailboxId}-${occasion}`,
});

/** Calls a worker to what was just stored; where that fails, it is durable and due, and the sweep will. */
export const makeQueueSubmission =
  ({ queue, log }: { queue: Pick<WorkQueue, 'send'>; log: Log }) =>
  ({ id, mailboxId }: Submission): Promise<void> =>
    queue.send(wakeUp(mailboxId, id)).catch((error: unknown) => {
      log.warn('submission.not_queued', { submission_id: id, error: String(error) });
    });
