import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import type { KeyCustody } from '../../ports/key-custody.ts';
import { KeyRingError } from '../../ports/key-ring.ts';
import { syncFolder, writeNewFile } from '../filesystem/durable-file.ts';
import { FILE_LOOKED_AT_EVERY_MS, readKeyFile } from './file-key-ring.ts';
import { keyCustodyOf } from './key-custody-of.ts';
import { keySetText } from './key-set.ts';

/** Three looks at the file, so that a machine that is out of breath has had one. */
const UPTAKE_SECONDS = (3 * FILE_LOOKED_AT_EVERY_MS) / 1000;

/** A change takes milliseconds. */
const LOCK_ATTEMPTS = 100;
const LOCK_PAUSE_MS = 50;
const SQLITE_BUSY = 5;

/** The keys of `fileKeyRing`. The file is replaced as a whole, so that a reader finds the old or the new one. */
export const fileKeyCustody = (path: string): KeyCustody => {
  const read = async () => (await readKeyFile(path)).keys;
  return keyCustodyOf(
    {
      read,
      change: (to) =>
        alone(`${path}.lock`, async () => {
          const before = await read();
          const after = to(before);
          if (after !== before) await replaceFile(path, keySetText(after));
          return after;
        }),
    },
    UPTAKE_SECONDS,
  );
};

const replaceFile = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeNewFile(temporary, text);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
};

/** One process at a time. SQLite's lock, because the system lets go of it when a process is killed. */
const alone = async <Value>(lock: string, work: () => Promise<Value>): Promise<Value> => {
  const database = new DatabaseSync(lock, { timeout: 0 });
  try {
    for (let attempt = 1; !locked(database); attempt++) {
      if (attempt === LOCK_ATTEMPTS) throw new KeyRingError('unavailable', `${lock} is held by another process`);
      await setTimeout(LOCK_PAUSE_MS);
    }
    return await work();
  } finally {
    database.close();
  }
};

const locked = (database: DatabaseSync): boolean => {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return false;
    throw error;
  }
};
