import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Most mail without a scan fits; forty devices at once hold ten megabytes. */
const IN_MEMORY_BYTES = 256 * 1024;

/** A message as it came in, before anything is promised of it. */
export interface Received {
  readonly sizeBytes: number;
  /** A fresh stream for each call. */
  open(): Readable;
  drop(): Promise<void>;
}

const inMemory = (chunks: readonly Buffer[], sizeBytes: number): Received => ({
  sizeBytes,
  open: () => Readable.from(chunks, { objectMode: false }),
  drop: async () => undefined,
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
    await drop();
    await drain(source).catch(() => undefined);
    throw error;
  }
  return { sizeBytes, open: () => createReadStream(path), drop };
};

/** Takes a message in: in memory while it is small, else in a file at `path`. Fails as the stream fails, or the disk. */
export const receive = async (content: Readable, path: string): Promise<Received> => {
  const source = (content as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for (let next = await source.next(); !next.done; next = await source.next()) {
    chunks.push(next.value);
    sizeBytes += next.value.length;
    if (sizeBytes > IN_MEMORY_BYTES) return toFile(path, chunks, source);
  }
  return inMemory(chunks, sizeBytes);
};
