import type { RefreshTokenFamily } from '../domain/refresh-token-family.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

export const refreshTokenFamilyRecords = (table: Table) => ({
  async create(family: RefreshTokenFamily): Promise<void> {
    await table.write({
      put: { ...keys.refreshTokenFamily(family.id), ...attributes(family) },
      when: { absent: true },
    });
  },

  async get(id: string): Promise<RefreshTokenFamily | undefined> {
    const item = await table.get(keys.refreshTokenFamily(id));
    return item && entity<RefreshTokenFamily>(item);
  },

  /** False: it was used by another meanwhile, or is gone. */
  async update(
    { id, currentHash }: RefreshTokenFamily,
    set: Partial<Pick<RefreshTokenFamily, 'currentHash' | 'formerHash' | 'expiresAt'>>,
  ): Promise<boolean> {
    const update = { update: keys.refreshTokenFamily(id), changes: { set: attributes(set) } };
    return (await table.write({ ...update, when: { equals: { currentHash } } })) === 'written';
  },

  /** None of its tokens is good any more. */
  async remove(id: string): Promise<void> {
    await table.write({ delete: keys.refreshTokenFamily(id) });
  },
});
