/** A piece of an upload. Its octets are good until the next one is asked for. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly isLast: boolean;
}

/**
 * Pieces of exactly that size, but for the last, which is known as such; an empty content is one empty piece. One buffer holds
 * one piece after the other, so that memory stays flat.
 */
export const inChunks = async function* (content: AsyncIterable<Buffer>, sizeBytes: number): AsyncGenerator<Chunk> {
  const held = Buffer.alloc(sizeBytes);
  let used = 0;
  let offset = 0;
  for await (const bytes of content) {
    let at = 0;
    while (at < bytes.length) {
      // Only where there is more, a full piece is known not to be the last.
      if (used === sizeBytes) {
        yield { bytes: held, offset, isLast: false };
        offset += used;
        used = 0;
      }
      const copied = bytes.copy(held, used, at);
      used += copied;
      at += copied;
    }
  }
  yield { bytes: held.subarray(0, used), offset, isLast: true };
};

export const chained = async function* (first: Buffer, others: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* others;
};
