import { randomUUID } from 'node:crypto';
import { link, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { type KeyRing, KeyRingError } from '../../ports/key-ring.ts';
import { isErrorCode, isOpenToOthers, makeFolder, syncFolder, writeNewFile } from '../filesystem/durable-file.ts';
import { systemClock } from '../system/system-clock.ts';
import { keyRingOf, sharedReading } from './key-ring-of.ts';
import { type KeySet, newKeySetText, parseKeySet } from './key-set.ts';

/** How long a changed file may go unnoticed. Looking at its times costs some microseconds. */
export const FILE_LOOKED_AT_EVERY_MS = 1_000;

interface Known {
  readonly keys: KeySet;
  /** Tells one state of the file from another: a replacement is another file. */
  readonly stamp: string;
}

/**
 * Keys in a file that only its owner may read; made with one random key at first use. A key that is added to it is taken
 * up within a second. Once read, keys are kept while the file is missing or makes no sense: somebody may be restoring it.
 */
export const fileKeyRing = (path: string, clock: Pick<Clock, 'now'> = systemClock): KeyRing => {
  let known: Known | undefined;
  let lookAgainAt = 0;

  const reading = sharedReading(async () => {
    known = known === undefined ? await readOrMake(path) : await readAgain(path);
    lookAgainAt = clock.now() + FILE_LOOKED_AT_EVERY_MS;
    return known.keys;
  });

  const load = async (): Promise<KeySet> => {
    if (known === undefined) return reading.joined();
    if (clock.now() < lookAgainAt) return known.keys;
    lookAgainAt = clock.now() + FILE_LOOKED_AT_EVERY_MS;
    try {
      return stampOf(await stat(path)) === known.stamp ? known.keys : await reading.joined();
    } catch {
      return known.keys; // looked at again in a moment
    }
  };

  return keyRingOf({ load, reload: reading.fresh });
};

const readOrMake = async (path: string): Promise<Known> => {
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error;
  }
  await makeKeyFile(path);
  return readKeyFile(path);
};

/** A file that was there once is not made anew: what it held is still needed. */
const readAgain = async (path: string): Promise<Known> => {
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error;
    throw new KeyRingError('unavailable', `the key file ${path} is gone; restore it from a backup`, { cause: error });
  }
};

/** Throws `KeyRingError` where the file is open to others or malformed, and ENOENT where there is none. */
export const readKeyFile = async (path: string): Promise<Known> => {
  const handle = await open(path, 'r');
  try {
    const stats = await handle.stat();
    if (isOpenToOthers(stats.mode)) {
      const shown = (stats.mode & 0o777).toString(8).padStart(4, '0');
      const message = `the key file ${path} is open to others (mode ${shown}); hint: chmod 600 ${path}`;
      throw new KeyRingError('unavailable', message);
    }
    return { keys: parseKeySet(await handle.readFile('utf8'), path), stamp: stampOf(stats) };
  } finally {
    await handle.close();
  }
};

const stampOf = ({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string =>
  `${ino}.${size}.${mtimeMs}`;

/** A link, unlike a rename, never replaces: when two processes make the file at once, both use the first one's key. */
const makeKeyFile = async (path: string): Promise<void> => {
  const temporary = `${path}.${randomUUID()}`;
  await makeFolder(dirname(path));
  await writeNewFile(temporary, newKeySetText());
  try {
    await link(temporary, path);
  } catch (error) {
    if (!isErrorCode(error, 'EEXIST')) throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(path));
};
