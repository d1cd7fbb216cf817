import { OWN_ROTATION_GRACE_SECONDS, validSecretHashes } from '../../domain/client-secret.ts';
import type { Device, DeviceMetadata } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { CLIENT_ID_LENGTH, CLIENT_SECRET_LENGTH, panelString } from '../../domain/identifiers.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Table } from '../../ports/table.ts';
import type { Records } from '../../records/index.ts';
import { hashOf, longSecret, matchesAny } from '../secrets.ts';
import { makeRotateSecret } from './rotate-secret.ts';

/** Shown once; the broker keeps only hashes. */
export interface NewDevice {
  readonly device: Device;
  readonly clientSecret: string;
  readonly registrationAccessToken: string;
}

/** One device with fresh secrets, not yet stored. */
export const newDevice = (
  organizationId: string,
  metadata: DeviceMetadata,
  clock: Clock,
  random: Random,
): NewDevice => {
  const clientSecret = panelString(CLIENT_SECRET_LENGTH, random.bytes);
  const registrationAccessToken = longSecret(random);
  const device: Device = {
    clientId: panelString(CLIENT_ID_LENGTH, random.bytes),
    organizationId,
    metadata,
    enabled: true,
    secretHashes: [hashOf(clientSecret)],
    secretRevision: 0,
    registrationTokenHash: hashOf(registrationAccessToken),
    createdAt: epochSeconds(clock),
  };
  return { device, clientSecret, registrationAccessToken };
};

interface Dependencies {
  readonly table: Table;
  readonly records: Pick<Records, 'devices' | 'enrolmentTokens' | 'organizations' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Each round one of those who race for a token's uses wins; a fleet may be switched on at one moment. */
const WRITE_ATTEMPTS = 100;

/** RFC 7591: a device registers itself. One use of the enrolment token is taken together with making the device. */
export const makeRegisterDevice =
  ({ table, records, clock, random }: Dependencies) =>
  async (enrolmentToken: string, metadata: DeviceMetadata): Promise<Result<NewDevice, BrokerError>> => {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const token = await records.enrolmentTokens.get(hashOf(enrolmentToken));
      if (!token) return fail(brokerError('invalid_enrolment_token'));
      if (token.revokedAt !== undefined) return fail(brokerError('invalid_enrolment_token', 'It has been revoked.'));
      if (token.usesLeft < 1) return fail(brokerError('invalid_enrolment_token', 'It has been used up.'));
      if (token.expiresAt <= epochSeconds(clock))
        return fail(brokerError('invalid_enrolment_token', 'It has expired.'));
      const organization = await records.organizations.get(token.organizationId);
      if (!organization?.enabled) return fail(brokerError('invalid_enrolment_token'));

      const made = newDevice(token.organizationId, metadata, clock, random);
      const writes = [...records.devices.creation(made.device), records.enrolmentTokens.useOnce(token)];
      if ((await table.writeAll(writes)) === 'refused') continue;
      await records.audit.add({
        organizationId: token.organizationId,
        by: `device:${made.device.clientId}`,
        action: 'device.registered',
        subject: made.device.clientId,
        detail: metadata.clientName,
      });
      return ok(made);
    }
    return fail(brokerError('conflict', 'Too many devices registered at the same moment; try again.'));
  };

export type RegisterDevice = ReturnType<typeof makeRegisterDevice>;

/**
 * RFC 7592: the device reads, changes and removes its own registration. One answer for unknown, wrong, disabled, and
 * disabled with its organization: nothing is told to a guesser.
 */
export const makeManageRegistration = ({ records, clock, random }: Omit<Dependencies, 'table'>) => {
  const authorized = async (clientId: string, token: string): Promise<Result<Device, BrokerError>> => {
    const device = await records.devices.get(clientId);
    const organization = device && (await records.organizations.get(device.organizationId));
    const fits = matchesAny(token, device ? [device.registrationTokenHash] : []);
    if (device?.enabled && organization?.enabled && fits) return ok(device);
    return fail(brokerError('invalid_registration_token'));
  };

  const rotateSecret = makeRotateSecret({ records, clock, random });

  return {
    read: authorized,

    /** `clientSecret` must be the device's, where it is named (RFC 7592 section 2.2). `rotateSecret`: a new one (`rotatedSecrets`). */
    async update(
      clientId: string,
      token: string,
      metadata: DeviceMetadata,
      {
        clientSecret: presented,
        rotateSecret: rotate,
      }: { readonly clientSecret?: unknown; readonly rotateSecret: boolean },
    ): Promise<Result<{ device: Device; clientSecret: string | undefined }, BrokerError>> {
      const mayChange = async (): Promise<Result<Device, BrokerError>> => {
        const found = await authorized(clientId, token);
        if (!found.ok || presented === undefined) return found;
        if (matchesAny(String(presented), validSecretHashes(found.value, epochSeconds(clock)))) return found;
        return fail(brokerError('invalid_client_metadata', 'client_secret is not that of this device; leave it out.'));
      };
      const describe = async (): Promise<Result<{ device: Device; clientSecret: undefined }, BrokerError>> => {
        const found = await mayChange();
        if (!found.ok) return found;
        const isThere = await records.devices.update(clientId, { metadata });
        if (!isThere) return fail(brokerError('invalid_registration_token'));
        return ok({ device: { ...found.value, metadata }, clientSecret: undefined });
      };
      const changed = rotate
        ? await rotateSecret(mayChange, OWN_ROTATION_GRACE_SECONDS, { metadata })
        : await describe();
      if (!changed.ok) return changed;
      await records.audit.add({
        organizationId: changed.value.device.organizationId,
        by: `device:${clientId}`,
        action: rotate ? 'device.secret-rotated' : 'device.changed',
        subject: clientId,
        detail: 'metadata',
      });
      return changed;
    },

    async remove(clientId: string, token: string): Promise<Result<undefined, BrokerError>> {
      const found = await authorized(clientId, token);
      if (!found.ok) return found;
      await records.devices.remove(found.value, epochSeconds(clock));
      await records.audit.add({
        organizationId: found.value.organizationId,
        by: `device:${clientId}`,
        action: 'device.removed',
        subject: clientId,
      });
      return ok(undefined);
    },
  };
};

export type ManageRegistration = ReturnType<typeof makeManageRegistration>;
