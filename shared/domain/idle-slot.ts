import type { Binding, Device } from './entities.ts';
import { isPersonal } from './slot.ts';

/**
 * R17 allows hours for a lobby and weeks for an office; less would empty a slot between two jobs of one person. And what is
 * known of the last use is old by up to `USE_RECORDED_EVERY_SECONDS` (600): at three times that, no slot in use passes for idle.
 */
export const USER_IDLE_SECONDS = { least: 1800, most: 365 * 86_400 } as const;

/** When a person's own slot is emptied if its user does not come back; undefined: never. */
export const idleUntil = (
  { userIdleSeconds = 0 }: Pick<Device, 'userIdleSeconds'>,
  { slot, boundAt, lastFetchedAt = 0 }: Pick<Binding, 'slot' | 'boundAt' | 'lastFetchedAt'>,
): number | undefined =>
  isPersonal(slot) && userIdleSeconds > 0
    ? // A setting that was made when less was allowed still stands in the table.
      Math.max(boundAt, lastFetchedAt) + Math.max(userIdleSeconds, USER_IDLE_SECONDS.least)
    : undefined;
