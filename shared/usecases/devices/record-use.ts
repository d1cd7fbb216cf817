import { isFetchedSince } from '../../domain/binding.ts';
import { isLive } from '../../domain/grant.ts';
import type { Audience } from '../../domain/provider.ts';
import { USE_RECORDED_EVERY_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { DeviceAccess } from '../../records/device-access.ts';
import type { Records } from '../../records/index.ts';

/**
 * Writes down that a device used a binding: it is what a person's slot is emptied by (R17), and what shows that the device has
 * come so far (R29). Without an audience it was used by a message that the broker sends: that is no fetch, and must not pass
 * for one, by which an audience is kept warm. False: it was written down not long ago.
 */
export const makeRecordUse =
  ({ records, clock }: { records: Pick<Records, 'deviceAccess'>; clock: Clock }) =>
  async ({ binding, grant: { grant } }: DeviceAccess, audience?: Audience): Promise<boolean> => {
    if (!binding) return false;
    const now = epochSeconds(clock);
    // The first use after a sign-in is told at once.
    const isFirst = isLive(grant) && isFetchedSince(binding, grant.signedInAt) === false;
    const recordedAt = (audience === undefined ? binding.lastFetchedAt : binding.fetchedAt?.[audience]) ?? 0;
    if (!isFirst && now - recordedAt < USE_RECORDED_EVERY_SECONDS) return false;
    await records.deviceAccess.recordUse(binding, now, audience);
    return true;
  };
