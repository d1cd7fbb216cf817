import type { Outbox } from '../domain/outbox.ts';
import { NO_PACE, type Pace } from '../domain/pace.ts';
import type { Submission } from '../domain/submission.ts';
import { dueShardOf } from '../domain/timing.ts';
import type { Item, Key, Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, whenRevision } from './items.ts';

/** `revision` grows with every change, and with every message that is put in: who writes has seen both. */
export interface OutboxRecord {
  readonly outbox: Outbox;
  readonly revision: number;
  /** When somebody must look at it; undefined: nothing waits. */
  readonly dueAt: number | undefined;
}

export interface PaceRecord {
  readonly pace: Pace;
  readonly revision: number;
}

/** One page of what waits; more than a worker sends in a minute. */
const PAGE = 50;

const outboxFromItem = (item: Item | undefined): OutboxRecord => {
  if (item === undefined) return { outbox: {}, revision: 0, dueAt: undefined };
  const { revision, ...outbox } = entity<Outbox & { revision: number }>(item);
  return { outbox, revision, dueAt: typeof item.dueAt === 'number' ? item.dueAt : undefined };
};

/** Also of what the due index names. */
export const mailboxOfOutbox = ({ pk }: Pick<Key, 'pk'>): string => pk.slice('outbox#'.length);

const dueIn = (mailboxId: string, dueAt: number) => ({ dueShard: dueShardOf('outbox', mailboxId), dueAt });

/**
 * Puts a submission into its mailbox's outbox, to be written together with the submission. At `dueAt` a sweep looks after it,
 * should the queue never hear of it.
 */
export const putIntoOutbox = ({ mailboxId, id }: Submission, dueAt: number): readonly Write[] => [
  { put: keys.pendingSubmission(mailboxId, id) },
  { update: keys.outbox(mailboxId), changes: { set: dueIn(mailboxId, dueAt), add: { revision: 1 } } },
];

export const takeFromOutbox = ({ mailboxId, id }: Submission): readonly Write[] => [
  { delete: keys.pendingSubmission(mailboxId, id) },
];

/** Of each mailbox what waits to be sent, what keeps it, and at which pace it goes (design section 8). */
export const outboxRecords = (table: Table) => ({
  async get(mailboxId: string): Promise<OutboxRecord> {
    return outboxFromItem(await table.get(keys.outbox(mailboxId)));
  },

  /** Of several, in any order; those that have one. */
  async getMany(mailboxIds: readonly string[]): Promise<ReadonlyMap<string, Outbox>> {
    const items = await getAll(table, mailboxIds.map(keys.outbox));
    return new Map(items.map((item) => [mailboxOfOutbox(item), outboxFromItem(item).outbox]));
  },

  /** In the order they came; `after` is the id of the last one seen. */
  async pending(mailboxId: string, after?: string): Promise<readonly string[]> {
    const { pk, sk: prefix } = keys.pendingSubmission(mailboxId, '');
    const from = after === undefined ? {} : { after: `${prefix}${after}` };
    const { items } = await table.query(pk, { prefix, limit: PAGE, ...from });
    return items.map(({ sk }) => sk.slice(prefix.length));
  },

  /** `dueAt`: when somebody must look again; undefined: nothing waits. False: it has changed meanwhile. */
  async replace(
    mailboxId: string,
    { revision }: Pick<OutboxRecord, 'revision'>,
    outbox: Outbox,
    dueAt: number | undefined,
  ): Promise<boolean> {
    const due = dueAt === undefined ? {} : dueIn(mailboxId, dueAt);
    const put = { ...keys.outbox(mailboxId), ...attributes(outbox), revision: revision + 1, ...due };
    return (await table.write({ put, when: whenRevision(revision) })) === 'written';
  },

  async pace(mailboxId: string): Promise<PaceRecord> {
    const item = await table.get(keys.pace(mailboxId));
    if (item === undefined) return { pace: NO_PACE, revision: 0 };
    const { revision, ...pace } = entity<Pace & { revision: number }>(item);
    return { pace, revision };
  },

  /** False: another was faster. */
  async setPace(mailboxId: string, { revision }: PaceRecord, pace: Pace): Promise<boolean> {
    const put = { ...keys.pace(mailboxId), ...attributes(pace), revision: revision + 1 };
    return (await table.write({ put, when: whenRevision(revision) })) === 'written';
  },
});

export type OutboxRecords = ReturnType<typeof outboxRecords>;
