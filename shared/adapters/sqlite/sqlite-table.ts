import type { DatabaseSync } from 'node:sqlite';
import type { Due, Item, Key, Table, Write, WriteOutcome } from '../../ports/table.ts';
import { changed, holds, itemText, requireKey } from './item-changes.ts';
import { inTransaction } from './open-database.ts';

/** The item is JSON; what is searched by is computed from it. Text compares by UTF-8 bytes, as DynamoDB's keys do. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    item TEXT NOT NULL,
    dueShard TEXT AS (item ->> '$.dueShard'),
    dueAt REAL AS (item ->> '$.dueAt'),
    expiresAt REAL AS (item ->> '$.expiresAt'),
    PRIMARY KEY (pk, sk)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS items_due ON items (dueShard, dueAt) WHERE dueShard IS NOT NULL AND dueAt IS NOT NULL;
  CREATE INDEX IF NOT EXISTS items_expiring ON items (expiresAt) WHERE expiresAt IS NOT NULL;
`;

/** DynamoDB's and the port's limits. */
const MOST_KEYS = 100;
const MOST_WRITES = 25;

/** No byte of UTF-8 is 0xFF, so that this ends every range of a prefix. */
const AFTER_ALL_TEXT = Buffer.from([0xff]);

/** The table on one machine, and, in memory, of every unit test. Several processes may share the file. */
export const sqliteTable = (database: DatabaseSync): Table => {
  database.exec(SCHEMA);
  const selectOne = database.prepare('SELECT item FROM items WHERE pk = ? AND sk = ?');
  const upsert = database.prepare(
    'INSERT INTO items (pk, sk, item) VALUES (?, ?, ?) ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item',
  );
  const deleteOne = database.prepare('DELETE FROM items WHERE pk = ? AND sk = ?');
  const selectDue = database.prepare(
    'SELECT pk, sk, dueAt FROM items WHERE dueShard = ? AND dueAt <= ? ORDER BY dueAt, pk, sk LIMIT ?',
  );
  const range = 'SELECT item FROM items WHERE pk = ? AND sk >= ? AND sk < CAST(? AS TEXT)';
  const selectAscending = database.prepare(`${range} AND sk > ? ORDER BY sk LIMIT ?`);
  const selectDescending = database.prepare(`${range} AND sk < CAST(? AS TEXT) ORDER BY sk DESC LIMIT ?`);

  const read = ({ pk, sk }: Key): Item | undefined => {
    requireKey({ pk, sk });
    const row = selectOne.get(pk, sk);
    return row && toItem(row.item);
  };

  const write = (one: Write): WriteOutcome => {
    const key = keyOf(one);
    const stored = read(key);
    if (!holds(one.when, stored)) return 'refused';
    if ('put' in one) upsert.run(key.pk, key.sk, itemText(one.put));
    if ('update' in one) upsert.run(key.pk, key.sk, itemText(changed(key, stored, one.changes)));
    if ('delete' in one) deleteOne.run(key.pk, key.sk);
    return 'written';
  };

  return {
    get: async (key) => read(key),

    async getMany(keys) {
      if (keys.length > MOST_KEYS) throw new RangeError(`at most ${MOST_KEYS} keys at once`);
      requireDifferent(keys);
      return keys.map(read);
    },

    write: async (one) => inTransaction(database, () => write(one)),

    async writeAll(writes) {
      if (writes.length > MOST_WRITES) throw new RangeError(`at most ${MOST_WRITES} writes at once`);
      requireDifferent(writes.map(keyOf));
      return inTransaction(database, () => {
        // each on its own key, so that none changes what another's condition sees
        if (!writes.every((one) => holds(one.when, read(keyOf(one))))) return 'refused';
        for (const one of writes) write(one);
        return 'written';
      });
    },

    async query(pk, { prefix = '', after = '', limit = Number.MAX_SAFE_INTEGER - 1, descending = false } = {}) {
      const bounds = [pk, prefix, Buffer.concat([Buffer.from(prefix), AFTER_ALL_TEXT])] as const;
      const rows = descending
        ? selectDescending.all(...bounds, after === '' ? AFTER_ALL_TEXT : Buffer.from(after), limit + 1)
        : selectAscending.all(...bounds, after, limit + 1);
      const items = rows.slice(0, limit).map((row) => toItem(row.item));
      const last = items.at(-1);
      return last !== undefined && rows.length > limit ? { items, next: last.sk } : { items };
    },

    due: async (shard, until, limit) => selectDue.all(shard, until, limit).map(toDue),
  };
};

/** Drops what expired before now, as DynamoDB's time-to-live does at its leisure. Gives how many. */
export const purgeExpired = (database: DatabaseSync, nowSeconds: number): number =>
  Number(database.prepare('DELETE FROM items WHERE expiresAt < ?').run(nowSeconds).changes);

const keyOf = (write: Write): Key => {
  if ('put' in write) return write.put;
  if ('update' in write) return write.update;
  return 'delete' in write ? write.delete : write.check;
};

const requireDifferent = (keys: readonly Key[]): void => {
  const names = new Set(keys.map(({ pk, sk }) => JSON.stringify([pk, sk])));
  if (names.size < keys.length) throw new TypeError('a key is named twice');
};

/** What stands in the column was written by `itemText`. */
const toItem = (text: unknown): Item => JSON.parse(String(text)) as Item;

const toDue = ({ pk, sk, dueAt }: Record<string, unknown>): Due => ({
  pk: String(pk),
  sk: String(sk),
  dueAt: Number(dueAt),
});
