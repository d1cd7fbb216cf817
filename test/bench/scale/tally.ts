import type { ProviderName } from '../../../shared/domain/provider.ts';
import { DAY_SECONDS } from './usage.ts';

/** What happened on one day, counted from the start. */
export interface Day {
  /** Refreshes, by provider; of those, that wrote the vault. */
  microsoft: number;
  google: number;
  stored: number;
  /** A grant was looked at, and there was nothing to do but to set its due time. */
  postponed: number;
  fetched: number;
  /** Fetches that found no token alive, and waited for a refresh. */
  waited: number;
  /** Fetches that noted the use. */
  used: number;
  /** To the workers. */
  messages: number;
}

const NOTHING: Day = {
  microsoft: 0,
  google: 0,
  stored: 0,
  postponed: 0,
  fetched: 0,
  waited: 0,
  used: 0,
  messages: 0,
};

export const MINUTES_OF_DAY = 1440;

/** Counts what happens, by the minute where a rate matters, else by the day. */
export const makeTally = (start: number, days: number) => {
  const callsByMinute = new Uint32Array(days * MINUTES_OF_DAY);
  const storesByMinute = new Uint32Array(days * MINUTES_OF_DAY);
  const byDay: readonly Day[] = Array.from({ length: days }, () => ({ ...NOTHING }));
  /** What is left over after the end is nobody's. */
  const spare: Day = { ...NOTHING };
  const dayAt = (at: number): Day => byDay[Math.floor((at - start) / DAY_SECONDS)] ?? spare;
  const count = (minutes: Uint32Array, at: number): void => {
    const minute = Math.floor((at - start) / 60);
    if (minute < minutes.length) minutes[minute] = (minutes[minute] ?? 0) + 1;
  };

  return {
    callsByMinute,
    storesByMinute,
    byDay,
    refreshed(provider: ProviderName, isStored: boolean, at: number): void {
      count(callsByMinute, at);
      const day = dayAt(at);
      day[provider]++;
      if (!isStored) return;
      count(storesByMinute, at);
      day.stored++;
    },
    postponed(at: number): void {
      dayAt(at).postponed++;
    },
    fetched(hasWaited: boolean, at: number): void {
      const day = dayAt(at);
      day.fetched++;
      if (hasWaited) day.waited++;
    },
    used(at: number): void {
      dayAt(at).used++;
    },
    queued(messages: number, at: number): void {
      dayAt(at).messages += messages;
    },
  };
};

export type Tally = ReturnType<typeof makeTally>;
