import type { Item, Key, Table, Value, Write } from '../../../shared/ports/table.ts';

/**
 * How DynamoDB bills requests (developer guide, "read and write operations" and "item sizes"): a strongly consistent read
 * one unit for each 4 KB begun, an eventually consistent one half; a write one for each 1 KB begun of the larger of what
 * was there and what is there then; within a transaction twice that. An absent item, and a condition that fails, cost too.
 */
const READ_BYTES = 4096;
const WRITE_BYTES = 1024;

export const itemBytes = (item: object): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);

const valueBytes = (value: Value): number => {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'boolean') return 1;
  if (typeof value === 'number') return numberBytes(value);
  const inside = Array.isArray(value)
    ? value.reduce((sum: number, one: Value) => sum + 1 + valueBytes(one), 0)
    : Object.entries(value).reduce((sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + valueBytes(one), 0);
  // Lists and maps: 3 bytes, and 1 for each member.
  return 3 + inside;
};

/** Two digits to a byte, and a byte more; zeros at both ends do not count. */
const numberBytes = (value: number): number => {
  const digits = String(Math.abs(value))
    .replace('.', '')
    .replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + (value < 0 ? 2 : 1);
};

const begun = (bytes: number, each: number): number => Math.max(1, Math.ceil(bytes / each));

/** One request's part on one item, or on one page of the index. */
export interface Metered {
  readonly request: string;
  readonly key: Key;
  readonly bytes: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** What the due index holds of an item: its own keys and the table's. */
const indexEntry = (item: Item | undefined): object | undefined => {
  if (item === undefined) return undefined;
  const { pk, sk, dueShard, dueAt } = item;
  return dueShard === undefined || dueAt === undefined ? undefined : { pk, sk, dueShard, dueAt };
};

/** Its keys are all that it holds, so that it changes with them alone: then one entry goes and another comes. */
const indexUnits = (before: Item | undefined, after: Item | undefined): number => {
  const [gone, come] = [indexEntry(before), indexEntry(after)];
  if (JSON.stringify(gone) === JSON.stringify(come)) return 0;
  return (gone ? begun(itemBytes(gone), WRITE_BYTES) : 0) + (come ? begun(itemBytes(come), WRITE_BYTES) : 0);
};

const keyOf = (write: Write): Key => {
  if ('put' in write) return write.put;
  if ('update' in write) return write.update;
  return 'delete' in write ? write.delete : write.check;
};

/** A table that notes what each request would cost in DynamoDB. */
export const meteredTable = (table: Table) => {
  const metered: Metered[] = [];
  const note = (request: string, { pk, sk }: Key, bytes: number, units: { read?: number; write?: number }): void => {
    metered.push({ request, key: { pk, sk }, bytes, readUnits: units.read ?? 0, writeUnits: units.write ?? 0 });
  };
  const noteRead = (request: string, key: Key, item: Item | undefined): void => {
    const bytes = item === undefined ? 0 : itemBytes(item);
    note(request, key, bytes, { read: begun(bytes, READ_BYTES) });
  };

  const written = async <Outcome>(writes: readonly Write[], request: string, carryOut: () => Promise<Outcome>) => {
    const keys = writes.map(keyOf);
    const before = await Promise.all(keys.map((key) => table.get(key)));
    const outcome = await carryOut();
    const after = await Promise.all(keys.map((key) => table.get(key)));
    for (const [index, key] of keys.entries()) {
      const [old, now] = [before[index], after[index]];
      const bytes = Math.max(old ? itemBytes(old) : 0, now ? itemBytes(now) : 0);
      note(request, key, bytes, { write: begun(bytes, WRITE_BYTES) * (request === 'TransactWriteItems' ? 2 : 1) });
      const units = indexUnits(old, now);
      if (units > 0) note('due index', key, itemBytes(indexEntry(now ?? old) ?? {}), { write: units });
    }
    return outcome;
  };

  const watching: Table = {
    async get(key) {
      const item = await table.get(key);
      noteRead('GetItem', key, item);
      return item;
    },
    async getMany(keys) {
      const items = await table.getMany(keys);
      for (const [index, key] of keys.entries()) noteRead('BatchGetItem', key, items[index]);
      return items;
    },
    async query(pk, options) {
      const page = await table.query(pk, options);
      const bytes = page.items.reduce((sum, item) => sum + itemBytes(item), 0);
      note('Query', { pk, sk: options?.prefix ?? '' }, bytes, { read: begun(bytes, READ_BYTES) });
      return page;
    },
    async due(shard, until, limit) {
      const found = await table.due(shard, until, limit);
      const bytes = found.reduce((sum, { pk, sk, dueAt }) => sum + itemBytes({ pk, sk, dueAt, dueShard: shard }), 0);
      note('Query of the due index', { pk: shard, sk: '' }, bytes, { read: begun(bytes, READ_BYTES) / 2 });
      return found;
    },
    write: (one) => written([one], 'write', () => table.write(one)),
    writeAll: (writes) => written(writes, 'TransactWriteItems', () => table.writeAll(writes)),
  };

  return {
    watching,
    /** What was noted since the last time. */
    take: (): readonly Metered[] => metered.splice(0),
  };
};
