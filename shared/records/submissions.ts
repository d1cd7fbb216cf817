import { forgottenBy, hasReachedAll, keptUntil, RETENTION_DAYS, retentionSeconds } from '../domain/retention.ts';
import { isOver, type Submission } from '../domain/submission.ts';
import { dueShardOf, QUEUE_GRACE_SECONDS } from '../domain/timing.ts';
import type { Item, Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, whenRevision } from './items.ts';
import { putIntoOutbox, takeFromOutbox } from './outboxes.ts';

/** Five minutes are SQS's own window; a day covers a device that repeats its job after a night. */
const IDEMPOTENCY_SECONDS = 86_400;

export interface SubmissionRecord {
  readonly submission: Submission;
  readonly revision: number;
  /** Of what has ended, by the retention of then. The table may have it for longer, so who reads compares. */
  readonly keptUntil?: number;
}

/** A stretch of an organization's list. */
export interface SubmissionPage {
  /** Newest first; without those that are gone, so also none. */
  readonly records: readonly SubmissionRecord[];
  /** From here on there are more; undefined at the end. */
  readonly next: string | undefined;
}

const fromItem = (item: Item): SubmissionRecord => {
  const {
    revision,
    expiresAt: until,
    ...submission
  } = entity<Submission & { revision: number; expiresAt?: number }>(item);
  return { submission, revision, ...(until === undefined || !isOver(submission) ? {} : { keptUntil: until }) };
};

/** As a device gave it, and the message it was given with. */
export interface IdempotencyKey {
  readonly hash: string;
  /** Hashes, any of which tells the message from others. */
  readonly fingerprints: readonly string[];
  /** For who may repeat it later than devices do. */
  readonly keptSeconds?: number;
}

interface HeldKey {
  readonly submissionId: string;
  readonly expiresAt: number;
  /** Absent in those of an earlier version. */
  readonly fingerprints?: readonly string[];
}

/**
 * The write that takes an idempotency key: once, until it has run out, or a person has removed what it stood for. The table
 * drops old ones when it likes.
 */
const takeKey = async (
  table: Table,
  { id, clientId, acceptedAt }: Submission,
  { hash, fingerprints, keptSeconds = IDEMPOTENCY_SECONDS }: IdempotencyKey,
): Promise<Write> => {
  const key = keys.idempotency(clientId, hash);
  const item = await table.get(key);
  const held = item && entity<HeldKey>(item);
  const isFree =
    held && (held.expiresAt <= acceptedAt || (await table.get(keys.submission(held.submissionId))) === undefined);
  return {
    put: { ...key, submissionId: id, fingerprints, expiresAt: acceptedAt + keptSeconds },
    when: isFree ? { equals: { submissionId: held.submissionId } } : { absent: true },
  };
};

/** That there is content, and when it is to go. The list of what is due leads to it, also after a process died in between. */
const contentDue = ({ id }: Submission, dueAt: number): Write => ({
  put: { ...keys.submissionContent(id), dueShard: dueShardOf('content', id), dueAt },
});

