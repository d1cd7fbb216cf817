import { rotatedSecrets } from '../../domain/client-secret.ts';
import type { Device, DeviceMetadata } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { CLIENT_SECRET_LENGTH, panelString } from '../../domain/identifiers.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { hashOf } from '../secrets.ts';

/** Each round one of those who rotate at the same moment wins. */
const WRITE_ATTEMPTS = 100;

/** Shown once. */
export interface NewSecret {
  readonly device: Device;
  readonly clientSecret: string;
}

/**
 * Gives a device a new secret. Of several at the same moment each builds on the one before, so that none hands out a secret
 * that never was stored. `find` reads the device, anew for each attempt, or says why it may not be changed.
 */
export const makeRotateSecret =
  ({
    records: { devices },
    clock,
    random,
  }: {
    records: { readonly devices: Pick<Records['devices'], 'replaceSecrets'> };
    clock: Clock;
    random: Random;
  }) =>
  async (
    find: () => Promise<Result<Device, BrokerError>>,
    graceSeconds: number,
    changes: { readonly metadata?: DeviceMetadata } = {},
  ): Promise<Result<NewSecret, BrokerError>> => {
    // The same in every attempt: a write may be refused for itself, when it was repeated because its answer was lost.
    const clientSecret = panelString(CLIENT_SECRET_LENGTH, random.bytes);
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const found = await find();
      if (!found.ok) return found;
      const secrets = rotatedSecrets(found.value, hashOf(clientSecret), graceSeconds, epochSeconds(clock));
      const device = await devices.replaceSecrets(found.value, { ...changes, ...secrets });
      if (device) return ok({ device, clientSecret });
    }
    return fail(brokerError('conflict', 'The secret was changed too often at the same moment; try again.'));
  };
