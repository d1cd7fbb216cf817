import { setTimeout as sleep } from 'node:timers/promises';
import { Cron } from 'croner';
import { correlated, newCorrelationId } from '../shared/adapters/correlation/correlation.ts';
import type { Log } from '../shared/ports/log.ts';
import type { ReceivedMessage, WorkQueue } from '../shared/ports/work-queue.ts';

/** In the cloud the sweep runs every minute; here it costs next to nothing, and somebody may be watching. */
export const SWEEP_SECONDS = 5;
const SWEEP_SCHEDULE = `*/${SWEEP_SECONDS} * * * * *`;

/** How long one look at an empty queue waits; also how long a stop may take. */
const WAIT_SECONDS = 1;

/** After a failure the message rests a while, as it would behind SQS. */
const RETRY_SECONDS = 30;

/** A worker that empties a queue, as Lambda's event source mapping would. */
export interface QueueWorker {
  readonly name: string;
  readonly queue: WorkQueue;
  /** How many messages are in hand at once. */
  readonly concurrency: number;
  handle(body: unknown): Promise<void>;
}

export interface Workers {
  /** Lets what is in hand finish. */
  stop(): Promise<void>;
}

const handleOne = async ({ name, queue, handle }: QueueWorker, message: ReceivedMessage, log: Log): Promise<void> => {
  try {
    await handle(JSON.parse(message.body));
    await queue.done(message);
  } catch (error) {
    log.error('message.failed', { queue: name, message_id: message.id, error: String(error) });
    await queue.retryLater(message, RETRY_SECONDS).catch((refusal: unknown) => {
      // It stays hidden for a while, and comes back by itself.
      log.error('message.not_returned', { queue: name, message_id: message.id, error: String(refusal) });
    });
  }
};

/** Runs the workers and the sweeps until stopped. */
export const startWorkers = (
  workers: readonly QueueWorker[],
  sweeps: readonly (() => Promise<unknown> | unknown)[],
  log: Log,
): Workers => {
  let running = true;

  /** A queue that fails for once, as a busy database may, is asked again a moment later. */
  const receive = async ({ name, queue }: QueueWorker, limit: number): Promise<readonly ReceivedMessage[]> => {
    try {
      return await queue.receive({ limit, waitSeconds: WAIT_SECONDS });
    } catch (error) {
      log.error('queue.failed', { queue: name, error: String(error) });
      await sleep(WAIT_SECONDS * 1000);
      return [];
    }
  };

  const work = async (worker: QueueWorker): Promise<void> => {
    const inHand = new Set<Promise<void>>();
    while (running) {
      if (inHand.size >= worker.concurrency) {
        await Promise.race(inHand);
        continue;
      }
      const limit = Math.min(worker.concurrency - inHand.size, 10);
      for (const message of await receive(worker, limit)) {
        const { correlationId: correlation_id = newCorrelationId() } = message;
        const handled = correlated({ correlation_id }, () => handleOne(worker, message, log));
        const task: Promise<void> = handled.finally(() => inHand.delete(task));
        inHand.add(task);
      }
    }
    await Promise.all(inHand);
  };

  const sweepAll = async (): Promise<void> => {
    for (const one of sweeps) {
      try {
        await one();
      } catch (error) {
        log.error('sweep.failed', { error: String(error) });
      }
    }
  };
  const sweep = (): Promise<void> => correlated({ correlation_id: newCorrelationId() }, sweepAll);

  const loops = workers.map(work);
  // The first at once: what was due while nothing ran is caught up with.
  const first = sweep();
  const schedule = new Cron(SWEEP_SCHEDULE, { protect: true }, sweep);
  return {
    async stop() {
      running = false;
      schedule.stop();
      await Promise.all([first, ...loops]);
    },
  };
};
