import { randomFillSync, randomInt } from 'node:crypto';
import type { Random } from '../../ports/random.ts';

/** The widest range `randomInt` takes (Node.js documentation, crypto.randomInt). */
const STEPS = 2 ** 48 - 1;

/** Asking for a few bytes takes nearly as long as for many, and every request needs a few: drawn ahead, and each given once. */
const AHEAD_BYTES = 4096;
const ahead = new Uint8Array(AHEAD_BYTES);
let given = AHEAD_BYTES;

const bytes = (count: number): Uint8Array => {
  if (count > AHEAD_BYTES) return randomFillSync(new Uint8Array(count));
  if (given + count > AHEAD_BYTES) {
    randomFillSync(ahead);
    given = 0;
  }
  const drawn = ahead.slice(given, given + count);
  ahead.fill(0, given, given + count);
  given += count;
  return drawn;
};

export const systemRandom: Random = {
  bytes,
  fraction: () => randomInt(STEPS) / STEPS,
};
