import { Readable } from 'node:stream';

/**
 * The same octets; fails with a `TimeoutError` when the source gives none for so long although it is asked. How slowly they
 * are taken does not count.
 */
export const withStallLimit = (source: Readable, limitMs: number): Readable =>
  Readable.from(chunksInTime(source, limitMs), { objectMode: false });

const chunksInTime = async function* (source: Readable, limitMs: number): AsyncGenerator<Buffer> {
  const chunks = source.iterator();
  try {
    for (;;) {
      const stalled = setTimeout(() => source.destroy(stalledFor(limitMs)), limitMs);
      const { done, value } = await chunks.next().finally(() => clearTimeout(stalled));
      if (done) return;
      yield value;
    }
  } finally {
    source.destroy();
  }
};

const stalledFor = (limitMs: number): Error =>
  Object.assign(new Error(`nothing more came for ${limitMs / 1000} s`), { name: 'TimeoutError' });
