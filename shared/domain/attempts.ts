/**
 * Wrong credentials. Secrets of devices are drawn from 2^118 and more, so nobody guesses one: what is bounded for them is the
 * load of trying, and what somebody does to others by it. The admin key may be of an administrator's choice. Times are
 * epoch seconds.
 */
export interface Attempts {
  readonly failures: number;
  readonly lastFailedAt: number;
}

/** What is counted. */
export type AttemptScope =
  /** A device's credential as presented from one place: while it is locked, the right one is refused there too. */
  | 'device_at_place'
  /** Pairing codes typed at one place. */
  | 'pairing_at_place'
  /** The admin key, likewise. */
  | 'admin_at_place'
  /** All that one place presents: an office behind one address, so only what is wrong is refused. */
  | 'place'
  /** A device's credential from wherever: so that nobody locks a device out from elsewhere, only what is wrong is refused. */
  | 'device';

/** So many wrong ones cost nothing: somebody types at a panel, or a fleet has an old secret. */
const FREE_FAILURES: Readonly<Record<AttemptScope, number>> = {
  device_at_place: 10,
  // Of eight letters some are typed wrong; who guesses gets no further than this and one in five minutes.
  pairing_at_place: 20,
  // A script with an old key makes many calls before somebody looks.
  admin_at_place: 100,
  place: 100,
  device: 200,
};

const FIRST_DELAY_SECONDS = 2;

/** Whoever types the right secret into a device that went on presenting a wrong one waits no longer than this. */
const LONGEST_DELAY_SECONDS = 300;

/** After an hour without a wrong one all is forgotten. */
export const ATTEMPTS_KEPT_SECONDS = 3600;

/** Seconds until the next attempt is looked at; 0: at once. Each failure beyond the free ones doubles the delay. */
export const lockedFor = (scope: AttemptScope, attempts: Attempts | undefined, now: number): number => {
  if (attempts === undefined || isForgotten(attempts, now)) return 0;
  const beyond = attempts.failures - FREE_FAILURES[scope];
  if (beyond < 0) return 0;
  const delay = Math.min(FIRST_DELAY_SECONDS * 2 ** Math.min(beyond, 30), LONGEST_DELAY_SECONDS);
  return Math.max(0, attempts.lastFailedAt + delay - now);
};

export const isForgotten = ({ lastFailedAt }: Attempts, now: number): boolean =>
  now - lastFailedAt >= ATTEMPTS_KEPT_SECONDS;
