/**
 * What the simulated fleets do all day. The hardest case is taken throughout: one time zone, so that all offices open
 * together, and a start at nine on a Monday with not one token alive.
 */

/** Most tenants that own printers are Microsoft's. */
export const GOOGLE_SHARE = 0.3;

/** Mailboxes that no scanner uses: a machine sends an alert now and then. */
export const ALERTS_ONLY_SHARE = 0.2;

/** An alert of such a mailbox, at any hour of any day. */
export const ALERTS_PER_DAY = 0.1;

/** Scans of any other mailbox on a working day. */
export const SCANS_PER_DAY = 20;

/** How a working day's scans lie over its hours, with a dip at noon. */
const SCANS_BY_HOUR: Readonly<Record<number, number>> = {
  7: 2,
  8: 5,
  9: 7,
  10: 7,
  11: 6,
  12: 2,
  13: 5,
  14: 7,
  15: 6,
  16: 4,
  17: 2,
};

/** Access tokens live for: Entra 60 to 90 minutes, drawn for each token; Google an hour. */
export const TOKEN_LIFE = {
  microsoft: { shortest: 3600, longest: 5400 },
  google: { shortest: 3600, longest: 3600 },
} as const;

export const DAY_SECONDS = 86_400;
export const HOUR_SECONDS = 3600;

/** Monday, 4 January 2027, nine in the morning. Any Monday would do. */
export const START = Date.UTC(2027, 0, 4, 9) / 1000;

/** 1 January 1970 was a Thursday. */
export const weekdayOf = (at: number): number => (Math.floor(at / DAY_SECONDS) + 3) % 7;

const SCAN_WEIGHTS = Object.values(SCANS_BY_HOUR).reduce((sum, weight) => sum + weight, 0);

/** Scans that one mailbox is expected to make in a second of this moment. `freeDays`: counted from the day of the start. */
export const scansPerSecond = (at: number, freeDays: readonly number[] = []): number => {
  const day = Math.floor(at / DAY_SECONDS) - Math.floor(START / DAY_SECONDS);
  if (weekdayOf(at) > 4 || freeDays.includes(day)) return 0;
  const hour = Math.floor((at % DAY_SECONDS) / HOUR_SECONDS);
  return (SCANS_PER_DAY * (SCANS_BY_HOUR[hour] ?? 0)) / SCAN_WEIGHTS / HOUR_SECONDS;
};

/** Alerts that one mailbox is expected to send in a second. */
export const ALERTS_PER_SECOND = ALERTS_PER_DAY / DAY_SECONDS;
