import { Readable } from 'node:stream';

/** Octets made of those of `source`, which ends with it, also where nobody reads any of it. */
export const madeOf = (source: Readable, chunks: AsyncIterable<Buffer>): Readable => {
  const made = Readable.from(chunks, { objectMode: false });
  made.once('close', () => source.destroy());
  return made;
};
