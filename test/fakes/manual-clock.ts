import type { Clock } from '../../shared/ports/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on; whoever sleeps until then wakes up. Resolves after they had their turn. */
  advance(milliseconds: number): Promise<void>;
}

/** A clock that stands still until it is moved. */
export const manualClock = (startMs = Date.UTC(2026, 11, 1)): ManualClock => {
  let now = startMs;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (milliseconds) =>
      milliseconds <= 0
        ? Promise.resolve()
        : new Promise((wake) => {
            sleepers.push({ until: now + milliseconds, wake });
          }),
    async advance(milliseconds) {
      now += milliseconds;
      const due = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
      await new Promise(setImmediate);
    },
  };
};
