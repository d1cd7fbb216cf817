import type { Clock } from '../shared/ports/clock.ts';

/** A sweep that is in no hurry, but looks at much: at the first occasion, and then once in so many seconds. */
export const nowAndThen = (seconds: number, clock: Clock, sweep: () => Promise<unknown>): (() => Promise<void>) => {
  let nextAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.now();
    if (now < nextAt) return;
    nextAt = now + seconds * 1000;
    await sweep();
  };
};
