import { Readable } from 'node:stream';

/**
 * The same octets; fails with a `TimeoutError` when the source gives none for so long although it is asked. How slowly they
 * are taken does not count. Who drops it, read or not, drops the source.
 */
export const withStallLimit = (source: Readable, limitMs: number): Readable => {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  return new Readable({
    async read() {
      const stalled = setTimeout(() => source.destroy(stalledFor(limitMs)), limitMs);
      try {
        const { done, value } = await chunks.next();
        this.push(done ? null : value);
      } catch (error) {
        this.destroy(error as Error);
      } finally {
        clearTimeout(stalled);
      }
    },
    destroy(error, callback) {
      source.destroy();
      callback(error);
    },
  });
};

const stalledFor = (limitMs: number): Error =>
  Object.assign(new Error(`nothing more came for ${limitMs / 1000} s`), { name: 'TimeoutError' });
