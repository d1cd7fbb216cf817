import type { Pairing, PairingState } from '../domain/pairing.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

/** Kept an hour after it ran out, so that a late poll is told so. */
const KEPT_SECONDS = 3600;

type Stored = Omit<Pairing, 'expiresAt'> & { readonly endsAt: number };

/** `expiresAt` is the table's own time to live, so the pairing's end is stored under another name. */
const toItem = ({ expiresAt, ...pairing }: Pairing) => ({
  ...keys.pairing(pairing.deviceCodeHash),
  ...attributes({ ...pairing, endsAt: expiresAt }),
  expiresAt: expiresAt + KEPT_SECONDS,
});

export const pairingRecords = (table: Table) => {
  const get = async (deviceCodeHash: string): Promise<Pairing | undefined> => {
    const item = await table.get(keys.pairing(deviceCodeHash));
    if (item === undefined) return undefined;
    const { endsAt, ...pairing } = entity<Stored>(item);
    return { ...pairing, expiresAt: endsAt } as Pairing;
  };

  return {
    get,

    /** False: another device has the user code just now. */
    async create(pairing: Pairing): Promise<boolean> {
      const { userCodeHash, deviceCodeHash, expiresAt } = pairing;
      const outcome = await table.writeAll([
        { put: toItem(pairing), when: { absent: true } },
        { put: { ...keys.userCode(userCodeHash), deviceCodeHash, expiresAt }, when: { absent: true } },
      ]);
      return outcome === 'written';
    },

    async byUserCode(userCodeHash: string): Promise<Pairing | undefined> {
      const item = await table.get(keys.userCode(userCodeHash));
      return typeof item?.deviceCodeHash === 'string' ? get(item.deviceCodeHash) : undefined;
    },

    /** Notes when a device asked, and how long it has to wait from now on. */
    async notePoll(deviceCodeHash: string, polledAt: number, intervalSeconds: number): Promise<void> {
      const changes = { set: { polledAt, intervalSeconds } };
      await table.write({ update: keys.pairing(deviceCodeHash), changes, when: { present: true } });
    },

    /** False: it is in another state by now. A transaction, since a lone write may say so of itself (dynamodb-table.ts). */
    async move({ deviceCodeHash, state }: Pairing, to: PairingState): Promise<boolean> {
      const update = {
        update: keys.pairing(deviceCodeHash),
        changes: { set: attributes(to) },
        when: { equals: { state } },
      };
      return (await table.writeAll([update])) === 'written';
    },
  };
};
