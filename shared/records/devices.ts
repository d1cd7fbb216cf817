import type { Binding, Device } from '../domain/entities.ts';
import { dueShardOf } from '../domain/timing.ts';
import type { Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

const dueWhenIdle = (clientId: string, dueAt: number | undefined) =>
  dueAt === undefined ? {} : { dueShard: dueShardOf('user-slot', clientId), dueAt };

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
    changes: Partial<
      Pick<Device, 'metadata' | 'enabled' | 'senderPolicy' | 'secretHashes' | 'formerSecretUntil' | 'userIdleSeconds'>
    >,
  ): Promise<boolean> {
    const update = {
      update: keys.device(clientId),
      changes: { set: attributes(changes) },
      when: { present: true },
    } as const;
    return (await table.write(update)) === 'written';
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

  /** The device last, so that a removal cut short can be repeated. */
  async remove(device: Device): Promise<void> {
    for (const { slot } of await this.bindings(device.clientId)) await this.unbind(device.clientId, slot);
    await table.writeAll([
      { delete: keys.deviceOf(device.organizationId, device.clientId) },
      { delete: keys.device(device.clientId) },
    ]);
  },
});
