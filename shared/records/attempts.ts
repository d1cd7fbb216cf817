import { ATTEMPTS_KEPT_SECONDS, type Attempts, isForgotten } from '../domain/attempts.ts';
import { isClientId } from '../domain/identifiers.ts';
import type { Item, Key, Table } from '../ports/table.ts';
import { type Claimed, entity, keys } from './items.ts';

export const attemptsFromItem = (item: Item | undefined): Attempts | undefined => item && entity<Attempts>(item);

/** What was presented, and where. `claimed` is absent where a credential names nobody, as an enrolment token does. */
export interface Attempted {
  readonly place: string;
  readonly claimed?: Claimed;
  /** There is such a device, so that its own count is kept; what is made up leaves only what its place did. */
  readonly isKnownDevice?: boolean;
}

/** What is no client id is kept nowhere, as it may be a secret: all of it counts as one. */
export const claimedDevice = (clientId: string): Claimed => `device#${isClientId(clientId) ? clientId : 'none'}`;

const deviceKeys = (claimed: Claimed | undefined): Key[] =>
  claimed?.startsWith('device#') ? [keys.deviceAttempts(claimed.slice('device#'.length))] : [];

export const attemptRecords = (table: Table) => {
  const add = async (key: Key, now: number): Promise<void> => {
    const before = attemptsFromItem(await table.get(key));
    const expiresAt = now + ATTEMPTS_KEPT_SECONDS;
    await table.write(
      before && isForgotten(before, now)
        ? { put: { ...key, failures: 1, lastFailedAt: now, expiresAt } }
        : { update: key, changes: { set: { lastFailedAt: now, expiresAt }, add: { failures: 1 } } },
    );
  };

  return {
    /** Of one credential at one place. */
    async get(place: string, claimed: Claimed): Promise<Attempts | undefined> {
      return attemptsFromItem(await table.get(keys.attempts(place, claimed)));
    },

    /** Of the place as a whole, and of the device wherever its credential was presented. */
    async around({
      place,
      claimed,
    }: Attempted): Promise<{ readonly ofPlace: Attempts | undefined; readonly ofDevice: Attempts | undefined }> {
      const [placeItem, deviceItem] = await table.getMany([keys.placeAttempts(place), ...deviceKeys(claimed)]);
      return { ofPlace: attemptsFromItem(placeItem), ofDevice: attemptsFromItem(deviceItem) };
    },

    async addFailure({ place, claimed, isKnownDevice = false }: Attempted, now: number): Promise<void> {
      const ofCredential = claimed === undefined ? [] : [keys.attempts(place, claimed)];
      const ofDevice = isKnownDevice ? deviceKeys(claimed) : [];
      for (const key of [keys.placeAttempts(place), ...ofCredential, ...ofDevice]) await add(key, now);
    },

    /** The right credential was presented. */
    async forget(place: string, claimed: Claimed): Promise<void> {
      await table.write({ delete: keys.attempts(place, claimed) });
    },
  };
};
