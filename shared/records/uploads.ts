import type { Upload } from '../domain/upload.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

/** Those that nobody handed in go by the table's own clock (`expiresAt`). */
export const uploadRecords = (table: Table) => ({
  async create(upload: Upload): Promise<void> {
    await table.write({ put: { ...keys.upload(upload.id), ...attributes(upload) } });
  },

  /** Undefined also where it has expired: the table drops old ones when it likes. */
  async get(id: string, now: number): Promise<Upload | undefined> {
    const item = await table.get(keys.upload(id));
    const upload = item && entity<Upload>(item);
    return upload && upload.expiresAt > now ? upload : undefined;
  },

  /** Absent is fine. */
  async delete(id: string): Promise<void> {
    await table.write({ delete: keys.upload(id) });
  },
});
