import type { Organization } from '../domain/entities.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys, queryAll } from './items.ts';

export const organizationRecords = (table: Table) => ({
  async create(organization: Organization): Promise<void> {
    await table.write({ put: { ...keys.organization(organization.id), ...attributes(organization) } });
  },

  async get(id: string): Promise<Organization | undefined> {
    const item = await table.get(keys.organization(id));
    return item && entity<Organization>(item);
  },

  async list(): Promise<readonly Organization[]> {
    return (await queryAll(table, keys.organizations.pk)).map((item) => entity<Organization>(item));
  },

  /** False when there is no such organization. */
  async update(id: string, changes: Partial<Pick<Organization, 'name' | 'locale' | 'enabled'>>): Promise<boolean> {
    const update = {
      update: keys.organization(id),
      changes: { set: attributes(changes) },
      when: { present: true },
    } as const;
    return (await table.write(update)) === 'written';
  },

  /** True when it still has devices or mailboxes. */
  async isInUse(id: string): Promise<boolean> {
    const { pk } = keys.deviceOf(id, '');
    return (await table.query(pk, { limit: 1 })).items.length > 0;
  },

  async remove(id: string): Promise<void> {
    await table.write({ delete: keys.organization(id) });
  },
});
