import type { CoolDown } from '../domain/cool-down.ts';
import { type Registration, registrationKey } from '../domain/registration.ts';
import type { Item, Table } from '../ports/table.ts';
import { attributes, entity, keys, whenRevision } from './items.ts';

/** `revision` makes writes conditional: of two workers that saw the same, one writes. */
export interface CoolDownRecord {
  readonly coolDown: CoolDown | undefined;
  readonly revision: number;
}

export const coolDownFromItem = (item: Item | undefined): CoolDownRecord => {
  if (item === undefined) return { coolDown: undefined, revision: 0 };
  const { revision, coolDown } = entity<{ revision: number; coolDown?: CoolDown }>(item);
  return { coolDown, revision };
};

export const coolDownRecords = (table: Table) => ({
  async get(registration: Registration): Promise<CoolDownRecord> {
    return coolDownFromItem(await table.get(keys.coolDown(registrationKey(registration))));
  },

  /** False: somebody was faster, read again. */
  async replace(registration: Registration, revision: number, coolDown: CoolDown | undefined): Promise<boolean> {
    const outcome = await table.write({
      put: { ...keys.coolDown(registrationKey(registration)), ...attributes({ coolDown, revision: revision + 1 }) },
      when: whenRevision(revision),
    });
    return outcome === 'written';
  },
});
