import { randomBytes } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** So much is read at a time. */
const BLOCK_BYTES = 64 * 1024;

/** A file without a name: nobody else can open it, and nothing is left of it, however this process ends. */
export interface AnonymousFile {
  append(bytes: Uint8Array): Promise<void>;
  /** From `start` up to, not including, `end`. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export const openAnonymousFile = async (): Promise<AnonymousFile> => {
  const path = join(tmpdir(), `token-broker-${randomBytes(12).toString('hex')}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  let length = 0;
  return {
    async append(bytes) {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await file.write(bytes, written, bytes.length - written, length);
        written += bytesWritten;
        length += bytesWritten;
      }
    },
    read: (start, end) => blocksOf(file, start, end),
    close: () => file.close(),
  };
};

const blocksOf = async function* (file: FileHandle, start: number, end: number) {
  for (let at = start; at < end; ) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(BLOCK_BYTES, end - at)), 0, null, at);
    if (bytesRead === 0) throw new Error('a temporary file is shorter than it was written');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
};
