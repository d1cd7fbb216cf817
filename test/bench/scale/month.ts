import type { SimulatedRun } from './simulate.ts';
import { type Day, MINUTES_OF_DAY } from './tally.ts';

export const DAYS_OF_MONTH = 30;

const FIELDS = ['microsoft', 'google', 'stored', 'postponed', 'fetched', 'waited', 'used', 'messages'] as const;

/** What happens in all of these days. */
export const sumOf = (days: readonly Day[]): Day => {
  const sum: Day = { microsoft: 0, google: 0, stored: 0, postponed: 0, fetched: 0, waited: 0, used: 0, messages: 0 };
  for (const day of days) for (const field of FIELDS) sum[field] += day[field];
  return sum;
};

/** What happens in thirty days. */
export const monthOf = ({ byDay }: SimulatedRun): Day => {
  if (byDay.length !== DAYS_OF_MONTH) throw new RangeError(`${byDay.length} days are no month`);
  return sumOf(byDay);
};

export interface Rate {
  readonly mean: number;
  /** Of the busiest window. */
  readonly peak: number;
}

/** Events in a second: on average and in the busiest `windowMinutes`, of the minutes from `from` on. */
export const rateOf = (byMinute: Uint32Array, windowMinutes: number, from = MINUTES_OF_DAY): Rate => {
  let [sum, window, most] = [0, 0, 0];
  for (let minute = from; minute < byMinute.length; minute++) {
    const count = byMinute[minute] ?? 0;
    sum += count;
    window += count - (minute - windowMinutes >= from ? (byMinute[minute - windowMinutes] ?? 0) : 0);
    most = Math.max(most, window);
  }
  return { mean: sum / (byMinute.length - from) / 60, peak: most / windowMinutes / 60 };
};

/**
 * The busiest of so many minutes if each mailbox were refreshed at a moment of its own, whatever the others do: with few
 * calls in a minute, chance alone heaps them.
 */
export const peakByChance = (mean: number, minutes: number): number => {
  const perMinute = mean * 60;
  // Poisson: the count that is exceeded once in so many minutes.
  let [count, probability, beyond] = [0, Math.exp(-Math.min(perMinute, 700)), 1];
  if (perMinute > 700) return (perMinute + Math.sqrt(2 * Math.log(minutes) * perMinute)) / 60;
  while (beyond > 1 / minutes) {
    beyond -= probability;
    count++;
    probability *= perMinute / count;
  }
  return count / 60;
};
