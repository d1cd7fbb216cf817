import type { Attempts } from '../domain/attempts.ts';
import type { Binding, Device, Mailbox, Organization } from '../domain/entities.ts';
import type { Audience } from '../domain/provider.ts';
import type { Item, Table } from '../ports/table.ts';
import { attemptsFromItem, claimedDevice } from './attempts.ts';
import { type CachedAccessToken, type GrantRecord, grantFromItem } from './grants.ts';
import { attributes, entity, keys } from './items.ts';

/** Where a device's slot led the last time. Only a guess at the keys to read: what is read decides. */
const GUESSES_KEPT = 10_000;

/** Everything that decides whether a device gets a token, and the token. */
export interface DeviceAccess {
  readonly device: Device | undefined;
  readonly organization: Organization | undefined;
  /** Wrong secrets of this device at the place that asks. */
  readonly attempts: Attempts | undefined;
  readonly binding: Binding | undefined;
  readonly mailbox: Mailbox | undefined;
  readonly grant: GrantRecord;
  readonly token: CachedAccessToken | undefined;
}

export interface AccessQuery {
  readonly clientId: string;
  readonly slot: string;
  readonly audience: Audience;
  readonly place: string;
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
    /** For who asks from a place. */
    async read({ clientId, slot, audience, place }: AccessQuery): Promise<DeviceAccess> {
      const name = `${clientId}+${slot}`;
      const guess = guesses.get(name);
      const [deviceItem, bindingItem, attemptsItem, ...guessed] = await table.getMany([
        keys.device(clientId),
        keys.binding(clientId, slot),
        keys.attempts(place, claimedDevice(clientId)),
        ...(guess ? mailboxKeys(guess.organizationId, guess.mailboxId, audience) : []),
      ]);
      const device = of<Device>(deviceItem);
      const binding = of<Binding>(bindingItem);
      const attempts = attemptsFromItem(attemptsItem);
      if (device === undefined || binding === undefined) {
        const organization = device && of<Organization>(await table.get(keys.organization(device.organizationId)));
        const nothing = { binding: undefined, mailbox: undefined, grant: grantFromItem(undefined), token: undefined };
        return { device, organization, attempts, ...nothing };
      }
      const guessedRight = guess?.mailboxId === binding.mailboxId && guess.organizationId === binding.organizationId;
      if (!guessedRight) remember(name, binding);
      const [organization, mailbox, grant, token] = guessedRight
        ? guessed
        : await table.getMany(mailboxKeys(binding.organizationId, binding.mailboxId, audience));
      return {
        device,
        organization: of<Organization>(organization),
        attempts,
        binding,
        mailbox: of<Mailbox>(mailbox),
        grant: grantFromItem(grant),
        token: of<CachedAccessToken>(token),
      };
    },

    /** Of which audience a token was fetched; none where the broker sends. */
    async recordUse({ clientId, slot, fetchedAt }: Binding, now: number, audience?: Audience): Promise<void> {
      const fetched = audience && { fetchedAt: { ...fetchedAt, [audience]: now } };
      await table.write({
        update: keys.binding(clientId, slot),
        changes: { set: attributes({ lastFetchedAt: now, ...fetched }) },
        when: { present: true },
      });
    },
  };
};
