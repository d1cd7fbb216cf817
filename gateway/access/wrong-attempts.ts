import { type AttemptScope, type Attempts, isForgotten, lockedFor } from '../../shared/domain/attempts.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';

/** More places than an office has; those that were wrong longest ago go first. */
const KEPT = 10_000;

/** More than any device's id has; who sends longer ones is counted under their beginning, and fills no memory. */
const ID_LENGTH = 32;

/** Each wrong sign-in is answered so much later than the one before, up to the last. */
const DELAY_STEP_MS = 250;
const LONGEST_DELAY_MS = 3_000;

/** Bounds how often wrong credentials are presented on the gateway's own network, before the broker is asked. */
export const makeWrongAttempts = (clock: Clock) => {
  const counted = new Map<string, Attempts>();

  const nameOf = (scope: AttemptScope, address: string, clientId: string): string =>
    scope === 'device_at_place' ? `${scope}|${address}|${clientId.slice(0, ID_LENGTH)}` : `${scope}|${address}`;

  const count = (name: string, now: number): Attempts => {
    const before = counted.get(name);
    const failures = before === undefined || isForgotten(before, now) ? 1 : before.failures + 1;
    const attempts = { failures, lastFailedAt: now };
    counted.delete(name);
    counted.set(name, attempts);
    const [oldest] = counted.keys();
    if (counted.size > KEPT && oldest !== undefined) counted.delete(oldest);
    return attempts;
  };

  return {
    /** Seconds until this device is heard from this address again. */
    lockedFor(address: string, clientId: string): number {
      return lockedFor(
        'device_at_place',
        counted.get(nameOf('device_at_place', address, clientId)),
        epochSeconds(clock),
      );
    },

    /** Counts a wrong one, and waits before it is told. Resolves with the seconds for which the whole address is locked. */
    async refuse(address: string, clientId: string): Promise<number> {
      const now = epochSeconds(clock);
      count(nameOf('device_at_place', address, clientId), now);
      const ofPlace = count(nameOf('place', address, clientId), now);
      await clock.sleep(Math.min(ofPlace.failures * DELAY_STEP_MS, LONGEST_DELAY_MS));
      return lockedFor('place', ofPlace, now);
    },

    forget(address: string, clientId: string): void {
      counted.delete(nameOf('device_at_place', address, clientId));
    },
  };
};
