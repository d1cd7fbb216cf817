import { createHash } from 'node:crypto';
import type { Random } from '../../shared/ports/random.ts';

/** The same bytes in every run; another seed gives others. */
export const seededRandom = (seed: string): Random => {
  let drawn = 0;
  const block = (): Buffer => createHash('sha256').update(`${seed}|${drawn++}`).digest();
  return {
    bytes: (count) =>
      Buffer.concat(Array.from({ length: Math.max(1, Math.ceil(count / 32)) }, block)).subarray(0, count),
    fraction: () => block().readUInt32BE(0) / 2 ** 32,
  };
};
