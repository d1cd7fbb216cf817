import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';

/** Windows has no file modes of this kind and cannot open a folder to sync it. */
const POSIX = process.platform !== 'win32';

/** Renames, links and new names within a folder survive a power cut only once the folder is synced (fsync(2), NOTES). */
export const syncFolder = async (folder: string): Promise<void> => {
  if (!POSIX) return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Makes a folder and its parents, for the owner alone, durably. */
export const makeFolder = async (folder: string): Promise<void> => {
  const firstMade = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (firstMade === undefined) return;
  for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made));
};

/** Pieces are written one after the other, without being put together first. */
type Content = Uint8Array | readonly Uint8Array[] | Readable | string;

const writeAll = async (handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> => {
  let left = pieces.filter(({ length }) => length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left);
    // A disk that is nearly full takes a part.
    const at = left.findIndex(({ length }) => {
      if (bytesWritten < length) return true;
      bytesWritten -= length;
      return false;
    });
    left = at === -1 ? [] : [left[at]?.subarray(bytesWritten) ?? new Uint8Array(), ...left.slice(at + 1)];
  }
};

const writeSynced = async (path: string, flags: 'wx' | 'w', content: Content): Promise<void> => {
  const handle = await open(path, flags, 0o600);
  try {
    if (Array.isArray(content)) await writeAll(handle, content);
    else await handle.writeFile(content as Exclude<Content, readonly Uint8Array[]>);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** A new file, for the owner alone, whose content is on disk when this resolves; its name is not, until `syncFolder`. */
export const writeNewFile = (path: string, content: Content): Promise<void> => writeSynced(path, 'wx', content);

/** The same in the place of what a crash may have left there. */
export const writeFileAnew = (path: string, content: Content): Promise<void> => writeSynced(path, 'w', content);

/** Whether anybody but the owner may read or write the file, by its mode. */
export const isOpenToOthers = (mode: number): boolean => POSIX && (mode & 0o077) !== 0;

export const isErrorCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