/** For so many days what has ended is kept. The table drops it then, but for content: that has to be removed. */
export const submissionRecords = (table: Table, retentionDays: number = RETENTION_DAYS.unlessSet) => {
  const retention = retentionSeconds(retentionDays);

  /** A gateway may never tell the end of a submission, as who sends does here. */
  const expiresAt = (submission: Submission): number | undefined =>
    keptUntil(submission, retention) ??
    (submission.gatewayId === undefined ? undefined : forgottenBy(submission, retention));

  const toItem = (submission: Submission, revision: number) => ({
    ...keys.submission(submission.id),
    ...attributes({ ...submission, expiresAt: expiresAt(submission) }),
    revision,
  });

  /** Its place in the list is not written again when it ends, so it may outlive it: who reads the list passes over it. */
  const listed = (submission: Submission): Write => ({
    put: {
      ...keys.submissionOf(submission.organizationId, submission.id),
      expiresAt: forgottenBy(submission, retention),
    },
  });

  const ended = (submission: Submission): readonly Write[] => {
    const until = keptUntil(submission, retention);
    const content = until === undefined || hasReachedAll(submission) ? [] : [contentDue(submission, until)];
    return [...takeFromOutbox(submission), ...content];
  };

  const begunAgain = (submission: Submission, now: number): readonly Write[] => [
    ...putIntoOutbox(submission, now),
    listed(submission),
    { delete: keys.submissionContent(submission.id) },
  ];

  return {
    /** In seconds. */
    retention,

    /** False: the device has used this idempotency key before. */
    async create(submission: Submission, idempotencyKey?: IdempotencyKey): Promise<boolean> {
      const { acceptedAt } = submission;
      const once = idempotencyKey === undefined ? [] : [await takeKey(table, submission, idempotencyKey)];
      const outcome = await table.writeAll([
        { put: toItem(submission, 1), when: { absent: true } },
        listed(submission),
        ...putIntoOutbox(submission, acceptedAt + QUEUE_GRACE_SECONDS),
        ...once,
      ]);
      return outcome === 'written';
    },

    async get(id: string): Promise<SubmissionRecord | undefined> {
      const item = await table.get(keys.submission(id));
      return item && fromItem(item);
    },

    /** Those that are there, in the order asked. */
    async getMany(ids: readonly string[]): Promise<readonly SubmissionRecord[]> {
      return (await getAll(table, ids.map(keys.submission))).map(fromItem);
    },

    /** What it was used for, if it still counts. `isSame`: for the same as now, as far as is known. */
    async byIdempotencyKey(
      clientId: string,
      { hash, fingerprints }: IdempotencyKey,
      now: number,
    ): Promise<{ readonly submissionId: string; readonly isSame: boolean } | undefined> {
      const item = await table.get(keys.idempotency(clientId, hash));
      const held = item && entity<HeldKey>(item);
      if (!held || held.expiresAt <= now) return undefined;
      const known = held.fingerprints ?? fingerprints;
      return { submissionId: held.submissionId, isSame: fingerprints.some((one) => known.includes(one)) };
    },

    /** False: another worker was faster. It is in its mailbox's outbox for as long as it has not ended. */
    async replace(
      { submission: before, revision }: SubmissionRecord,
      after: Submission,
      now: number,
    ): Promise<boolean> {
      const moves = isOver(after) ? ended(after) : isOver(before) ? begunAgain(after, now) : [];
      const put = { put: toItem(after, revision + 1), when: { equals: { revision } } };
      return (await table.writeAll([put, ...moves])) === 'written';
    },

    /**
     * Of a gateway's submission what it has told: it is listed like others, but in no outbox here, and has no content. `before`:
     * as it was read; undefined: it was not there. False: it was changed meanwhile.
     */
    async tell(submission: Submission, before: SubmissionRecord | undefined): Promise<boolean> {
      const { revision = 0 } = before ?? {};
      const put = { put: toItem(submission, revision + 1), when: whenRevision(revision) };
      const isListed = before !== undefined && before.submission.resentAt === submission.resentAt;
      return (await table.writeAll([put, ...(isListed ? [] : [listed(submission)])])) === 'written';
    },

    /** Before outboxes, a submission was due by itself. False: it was changed meanwhile. */
    async moveToOutbox({ submission, revision }: SubmissionRecord, now: number): Promise<boolean> {
      const queued: Submission = { ...submission, status: { state: 'queued' } };
      const put = {
        put: toItem(isOver(submission) ? submission : queued, revision + 1),
        when: { equals: { revision } },
      };
      const former = { pk: `mailbox#${submission.mailboxId}`, sk: `held#${submission.id}` };
      const writes = [put, { delete: former }, ...(isOver(submission) ? [] : putIntoOutbox(submission, now))];
      return (await table.writeAll(writes)) === 'written';
    },

    /** At most `limit` of the list, newest first; `before` is the id of the last one seen. */
    async page(organizationId: string, limit: number, before?: string): Promise<SubmissionPage> {
      const { pk } = keys.submissionOf(organizationId, '');
      const page = await table.query(pk, {
        limit,
        descending: true,
        ...(before === undefined ? {} : { after: before }),
      });
      const items = await getAll(
        table,
        page.items.map(({ sk }) => keys.submission(sk)),
      );
      return { records: items.map(fromItem), next: page.next };
    },

    /** It is nowhere any more; its content is due to go. False: it was changed meanwhile, and stays. */
    async remove({ submission, revision }: SubmissionRecord, now: number): Promise<boolean> {
      const { id, organizationId } = submission;
      const outcome = await table.writeAll([
        { delete: keys.submission(id), when: { equals: { revision } } },
        { delete: keys.submissionOf(organizationId, id) },
        ...(submission.gatewayId === undefined ? [...takeFromOutbox(submission), contentDue(submission, now)] : []),
      ]);
      return outcome === 'written';
    },

    /** When the content of this submission is to go; undefined: there is none, or it is still to be sent. */
    async contentDueAt(id: string): Promise<number | undefined> {
      const dueAt = (await table.get(keys.submissionContent(id)))?.dueAt;
      return typeof dueAt === 'number' ? dueAt : undefined;
    },

    /** After it was removed from where it lay. */
    async contentIsGone(id: string): Promise<void> {
      await table.write({ delete: keys.submissionContent(id) });
    },
  };
};

export type SubmissionRecords = ReturnType<typeof submissionRecords>;
