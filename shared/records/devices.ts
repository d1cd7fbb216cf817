import type { Binding, Device } from '../domain/entities.ts';
import { isPersonal } from '../domain/slot.ts';
import { dueShardOf } from '../domain/timing.ts';
import type { Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

const dueWhenIdle = (clientId: string, dueAt: number | undefined) =>
  dueAt === undefined ? {} : { dueShard: dueShardOf('user-slot', clientId), dueAt };

/** A rotation, and what a device changes together with it. */
type SecretChanges = Required<Pick<Device, 'secretHashes' | 'formerSecretUntil'>> & Partial<Pick<Device, 'metadata'>>;

/** Devices and their bindings share a partition: what a device may use is read along with it. */
export const deviceRecords = (table: Table) => ({
  /** The writes that make a device; the caller adds what must happen with it or not at all. */
  creation(device: Device): readonly Write[] {
    return [
      { put: { ...keys.device(device.clientId), ...attributes(device) }, when: { absent: true } },
      { put: keys.deviceOf(device.organizationId, device.clientId) },
    ];
  },

  async get(clientId: string): Promise<Device | undefined> {
    const item = await table.get(keys.device(clientId));
    return item && entity<Device>(item);
  },

  async list(organizationId: string): Promise<readonly Device[]> {
    const { pk, sk } = keys.deviceOf(organizationId, '');
    const links = await queryAll(table, pk, sk);
    const found = await getAll(
      table,
      links.map((link) => keys.device(link.sk.slice(sk.length))),
    );
    return found.map((item) => entity<Device>(item));
  },

  /** False when there is no such device. */
  async update(
    clientId: string,
    changes: Partial<Pick<Device, 'metadata' | 'enabled' | 'senderPolicy' | 'rewriteSender' | 'userIdleSeconds'>>,
  ): Promise<boolean> {
    const update = {
      update: keys.device(clientId),
      changes: { set: attributes(changes) },
      when: { present: true },
    } as const;
    return (await table.write(update)) === 'written';
  },

  /** Undefined: there is no such device, or its secrets may have changed since it was read. It is to be read again. */
  async replaceSecrets(device: Device, secretChanges: SecretChanges): Promise<Device | undefined> {
    const { clientId, secretRevision } = device;
    const key = keys.device(clientId);
    if (secretRevision === undefined) {
      // A condition cannot name what is absent. Adding nothing gives the item a 0, and leaves a number that it has by now.
      await table.write({ update: key, changes: { add: { secretRevision: 0 } }, when: { present: true } });
      return undefined;
    }
    const changes = { ...secretChanges, secretRevision: secretRevision + 1 };
    const when = { equals: { secretRevision } };
    const outcome = await table.write({ update: key, changes: { set: attributes(changes) }, when });
    return outcome === 'written' ? { ...device, ...changes } : undefined;
  },

  async bindings(clientId: string): Promise<readonly Binding[]> {
    const { pk, sk } = keys.binding(clientId, '');
    return (await queryAll(table, pk, sk)).map((item) => entity<Binding>(item));
  },

  async binding(clientId: string, slot: string): Promise<Binding | undefined> {
    const item = await table.get(keys.binding(clientId, slot));
    return item && entity<Binding>(item);
  },

  /** `idleUntil`: when the sweep looks whether its user is gone. */
  async bind(binding: Binding, idleUntil?: number): Promise<void> {
    const { clientId, slot, mailboxId } = binding;
    const former = (await this.binding(clientId, slot))?.mailboxId;
    await table.writeAll([
      { put: { ...keys.binding(clientId, slot), ...attributes(binding), ...dueWhenIdle(clientId, idleUntil) } },
      { put: keys.boundDevice(mailboxId, clientId, slot) },
      ...(former !== undefined && former !== mailboxId ? [{ delete: keys.boundDevice(former, clientId, slot) }] : []),
    ]);
  },

  /** False: the slot has a mailbox already. */
  async bindFree(binding: Binding, idleUntil?: number): Promise<boolean> {
    const { clientId, slot, mailboxId } = binding;
    const item = { ...keys.binding(clientId, slot), ...attributes(binding), ...dueWhenIdle(clientId, idleUntil) };
    const writes = [
      { put: item, when: { absent: true } } as const,
      { put: keys.boundDevice(mailboxId, clientId, slot) },
    ];
    return (await table.writeAll(writes)) === 'written';
  },

  /** When the sweep looks at a person's slot; undefined: no more. */
  async watchIdle({ clientId, slot }: Binding, idleUntil: number | undefined): Promise<void> {
    const changes =
      idleUntil === undefined ? { remove: ['dueShard', 'dueAt'] } : { set: dueWhenIdle(clientId, idleUntil) };
    await table.write({ update: keys.binding(clientId, slot), changes, when: { present: true } });
  },

  async unbind(clientId: string, slot: string): Promise<boolean> {
    const binding = await this.binding(clientId, slot);
    if (binding === undefined) return false;
    const { mailboxId } = binding;
    await table.writeAll([
      { delete: keys.binding(clientId, slot) },
      { delete: keys.boundDevice(mailboxId, clientId, slot) },
    ]);
    return true;
  },

  /**
   * The device last, so that a removal cut short can be repeated. `slotsDueAt`: people's own slots stay until the sweep gives
   * them up, for who may not sign their mailboxes out; without the device they are of use to nobody.
   */
  async remove(device: Device, slotsDueAt?: number): Promise<void> {
    for (const binding of await this.bindings(device.clientId)) {
      if (slotsDueAt !== undefined && isPersonal(binding.slot)) await this.watchIdle(binding, slotsDueAt);
      else await this.unbind(device.clientId, binding.slot);
    }
    await table.writeAll([
      { delete: keys.deviceOf(device.organizationId, device.clientId) },
      { delete: keys.device(device.clientId) },
    ]);
  },
});
