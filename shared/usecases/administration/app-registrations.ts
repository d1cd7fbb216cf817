import { type AppRegistrationStatus, appRegistrationStatus } from '../../domain/app-registration-status.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';

/** The broker's registrations with the providers, as its workers last found them. */
export const appRegistrationAdministration = ({
  records,
  clock,
}: {
  readonly records: Pick<Records, 'appRegistrations'>;
  readonly clock: Clock;
}) => ({
  async list(): Promise<readonly AppRegistrationStatus[]> {
    const now = epochSeconds(clock);
    return (await records.appRegistrations.describeAll()).map((found) => appRegistrationStatus(found, now));
  },
});

export type AppRegistrationAdministration = ReturnType<typeof appRegistrationAdministration>;
