import { isClaimable, type Submission } from '../../domain/submission.ts';
import { dueShards, SENDING_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Table } from '../../ports/table.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import type { SubmissionWork } from './accept-message.ts';

const enqueue = (queue: WorkQueue, { id, mailboxId, attempts }: Submission, now: number): Promise<void> =>
  queue.send({
    body: JSON.stringify({ submissionId: id } satisfies SubmissionWork),
    group: mailboxId,
    // Not the id alone: FIFO queues drop for five minutes what they have seen.
    deduplicationId: `${id}-${attempts}-${now}`,
  });

/** After a sign-in: mail that waited for it goes on its way, oldest first. */
export const makeResumeHeld =
  ({ submissions, queue, clock }: { submissions: Records['submissions']; queue: WorkQueue; clock: Clock }) =>
  async (mailboxId: string): Promise<void> => {
    const now = epochSeconds(clock);
    for (const id of await submissions.heldOf(mailboxId)) {
      const record = await submissions.get(id);
      if (record?.submission.status.state !== 'held') continue;
      const queued = { ...record.submission, status: { state: 'queued' } as const };
      if (await submissions.replace(record, queued, now)) await enqueue(queue, queued, now);
    }
  };

export type ResumeHeld = ReturnType<typeof makeResumeHeld>;

interface SweepDependencies {
  readonly table: Table;
  readonly submissions: Records['submissions'];
  readonly queue: WorkQueue;
  readonly clock: Clock;
  readonly log: Log;
}

/** Queues what is due by `until` and fits; the index may be stale, so each is read again. */
const requeueDue = async (
  { table, submissions, queue, clock }: SweepDependencies,
  until: number,
  limit: number,
  fits: (submission: Submission, now: number) => boolean,
): Promise<number> => {
  const now = epochSeconds(clock);
  let count = 0;
  for (const shard of dueShards('submission')) {
    for (const { pk } of await table.due(shard, until, limit)) {
      const record = await submissions.get(pk.slice('submission#'.length));
      if (record === undefined || !fits(record.submission, now)) continue;
      const queued = { ...record.submission, status: { state: 'queued' } as const };
      if (!(await submissions.replace(record, queued, now))) continue;
      await enqueue(queue, queued, now);
      count++;
    }
  }
  return count;
};

/** At most this many of a shard in one sweep; the rest is still due a minute later. */
const SHARD_BATCH = 100;

/** Every minute: queues what was deferred until now, and what a lost queue message or a dead worker left behind. */
export const makeSweepSubmissions = (dependencies: SweepDependencies) => async (): Promise<number> => {
  const count = await requeueDue(dependencies, epochSeconds(dependencies.clock), SHARD_BATCH, isClaimable);
  if (count > 0) dependencies.log.info('submissions.swept', { count });
  return count;
};

/** More than one machine ever has in hand. */
const IN_HAND_LIMIT = 10_000;

/**
 * At the start of the only worker there is: what a dead one was sending goes out now, not only when its claim runs out.
 * It may have arrived already; a repeat carries the same Message-ID (design rule 7).
 */
export const makeRecoverSubmissions = (dependencies: SweepDependencies) => async (): Promise<number> => {
  const lastClaim = epochSeconds(dependencies.clock) + SENDING_SECONDS;
  const isSending = ({ status }: Submission) => status.state === 'sending';
  const count = await requeueDue(dependencies, lastClaim, IN_HAND_LIMIT, isSending);
  if (count > 0) dependencies.log.info('submissions.recovered', { count });
  return count;
};
