import type { AppRegistration, AppRegistrationDescription } from '../domain/app-registration.ts';
import { PROVIDERS, type ProviderName } from '../domain/provider.ts';
import type { Table } from '../ports/table.ts';
import { coolDownFromItem } from './cool-downs.ts';
import { attributes, entity, keys } from './items.ts';

export const appRegistrationRecords = (table: Table) => ({
  async get(provider: ProviderName): Promise<AppRegistration | undefined> {
    const item = await table.get(keys.appRegistration(provider));
    return item && entity<AppRegistration>(item);
  },

  /** Of workers that write at once any may win: all of them say what is configured. */
  async put(registration: AppRegistration): Promise<void> {
    await table.write({ put: { ...keys.appRegistration(registration.provider), ...attributes(registration) } });
  },

  /** For a provider that is no longer configured. */
  async remove(provider: ProviderName): Promise<void> {
    await table.write({ delete: keys.appRegistration(provider) });
  },

  /** Every registration that a worker has met, with what is known against its provider: one round trip. */
  async describeAll(): Promise<readonly AppRegistrationDescription[]> {
    const items = await table.getMany(
      PROVIDERS.flatMap((provider) => [keys.appRegistration(provider), keys.coolDown(provider)]),
    );
    return PROVIDERS.flatMap((_, index) => {
      const registration = items[2 * index];
      const { coolDown } = coolDownFromItem(items[2 * index + 1]);
      return registration === undefined ? [] : [{ ...entity<AppRegistration>(registration), coolDown }];
    });
  },
});
