import type { AdminKey } from '../domain/entities.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

export const adminKeyRecords = (table: Table) => ({
  /** The key under its hash, for whoever presents it; and its id, for whoever looks after it. */
  async create(key: AdminKey): Promise<void> {
    const { id, keyHash } = key;
    await table.writeAll([
      { put: { ...keys.adminKey(keyHash), ...attributes(key) }, when: { absent: true } },
      { put: { ...keys.adminKeyOf(id), keyHash } },
    ]);
  },

  async get(keyHash: string): Promise<AdminKey | undefined> {
    const item = await table.get(keys.adminKey(keyHash));
    return item && entity<AdminKey>(item);
  },

  async list(): Promise<readonly AdminKey[]> {
    const links = await queryAll(table, keys.adminKeys.pk);
    const found = await getAll(
      table,
      links.map((link) => keys.adminKey(String(link.keyHash))),
    );
    return found.map((item) => entity<AdminKey>(item));
  },

  async revoke({ keyHash }: AdminKey, revokedAt: number): Promise<void> {
    await table.write({ update: keys.adminKey(keyHash), changes: { set: { revokedAt } }, when: { present: true } });
  },
});
