import type { Binding, Device, Mailbox, Organization } from '../domain/entities.ts';
import type { Audience } from '../domain/provider.ts';
import type { Item, Table } from '../ports/table.ts';
import { type CachedAccessToken, type GrantRecord, grantFromItem } from './grants.ts';
import { attributes, entity, keys } from './items.ts';

/** Where a device's slot led the last time. Only a guess at the keys to read: what is read decides. */
const GUESSES_KEPT = 10_000;

/** Everything that decides whether a device gets a token, and the token. */
export interface DeviceAccess {
  readonly device: Device;
  readonly organization: Organization | undefined;
  readonly binding: Binding | undefined;
  readonly mailbox: Mailbox | undefined;
  readonly grant: GrantRecord;
  readonly token: CachedAccessToken | undefined;
}

const of = <Entity>(item: Item | undefined): Entity | undefined => item && entity<Entity>(item);

/**
 * Reads a device's access in one round trip (design rule 5): the binding tells the mailbox, so its keys are guessed
 * from the last time and read along; only a wrong guess costs a second round trip.
 */
export const deviceAccessRecords = (table: Table) => {
  const guesses = new Map<string, { organizationId: string; mailboxId: string }>();

  const remember = (name: string, { organizationId, mailboxId }: Binding): void => {
    if (guesses.size >= GUESSES_KEPT) guesses.clear();
    guesses.set(name, { organizationId, mailboxId });
  };

  const mailboxKeys = (organizationId: string, mailboxId: string, audience: Audience) => [
    keys.organization(organizationId),
    keys.mailbox(mailboxId),
    keys.grant(mailboxId),
    keys.accessToken(mailboxId, audience),
  ];

  return {
    /** Undefined: there is no such device. */
    async read(clientId: string, slot: string, audience: Audience): Promise<DeviceAccess | undefined> {
      const name = `${clientId}+${slot}`;
      const guess = guesses.get(name);
      const [deviceItem, bindingItem, ...guessed] = await table.getMany([
        keys.device(clientId),
        keys.binding(clientId, slot),
        ...(guess ? mailboxKeys(guess.organizationId, guess.mailboxId, audience) : []),
      ]);
      const device = of<Device>(deviceItem);
      if (device === undefined) return undefined;
      const binding = of<Binding>(bindingItem);
      if (binding === undefined) {
        const organization = of<Organization>(await table.get(keys.organization(device.organizationId)));
        return { device, organization, binding, mailbox: undefined, grant: grantFromItem(undefined), token: undefined };
      }
      const guessedRight = guess?.mailboxId === binding.mailboxId && guess.organizationId === binding.organizationId;
      if (!guessedRight) remember(name, binding);
      const [organization, mailbox, grant, token] = guessedRight
        ? guessed
        : await table.getMany(mailboxKeys(binding.organizationId, binding.mailboxId, audience));
      return {
        device,
        organization: of<Organization>(organization),
        binding,
        mailbox: of<Mailbox>(mailbox),
        grant: grantFromItem(grant),
        token: of<CachedAccessToken>(token),
      };
    },

    async recordFetch({ clientId, slot, fetchedAt }: Binding, audience: Audience, now: number): Promise<void> {
      await table.write({
        update: keys.binding(clientId, slot),
        changes: { set: attributes({ lastFetchedAt: now, fetchedAt: { ...fetchedAt, [audience]: now } }) },
        when: { present: true },
      });
    },
  };
};
