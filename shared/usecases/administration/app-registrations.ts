import { type AppRegistrationStatus, appRegistrationStatus } from '../../domain/app-registration-status.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { RecordsWithin } from './reach.ts';

/** The registrations with the providers, the broker's and those that organizations have brought, as workers last found them. */
export const appRegistrationAdministration = ({
  records,
  clock,
}: {
  readonly records: Pick<RecordsWithin, 'appRegistrations'>;
  readonly clock: Clock;
}) => ({
  async list(): Promise<readonly AppRegistrationStatus[]> {
    const now = epochSeconds(clock);
    return (await records.appRegistrations.describe()).map((found) => appRegistrationStatus(found, now));
  },
});

export type AppRegistrationAdministration = ReturnType<typeof appRegistrationAdministration>;
