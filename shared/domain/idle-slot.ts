import type { Binding, Device } from './entities.ts';
import { isPersonal } from './slot.ts';

/** R17 allows hours for a lobby and weeks for an office; less would empty a slot between two jobs of one person. */
export const USER_IDLE_SECONDS = { least: 600, most: 365 * 86_400 } as const;

/** When a person's own slot is emptied if its user does not come back; undefined: never. */
export const idleUntil = (
  { userIdleSeconds = 0 }: Pick<Device, 'userIdleSeconds'>,
  { slot, boundAt, lastFetchedAt = 0 }: Pick<Binding, 'slot' | 'boundAt' | 'lastFetchedAt'>,
): number | undefined =>
  isPersonal(slot) && userIdleSeconds > 0 ? Math.max(boundAt, lastFetchedAt) + userIdleSeconds : undefined;
