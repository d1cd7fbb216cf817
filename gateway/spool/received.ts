import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { MESSAGE_LIMIT_BYTES } from '../../shared/domain/upload.ts';

/** A page or two; what is larger is written down as it comes. */
const IN_MEMORY_BYTES = 2 * 1024 * 1024;

/** Of all that come in at the same time: beyond it, small ones are written down as well. */
const ALL_IN_MEMORY_BYTES = 32 * 1024 * 1024;

/** By all listeners of this process. */
let heldBytes = 0;

/** A message as it came in, before anything is promised of it. */
export interface Received {
  readonly sizeBytes: number;
  /** It is read without a disk. */
  readonly isInMemory: boolean;
  /** A fresh stream for each call. */
  open(): Readable;
  drop(): Promise<void>;
}

const inMemory = (chunks: readonly Buffer[], sizeBytes: number): Received => ({
  sizeBytes,
  isInMemory: true,
  open: () => Readable.from(chunks, { objectMode: false }),
  async drop() {
    heldBytes -= sizeBytes;
  },
});

/** Reads on to the end, so that who sends it hears the answer. */
const drain = async (source: AsyncIterator<Buffer>): Promise<void> => {
  while (!(await source.next()).done);
};

const toFile = async (path: string, chunks: readonly Buffer[], source: AsyncIterator<Buffer>): Promise<Received> => {
  const file = createWriteStream(path, { mode: 0o600 });
  const done = finished(file);
  // Told to who awaits it; until then nobody does.
  done.catch(() => undefined);
  let sizeBytes = 0;
  const write = async (chunk: Buffer): Promise<void> => {
    sizeBytes += chunk.length;
    // Of what is too large only the size is told: nobody fills the disk with it.
    if (sizeBytes > MESSAGE_LIMIT_BYTES) return;
    if (!file.write(chunk))
      await Promise.race([new Promise<void>((resolve) => file.once('drain', () => resolve())), done]);
  };
  const drop = (): Promise<void> => rm(path, { force: true });
  try {
    for (const chunk of chunks) await write(chunk);
    for (let next = await source.next(); !next.done; next = await source.next()) await write(next.value);
    file.end();
    await done;
  } catch (error) {
    file.destroy();
    // Only then it is sure that there is, or will be, no file.
    await done.catch(() => undefined);
    await drop();
    await drain(source).catch(() => undefined);
    throw error;
  }
  return { sizeBytes, isInMemory: false, open: () => createReadStream(path), drop };
};

/** Takes a message in: in memory while it is small, else in a file at `path`. Fails as the stream fails, or the disk. */
export const receive = async (content: Readable, path: string): Promise<Received> => {
  const source = (content as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const hold = (bytes: number): void => {
    sizeBytes += bytes;
    heldBytes += bytes;
  };
  try {
    for (let next = await source.next(); !next.done; next = await source.next()) {
      chunks.push(next.value);
      hold(next.value.length);
      if (sizeBytes > IN_MEMORY_BYTES || heldBytes > ALL_IN_MEMORY_BYTES) {
        hold(-sizeBytes);
        return await toFile(path, chunks, source);
      }
    }
  } catch (error) {
    hold(-sizeBytes);
    throw error;
  }
  return inMemory(chunks, sizeBytes);
};
