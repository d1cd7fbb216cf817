import { validSecretHashes } from '../domain/client-secret.ts';
import type { Device, Organization } from '../domain/entities.ts';
import { type BrokerError, brokerError } from '../domain/errors.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Records } from '../records/index.ts';
import { matchesAny } from './secrets.ts';

export interface DeviceCredential {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A hash that no secret has, so that an unknown device takes as long as a wrong secret. */
const NO_HASH = ['A'.repeat(43)];

/** One answer for unknown, wrong, disabled, and disabled with its organization: nothing is told to a guesser. */
export const checkDevice = (
  credential: DeviceCredential,
  device: Device | undefined,
  organization: Organization | undefined,
  now: number,
): Result<Device, BrokerError> => {
  const secretFits = matchesAny(credential.clientSecret, device ? validSecretHashes(device, now) : NO_HASH);
  if (device && secretFits && device.enabled && organization?.enabled) return ok(device);
  return fail(brokerError('invalid_client'));
};

export const makeAuthenticateDevice =
  ({ devices, organizations }: Pick<Records, 'devices' | 'organizations'>, clock: Clock) =>
  async (credential: DeviceCredential): Promise<Result<Device, BrokerError>> => {
    const device = await devices.get(credential.clientId);
    const organization = device && (await organizations.get(device.organizationId));
    return checkDevice(credential, device, organization, epochSeconds(clock));
  };

export type AuthenticateDevice = ReturnType<typeof makeAuthenticateDevice>;
