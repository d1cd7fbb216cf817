import type { Submission } from '../domain/submission.ts';
import { dueShardOf } from '../domain/timing.ts';
import type { Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

/** Five minutes are SQS's own window; a day covers a device that repeats its job after a night. */
const IDEMPOTENCY_SECONDS = 86_400;

export interface SubmissionRecord {
  readonly submission: Submission;
  readonly revision: number;
}

/**
 * When somebody must look at it again if nothing happens before: a queue message can be lost between two writes, and a
 * worker can die. Five minutes, so that a long queue is not queued over and over.
 */
const QUEUED_RECHECK_SECONDS = 300;

const dueAtOf = ({ status }: Submission, now: number): number | undefined => {
  switch (status.state) {
    case 'queued':
      return now + QUEUED_RECHECK_SECONDS;
    case 'sending':
    case 'deferred':
      return status.until;
    case 'held':
      return status.recheckAt;
    case 'sent':
    case 'failed':
      return undefined;
  }
};

const toItem = (submission: Submission, revision: number, now: number) => {
  const dueAt = dueAtOf(submission, now);
  return {
    ...keys.submission(submission.id),
    ...attributes(submission),
    revision,
    ...(dueAt === undefined ? {} : { dueShard: dueShardOf('submission', submission.id), dueAt }),
  };
};

/** The write that takes an idempotency key: once, until it has run out. The table drops old ones when it likes. */
const takeKey = async (table: Table, { id, clientId, acceptedAt }: Submission, keyHash: string): Promise<Write> => {
  const key = keys.idempotency(clientId, keyHash);
  const heldUntil = (await table.get(key))?.expiresAt;
  const hasRunOut = typeof heldUntil === 'number' && heldUntil <= acceptedAt;
  return {
    put: { ...key, submissionId: id, expiresAt: acceptedAt + IDEMPOTENCY_SECONDS },
    when: hasRunOut ? { equals: { expiresAt: heldUntil } } : { absent: true },
  };
};

export const submissionRecords = (table: Table) => ({
  /** False: the device has used this idempotency key before. */
  async create(submission: Submission, idempotencyKeyHash?: string): Promise<boolean> {
    const { id, organizationId, acceptedAt } = submission;
    const once = idempotencyKeyHash === undefined ? [] : [await takeKey(table, submission, idempotencyKeyHash)];
    const outcome = await table.writeAll([
      { put: toItem(submission, 1, acceptedAt), when: { absent: true } },
      { put: keys.submissionOf(organizationId, id) },
      ...once,
    ]);
    return outcome === 'written';
  },

  async get(id: string): Promise<SubmissionRecord | undefined> {
    const item = await table.get(keys.submission(id));
    if (item === undefined) return undefined;
    const { revision, ...submission } = entity<Submission & { revision: number }>(item);
    return { submission, revision };
  },

  async byIdempotencyKey(clientId: string, keyHash: string, now: number): Promise<string | undefined> {
    const item = await table.get(keys.idempotency(clientId, keyHash));
    const held = item && entity<{ submissionId: string; expiresAt: number }>(item);
    return held && held.expiresAt > now ? held.submissionId : undefined;
  },

  /** False: another worker was faster. A held one is also listed with its mailbox, to be found when that is healed. */
  async replace({ submission: before, revision }: SubmissionRecord, after: Submission, now: number): Promise<boolean> {
    const held = keys.heldSubmission(after.mailboxId, after.id);
    const outcome = await table.writeAll([
      { put: toItem(after, revision + 1, now), when: { equals: { revision } } },
      ...(after.status.state === 'held' ? [{ put: held }] : []),
      ...(before.status.state === 'held' && after.status.state !== 'held' ? [{ delete: held }] : []),
    ]);
    return outcome === 'written';
  },

  async heldOf(mailboxId: string): Promise<readonly string[]> {
    const { pk, sk } = keys.heldSubmission(mailboxId, '');
    return (await queryAll(table, pk, sk)).map((item) => item.sk.slice(sk.length));
  },

  /** Newest first; `before` is the id of the last one seen. */
  async list(organizationId: string, limit: number, before?: string): Promise<readonly Submission[]> {
    const { pk } = keys.submissionOf(organizationId, '');
    const page = await table.query(pk, { limit, descending: true, ...(before === undefined ? {} : { after: before }) });
    const items = await getAll(
      table,
      page.items.map(({ sk }) => keys.submission(sk)),
    );
    return items.map((item) => {
      const { revision: _revision, ...submission } = entity<Submission & { revision: number }>(item);
      return submission;
    });
  },
});
