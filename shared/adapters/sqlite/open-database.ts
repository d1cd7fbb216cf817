import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process, such as a backup, may hold the write lock for a moment. */
const BUSY_TIMEOUT_MS = 5_000;

/** Opens or makes a database that only its owner may read. `:memory:` is one of its own, gone when closed. */
export const openDatabase = (path: string): DatabaseSync => {
  if (path !== ':memory:') makePrivateFile(path);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  // WAL with FULL syncs at every commit; NORMAL would lose the last ones at a power cut (sqlite.org, PRAGMA synchronous).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  return database;
};

/** SQLite gives its own files the mode of the database (sqlite.org, WAL), so the database is made first. */
const makePrivateFile = (path: string): void => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  if (process.platform === 'win32') return; // cannot open a folder
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
};

/** All or nothing, with the write lock from the beginning, so that what is read stays true until the end. */
export const inTransaction = <Value>(database: DatabaseSync, work: () => Value): Value => {
  database.exec('BEGIN IMMEDIATE');
  try {
    const value = work();
    database.exec('COMMIT');
    return value;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};
