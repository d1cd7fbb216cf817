import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from './open-database.ts';

/** Times are milliseconds since the epoch. `AUTOINCREMENT` keeps ids rising for good, which is the queue's order. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    groupName TEXT,
    visibleAt INTEGER NOT NULL,
    receiveCount INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    correlationId TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_group ON messages (queue, groupName, id);
  CREATE INDEX IF NOT EXISTS messages_exhausted ON messages (queue, receiveCount, visibleAt);
  CREATE TABLE IF NOT EXISTS deduplications (
    queue TEXT NOT NULL,
    deduplicationId TEXT NOT NULL,
    seenAt INTEGER NOT NULL,
    PRIMARY KEY (queue, deduplicationId)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deduplications_seen ON deduplications (queue, seenAt);
  CREATE TABLE IF NOT EXISTS deadLetters (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    groupName TEXT,
    receiveCount INTEGER NOT NULL,
    diedAt INTEGER NOT NULL
  ) STRICT;
`;

const hasCorrelationId = (database: DatabaseSync): boolean =>
  database.prepare(`SELECT 1 FROM pragma_table_info('messages') WHERE name = 'correlationId'`).get() !== undefined;

const prepareSchema = (database: DatabaseSync): void => {
  database.exec(SCHEMA);
  if (hasCorrelationId(database)) return;
  // Made by an earlier version. Another process may be about the same, so it is looked at again under the lock.
  inTransaction(database, () => {
    if (!hasCorrelationId(database)) database.exec('ALTER TABLE messages ADD COLUMN correlationId TEXT');
  });
};

/** The first message of each group stands for the whole group: while it is hidden, the others wait. */
const FIRST_OF_ITS_GROUP = `id IN (SELECT min(id) FROM messages WHERE queue = ?1 GROUP BY groupName)`;

const EXHAUSTED = 'queue = ? AND visibleAt <= ? AND receiveCount >= ?';

export interface StoredMessage {
  readonly id: number;
  readonly body: string;
  readonly group: string | null;
  readonly receiveCount: number;
  readonly correlationId: string | null;
}

/** The SQL of one queue. A receipt is the latest delivery's; an older one changes nothing. */
export const queueStatements = (database: DatabaseSync, queue: string, fifo: boolean) => {
  prepareSchema(database);
  const insert = database.prepare(
    'INSERT INTO messages (queue, body, groupName, visibleAt, correlationId) VALUES (?, ?, ?, ?, ?)',
  );
  const forget = database.prepare('DELETE FROM deduplications WHERE queue = ? AND seenAt <= ?');
  const remember = database.prepare('INSERT OR IGNORE INTO deduplications VALUES (?, ?, ?)');
  const copyExhausted = database.prepare(
    `INSERT INTO deadLetters SELECT id, queue, body, groupName, receiveCount, ? FROM messages WHERE ${EXHAUSTED}`,
  );
  const deleteExhausted = database.prepare(`DELETE FROM messages WHERE ${EXHAUSTED}`);
  const select = database.prepare(
    `SELECT id, body, groupName, receiveCount, correlationId FROM messages
     WHERE queue = ?1 AND visibleAt <= ?2 ${fifo ? `AND ${FIRST_OF_ITS_GROUP}` : ''} ORDER BY id LIMIT ?3`,
  );
  const hide = database.prepare(
    'UPDATE messages SET receiveCount = receiveCount + 1, receipt = ?, visibleAt = ? WHERE id = ?',
  );
  const remove = database.prepare('DELETE FROM messages WHERE queue = ? AND id = ? AND receipt = ?');
  const postpone = database.prepare('UPDATE messages SET visibleAt = ? WHERE queue = ? AND id = ? AND receipt = ?');

  const count = (from: string) => database.prepare(`SELECT count(*) AS count FROM ${from} WHERE queue = ?`);
  const countWaiting = count('messages');
  const countDead = count('deadLetters');

  return {
    depth: () => ({ waiting: Number(countWaiting.get(queue)?.count), dead: Number(countDead.get(queue)?.count) }),
    add: (body: string, group: string | undefined, visibleAt: number, correlationId: string | undefined) =>
      insert.run(queue, body, group ?? null, visibleAt, correlationId ?? null),
    /** False for an id that was seen since `forgetUntil`. */
    firstSeen: (deduplicationId: string, now: number, forgetUntil: number): boolean => {
      forget.run(queue, forgetUntil);
      return remember.run(queue, deduplicationId, now).changes === 1;
    },
    /** What was received too often, and is not in anybody's hands now, goes to the dead letters. */
    bury: (now: number, maxReceives: number): void => {
      if (copyExhausted.run(now, queue, now, maxReceives).changes === 0) return;
      deleteExhausted.run(queue, now, maxReceives);
    },
    deliverable: (now: number, limit: number): StoredMessage[] =>
      select.all(queue, now, limit).map((row) => ({
        id: Number(row.id),
        body: String(row.body),
        group: row.groupName === null ? null : String(row.groupName),
        receiveCount: Number(row.receiveCount),
        correlationId: row.correlationId === null ? null : String(row.correlationId),
      })),
    hide: (id: number, receipt: string, until: number) => hide.run(receipt, until, id),
    remove: (id: number, receipt: string) => remove.run(queue, id, receipt),
    postpone: (id: number, receipt: string, until: number) => postpone.run(until, queue, id, receipt),
  };
};

export interface DeadLetter extends Omit<StoredMessage, 'correlationId'> {
  /** Milliseconds since the epoch. */
  readonly diedAt: number;
}

/** The dead letters of a queue, oldest first. */
export const deadLetters = (database: DatabaseSync, queue: string): readonly DeadLetter[] => {
  prepareSchema(database);
  return database
    .prepare('SELECT id, body, groupName, receiveCount, diedAt FROM deadLetters WHERE queue = ? ORDER BY id')
    .all(queue)
    .map((row) => ({
      id: Number(row.id),
      body: String(row.body),
      group: row.groupName === null ? null : String(row.groupName),
      receiveCount: Number(row.receiveCount),
      diedAt: Number(row.diedAt),
    }));
};

/**
 * Shows again what was in somebody's hands, in every queue of the database. For the start of a program that is alone with
 * it: whoever held those messages is dead.
 */
export const releaseReceived = (database: DatabaseSync): void => {
  prepareSchema(database);
  database.exec('UPDATE messages SET visibleAt = 0 WHERE receipt IS NOT NULL');
};
