import type { AppRegistration, AppRegistrationDescription } from '../domain/app-registration.ts';
import { PROVIDERS } from '../domain/provider.ts';
import { type Registration, registrationKey } from '../domain/registration.ts';
import type { Item, Key, Table } from '../ports/table.ts';
import { coolDownFromItem } from './cool-downs.ts';
import { attributes, entity, getAll, keys, queryAll, whenRevision } from './items.ts';

/** `revision` makes writes conditional: of two workers that saw the same, one writes. */
export interface AppRegistrationRecord {
  readonly registration: AppRegistration | undefined;
  readonly revision: number;
}

const fromItem = (item: Item | undefined): AppRegistrationRecord =>
  item === undefined
    ? { registration: undefined, revision: 0 }
    : entity<{ registration: AppRegistration; revision: number }>(item);

const keyOf = ({ provider, organizationId }: Registration): Key =>
  organizationId === undefined ? keys.appRegistration(provider) : keys.ownRegistrationOf(organizationId, provider);

const coolDownKeyOf = (registration: Registration): Key => keys.coolDown(registrationKey(registration));

const foundIn = (items: readonly (Item | undefined)[]): readonly AppRegistration[] =>
  items.map((item) => fromItem(item).registration).filter((registration) => registration !== undefined);

export const appRegistrationRecords = (table: Table) => {
  const get = async (registration: Registration): Promise<AppRegistrationRecord> =>
    fromItem(await table.get(keyOf(registration)));

  /** False: somebody was faster, read again. A transaction, since a lone write may say so of itself (dynamodb-table.ts). */
  const replace = async (known: AppRegistrationRecord, registration: AppRegistration): Promise<boolean> => {
    const item = attributes({ registration, revision: known.revision + 1 });
    const put = { ...keyOf(registration), ...item };
    return (await table.writeAll([{ put, when: whenRevision(known.revision) }])) === 'written';
  };

  /** Those of one organization, or of all. */
  const listOwn = async (organizationId?: string): Promise<readonly AppRegistration[]> =>
    foundIn(await queryAll(table, keys.ownRegistrations.pk, organizationId === undefined ? '' : `${organizationId}#`));

  /** Every registration that a worker has met, the broker's first. */
  const list = async (): Promise<readonly AppRegistration[]> => {
    const ofBroker = table.getMany(PROVIDERS.map(keys.appRegistration));
    const [first, own] = await Promise.all([ofBroker, listOwn()]);
    return [...foundIn(first), ...own];
  };

  const withCoolDowns = async (found: readonly AppRegistration[]): Promise<readonly AppRegistrationDescription[]> => {
    const coolDowns = await getAll(table, found.map(coolDownKeyOf));
    const byPartition = new Map(coolDowns.map((item) => [item.pk, item]));
    return found.map((registration) => {
      const { coolDown } = coolDownFromItem(byPartition.get(coolDownKeyOf(registration).pk));
      return { ...registration, coolDown };
    });
  };

  return {
    get,
    replace,
    list,

    /** For one that is no longer configured. False: somebody was faster, read again. */
    async remove(registration: Registration, known: AppRegistrationRecord): Promise<boolean> {
      const outcome = await table.write({ delete: keyOf(registration), when: whenRevision(known.revision) });
      return outcome === 'written';
    },

    describeAll: async () => withCoolDowns(await list()),

    /** Those that an organization has brought. */
    describeOwn: async (organizationId: string) => withCoolDowns(await listOwn(organizationId)),
  };
};
