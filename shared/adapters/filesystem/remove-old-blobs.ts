import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isErrorCode } from './durable-file.ts';

/**
 * Removes the contents right below `prefix` that were last stored before `beforeMs`, as a lifecycle rule of a bucket does: of
 * what nobody wants any more, or of a process that died. Milliseconds since the epoch, by the clock of the file system.
 */
export const removeOldBlobs = async (folder: string, prefix: string, beforeMs: number): Promise<void> => {
  const below = join(resolve(folder), prefix);
  for (const path of (await namesIn(below)).map((name) => join(below, name))) {
    const found = await statOf(path);
    if (found?.isFile() && found.mtimeMs < beforeMs) await rm(path, { force: true });
  }
};

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
};

/** Undefined: somebody else was faster. */
const statOf = async (path: string) => {
  try {
    return await stat(path);
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
};
