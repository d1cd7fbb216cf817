import { placeWithin, RESTORED_AFTER_SECONDS, RESTORED_SOONER_SECONDS } from './timing.ts';

/** How often a grant's token was stored: in the day that began at `since`, and in the one before. */
export interface StoreCount {
  readonly since: number;
  readonly count: number;
  readonly before: number;
}

const DAY_SECONDS = 86_400;

const rolled = (known: StoreCount | undefined, now: number): StoreCount => {
  if (known === undefined || now - known.since >= 2 * DAY_SECONDS) return { since: now, count: 0, before: 0 };
  if (now - known.since < DAY_SECONDS) return known;
  return { since: known.since + DAY_SECONDS, count: 0, before: known.count };
};

/** Stores within the last 24 hours, by the usual estimate: the earlier day counts for the part of it that is not over. */
export const storesToday = (known: StoreCount | undefined, now: number): number => {
  const { since, count, before } = rolled(known, now);
  return count + before * (1 - (now - since) / DAY_SECONDS);
};

export const withStore = (known: StoreCount | undefined, now: number): StoreCount => {
  const window = rolled(known, now);
  return { ...window, count: window.count + 1 };
};

/** Whether a refresh token that has come is to be stored: at once, unless the former one stays valid and is young yet. */
export const isStoreDue = (
  {
    grantId,
    formerStaysValid,
    storedAt,
  }: { readonly grantId: string; readonly formerStaysValid: boolean; readonly storedAt: number },
  now: number,
): boolean =>
  !formerStaysValid || now - storedAt >= RESTORED_AFTER_SECONDS - placeWithin(RESTORED_SOONER_SECONDS, grantId);

/**
 * The date of a store, in epoch seconds: later than that of the token it replaces, though both fall in one second, so that
 * the newer one is never taken for a late reading of the older.
 */
export const storedAfter = (formerStoredAt: number, now: number): number => Math.max(now, formerStoredAt + 0.001);
