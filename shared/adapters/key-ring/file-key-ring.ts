import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type KeyRing, KeyRingError } from '../../ports/key-ring.ts';
import { isErrorCode, isOpenToOthers, makeFolder, syncFolder, writeNewFile } from '../filesystem/durable-file.ts';
import { keyRingOf } from './key-ring-of.ts';
import { type KeySet, newKeySetText, parseKeySet } from './key-set.ts';

/**
 * Keys in a file that only its owner may read; made with one random key at first use. To rotate, add a key and make it
 * `current`; it is taken up when the process starts again.
 */
export const fileKeyRing = (path: string): KeyRing => {
  let keys: Promise<KeySet> | undefined;

  const reload = (): Promise<KeySet> => {
    const reading = readKeys(path);
    keys = reading;
    reading.catch(() => {
      if (keys === reading) keys = undefined;
    });
    return reading;
  };

  return keyRingOf({ load: () => keys ?? reload(), reload });
};

const readKeys = async (path: string): Promise<KeySet> => {
  try {
    return await readExisting(path);
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error;
  }
  await makeKeyFile(path);
  return readExisting(path);
};

const readExisting = async (path: string): Promise<KeySet> => {
  const handle = await open(path, 'r');
  try {
    const { mode } = await handle.stat();
    if (isOpenToOthers(mode)) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw new KeyRingError(`the key file ${path} is open to others (mode ${shown}); hint: chmod 600 ${path}`);
    }
    return parseKeySet(await handle.readFile('utf8'), path);
  } finally {
    await handle.close();
  }
};

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
