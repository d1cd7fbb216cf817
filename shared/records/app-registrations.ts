import type { AppRegistration, AppRegistrationDescription } from '../domain/app-registration.ts';
import { PROVIDERS, type ProviderName } from '../domain/provider.ts';
import type { Condition, Item, Table } from '../ports/table.ts';
import { coolDownFromItem } from './cool-downs.ts';
import { attributes, entity, keys } from './items.ts';

/** `revision` makes writes conditional: of two workers that saw the same, one writes. */
export interface AppRegistrationRecord {
  readonly registration: AppRegistration | undefined;
  readonly revision: number;
}

const fromItem = (item: Item | undefined): AppRegistrationRecord =>
  item === undefined
    ? { registration: undefined, revision: 0 }
    : entity<{ registration: AppRegistration; revision: number }>(item);

const whenStill = ({ revision }: AppRegistrationRecord): Condition =>
  revision === 0 ? { absent: true } : { equals: { revision } };

export const appRegistrationRecords = (table: Table) => {
  const get = async (provider: ProviderName): Promise<AppRegistrationRecord> =>
    fromItem(await table.get(keys.appRegistration(provider)));

  /** False: somebody was faster, read again. A transaction, since a lone write may say so of itself (dynamodb-table.ts). */
  const replace = async (known: AppRegistrationRecord, registration: AppRegistration): Promise<boolean> => {
    const item = attributes({ registration, revision: known.revision + 1 });
    const put = { ...keys.appRegistration(registration.provider), ...item };
    return (await table.writeAll([{ put, when: whenStill(known) }])) === 'written';
  };

  return {
    get,
    replace,

    /** For a provider that is no longer configured. False: somebody was faster, read again. */
    async remove(provider: ProviderName, known: AppRegistrationRecord): Promise<boolean> {
      const outcome = await table.write({ delete: keys.appRegistration(provider), when: whenStill(known) });
      return outcome === 'written';
    },

    /** Every registration that a worker has met, with what is known against its provider: one round trip. */
    async describeAll(): Promise<readonly AppRegistrationDescription[]> {
      const items = await table.getMany(
        PROVIDERS.flatMap((provider) => [keys.appRegistration(provider), keys.coolDown(provider)]),
      );
      return PROVIDERS.flatMap((_, index) => {
        const { registration } = fromItem(items[2 * index]);
        const { coolDown } = coolDownFromItem(items[2 * index + 1]);
        return registration === undefined ? [] : [{ ...registration, coolDown }];
      });
    },
  };
};
