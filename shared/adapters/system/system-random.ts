import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../../ports/random.ts';

/** The widest range `randomInt` takes (Node.js documentation, crypto.randomInt). */
const STEPS = 2 ** 48 - 1;

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => randomInt(STEPS) / STEPS,
};
