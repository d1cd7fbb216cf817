import type { Log } from '../ports/log.ts';
import type { WorkQueue } from '../ports/work-queue.ts';

/** What no worker could deal with was set aside; it is told at once, and again whenever the number changes. */
export const makeReportDeadLetters = ({
  queues,
  log,
}: {
  readonly queues: Readonly<Record<string, Pick<WorkQueue, 'depth'>>>;
  readonly log: Log;
}) => {
  const told = new Map<string, number>();
  return async (): Promise<void> => {
    for (const [queue, { depth }] of Object.entries(queues)) {
      const { dead } = await depth();
      if (dead === (told.get(queue) ?? 0)) continue;
      told.set(queue, dead);
      if (dead > 0) log.error('queue.dead_letters', { queue, count: dead });
    }
  };
};
