import type { ManualClock } from './manual-clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export interface StepClock extends ManualClock {
  /** Jumps from one sleeper to the next until the work is over, however it ends. */
  drive<Value>(work: Promise<Value>): Promise<Value>;
}

/** A simulation that runs longer than this has gone astray. */
const MOST_TURNS = 200_000;

const turnOfEventLoop = (): Promise<void> => new Promise(setImmediate);

/**
 * A clock whose sleepers wake one by one, each with a turn of its own: so the order of events is the order of times. `turn`: in
 * which everybody who is awake does what they can.
 */
export const stepClock = (startMs = Date.UTC(2026, 11, 1), turn = turnOfEventLoop): StepClock => {
  let now = startMs;
  let sleepers: Sleeper[] = [];

  /** The one who wakes first, and of those at one time, who lay down first. */
  const wakeNext = (until: number): boolean => {
    const next = sleepers.reduce<Sleeper | undefined>(
      (first, one) => (one.until <= until && (first === undefined || one.until < first.until) ? one : first),
      undefined,
    );
    if (next === undefined) return false;
    sleepers = sleepers.filter((one) => one !== next);
    now = Math.max(now, next.until);
    next.wake();
    return true;
  };

  return {
    now: () => now,
    sleep: (milliseconds) =>
      milliseconds <= 0
        ? Promise.resolve()
        : new Promise((wake) => {
            // Whole milliseconds, as the system's clock.
            sleepers.push({ until: now + Math.ceil(milliseconds), wake });
          }),
    async advance(milliseconds) {
      const end = now + milliseconds;
      await turn();
      while (wakeNext(end)) await turn();
      now = end;
    },
    async drive(work) {
      let over = false;
      const watched = work.finally(() => {
        over = true;
      });
      watched.catch(() => undefined); // told to whoever awaits it below
      for (let turns = 0; ; turns++) {
        await turn();
        if (over) return watched;
        const someone = wakeNext(Number.POSITIVE_INFINITY);
        if (turns > MOST_TURNS || (!someone && turns > 1000)) throw new Error('the work does not come to its end');
      }
    },
  };
};
