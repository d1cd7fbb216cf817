import type { Attempts } from '../../domain/attempts.ts';
import { validSecretHashes } from '../../domain/client-secret.ts';
import type { Device, Organization } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { claimedDevice } from '../../records/attempts.ts';
import type { Records } from '../../records/index.ts';
import { matchesAny } from '../secrets.ts';
import { countAttempts } from './count-attempts.ts';

export interface DeviceCredential {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where on the network it was presented. */
  readonly place: string;
}

/** What is known of who presents a credential. */
export interface Claimant {
  readonly device: Device | undefined;
  readonly organization: Organization | undefined;
  /** Wrong secrets of this device at this place. */
  readonly attempts: Attempts | undefined;
}

/** A hash that no secret has, so that an unknown device takes as long as a wrong secret. */
const NO_HASH = ['A'.repeat(43)];

/** Whether a device is who it says: among what was read of it already, or by reading it. */
export const deviceAuthentication = (dependencies: {
  readonly records: Pick<Records, 'devices' | 'organizations' | 'attempts'>;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  const { records, clock } = dependencies;
  const { admit } = countAttempts(dependencies);

  /** One answer for unknown, wrong, disabled, and disabled with its organization: nothing is told to a guesser. */
  const checkDevice = async (
    { clientId, clientSecret, place }: DeviceCredential,
    { device, organization, attempts }: Claimant,
  ): Promise<Result<Device, BrokerError>> => {
    const refusal = brokerError('invalid_client');
    const hashes = device ? validSecretHashes(device, epochSeconds(clock)) : NO_HASH;
    const attempted = { place, claimed: claimedDevice(clientId), isKnownDevice: device !== undefined };
    const admitted = await admit(attempted, attempts, { isRight: matchesAny(clientSecret, hashes), refusal });
    if (!admitted.ok) return admitted;
    return device?.enabled && organization?.enabled ? ok(device) : fail(refusal);
  };

  const authenticateDevice = async (credential: DeviceCredential): Promise<Result<Device, BrokerError>> => {
    const { clientId, place } = credential;
    const [device, attempts] = await Promise.all([
      records.devices.get(clientId),
      records.attempts.get(place, claimedDevice(clientId)),
    ]);
    const organization = device && (await records.organizations.get(device.organizationId));
    return checkDevice(credential, { device, organization, attempts });
  };

  return { checkDevice, authenticateDevice };
};

export type CheckDevice = ReturnType<typeof deviceAuthentication>['checkDevice'];
export type AuthenticateDevice = ReturnType<typeof deviceAuthentication>['authenticateDevice'];
