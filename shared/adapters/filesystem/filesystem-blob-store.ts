import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BlobStore } from '../../ports/blob-store.ts';
import { isErrorCode, makeFolder, syncFolder, writeNewFile } from './durable-file.ts';

/** No empty part, none that begins with a dot, no separator of any system: nothing can leave the folder. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** Where contents are written before they get their name. No key reaches it: it begins with a dot. */
const INCOMING = '.incoming';

/** Contents as files below `folder`, which belongs to one process. What a crash left half-written goes at first use. */
export const filesystemBlobStore = (folder: string): BlobStore => {
  const root = resolve(folder);
  const incoming = join(root, INCOMING);

  const pathOf = (key: string): string => {
    if (!KEY.test(key)) throw new RangeError(`not a blob key: ${JSON.stringify(key)}`);
    return join(root, ...key.split('/'));
  };

  let prepared: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    await rm(incoming, { recursive: true, force: true });
    await makeFolder(incoming);
  };

  return {
    async put(key, content) {
      const path = pathOf(key);
      prepared ??= prepare();
      await prepared;
      const temporary = join(incoming, randomUUID());
      try {
        await writeNewFile(temporary, content);
        await makeFolder(dirname(path));
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    },

    async open(key) {
      try {
        const handle = await open(pathOf(key), 'r');
        const { size } = await handle.stat();
        return { stream: handle.createReadStream(), sizeBytes: size };
      } catch (error) {
        if (isErrorCode(error, 'ENOENT')) return undefined;
        throw error;
      }
    },

    async delete(key) {
      await rm(pathOf(key), { force: true });
    },
  };
};
