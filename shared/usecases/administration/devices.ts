import { isFetchedSince } from '../../domain/binding.ts';
import { SECRET_GRACE_SECONDS } from '../../domain/client-secret.ts';
import type { Binding, Device, DeviceMetadata } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { idleUntil } from '../../domain/idle-slot.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { isPersonal, slotNamed } from '../../domain/slot.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Table } from '../../ports/table.ts';
import type { DescribeMailbox } from '../describe-mailbox.ts';
import { type NewDevice, newDevice } from '../devices/register-device.ts';
import { makeRotateSecret, type NewSecret } from '../devices/rotate-secret.ts';
import type { RecordsWithin } from './reach.ts';

interface Dependencies {
  readonly table: Table;
  readonly records: Pick<RecordsWithin, 'organizations' | 'devices' | 'mailboxes' | 'audit'>;
  readonly describeMailbox: DescribeMailbox;
  /** Notes down who did it. */
  readonly giveUpSlot: (binding: Binding) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
}

export type DeviceChanges = Partial<
  Pick<Device, 'enabled' | 'metadata' | 'senderPolicy' | 'rewriteSender' | 'userIdleSeconds'>
>;

export interface ShownBinding extends Binding {
  /** Undefined: nobody is signed in (R29). */
  readonly fetchedSinceSignIn: boolean | undefined;
}

const missing = fail(brokerError('not_found', 'No such device.'));

export const deviceAdministration = ({ table, records, describeMailbox, giveUpSlot, clock, random }: Dependencies) => {
  const { devices, audit } = records;
  const rotate = makeRotateSecret({ records, clock, random });

  const noteDown = ({ organizationId, clientId }: Device, action: string, detail = ''): Promise<void> =>
    audit.add({ organizationId, action, subject: clientId, detail });

  const withDevice = async <Value>(
    clientId: string,
    act: (device: Device) => Promise<Result<Value, BrokerError>>,
  ): Promise<Result<Value, BrokerError>> => {
    const device = await devices.get(clientId);
    return device ? act(device) : missing;
  };

  const shown = async (binding: Binding): Promise<ShownBinding> => {
    const mailbox = await records.mailboxes.get(binding.mailboxId);
    const description = mailbox && (await describeMailbox(mailbox));
    return { ...binding, fetchedSinceSignIn: isFetchedSince(binding, description?.signedInAt) };
  };

  return {
    async create(organizationId: string, metadata: DeviceMetadata): Promise<Result<NewDevice, BrokerError>> {
      if ((await records.organizations.get(organizationId)) === undefined) {
        return fail(brokerError('not_found', 'No such organization.'));
      }
      const made = newDevice(organizationId, metadata, clock, random);
      if ((await table.writeAll(devices.creation(made.device))) === 'refused')
        return this.create(organizationId, metadata);
      await noteDown(made.device, 'device.created', metadata.clientName);
      return ok(made);
    },

    list: (organizationId: string): Promise<readonly Device[]> => devices.list(organizationId),

    get: (clientId: string) =>
      withDevice<{ device: Device; bindings: readonly ShownBinding[] }>(clientId, async (device) =>
        ok({ device, bindings: await Promise.all((await devices.bindings(clientId)).map(shown)) }),
      ),

    update: (clientId: string, changes: DeviceChanges) =>
      withDevice<Device>(clientId, async (device) => {
        if (!(await devices.update(clientId, changes))) return fail(brokerError('not_found'));
        await noteDown(device, 'device.changed', Object.keys(changes).join(', '));
        const changed = { ...device, ...changes };
        if (changes.userIdleSeconds !== undefined) {
          for (const binding of await devices.bindings(clientId)) {
            await devices.watchIdle(binding, idleUntil(changed, binding));
          }
        }
        return ok(changed);
      }),

    /** A new secret, shown once. The former one stays good for so long (`rotatedSecrets`); with 0 it stops at once. */
    async rotateSecret(clientId: string, graceSeconds = SECRET_GRACE_SECONDS): Promise<Result<NewSecret, BrokerError>> {
      const find = () => withDevice<Device>(clientId, async (device) => ok(device));
      const rotated = await rotate(find, graceSeconds);
      if (rotated.ok) await noteDown(rotated.value.device, 'device.secret-rotated');
      return rotated;
    },

    remove: (clientId: string) =>
      withDevice<undefined>(clientId, async (device) => {
        for (const binding of await devices.bindings(clientId)) {
          if (isPersonal(binding.slot)) await giveUpSlot(binding);
        }
        await devices.remove(device);
        await noteDown(device, 'device.removed');
        return ok(undefined);
      }),

    /** Ties a slot to a mailbox of the same organization; replaces what was bound there. */
    bind: (clientId: string, name: string, mailboxId: string) =>
      withDevice<Binding>(clientId, async (device) => {
        const slot = slotNamed(name);
        if (slot === undefined) {
          return fail(brokerError('invalid_request', 'A slot is scan, alerts, fax, receive or user:<login>.'));
        }
        const mailbox = await records.mailboxes.get(mailboxId);
        if (mailbox?.organizationId !== device.organizationId) {
          return fail(brokerError('not_found', 'No such mailbox in the organization of this device.'));
        }
        const { organizationId } = device;
        const binding: Binding = { clientId, slot, mailboxId, organizationId, boundAt: epochSeconds(clock) };
        await devices.bind(binding, idleUntil(device, binding));
        await noteDown(device, 'binding.made', `${slot} to ${mailbox.address}`);
        return ok(binding);
      }),

    /** A person's own slot is given up: its mailbox does not stay signed in for nobody. */
    unbind: (clientId: string, name: string) =>
      withDevice<undefined>(clientId, async (device) => {
        const slot = slotNamed(name) ?? name;
        const personal = isPersonal(slot) ? await devices.binding(clientId, slot) : undefined;
        if (personal) {
          await giveUpSlot(personal);
          return ok(undefined);
        }
        if (!(await devices.unbind(clientId, slot))) {
          return fail(brokerError('not_found', 'Nothing is bound to this slot.'));
        }
        await noteDown(device, 'binding.removed', slot);
        return ok(undefined);
      }),
  };
};

export type DeviceAdministration = ReturnType<typeof deviceAdministration>;
