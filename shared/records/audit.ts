import type { AuditEntry } from '../domain/entities.ts';
import { timeSortedId } from '../domain/identifiers.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

export const auditRecords = (table: Table, clock: Clock, random: Random) => ({
  async add(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    const now = clock.now();
    const id = timeSortedId('aud', now, random.bytes);
    const whole: AuditEntry = { ...entry, id, at: Math.floor(now / 1000) };
    await table.write({ put: { ...keys.audit(entry.organizationId, id), ...attributes(whole) } });
  },

  /** Newest first; `before` is the id of the last one seen. */
  async list(organizationId: string | undefined, limit: number, before?: string): Promise<readonly AuditEntry[]> {
    const { pk } = keys.audit(organizationId, '');
    const page = await table.query(pk, { limit, descending: true, ...(before === undefined ? {} : { after: before }) });
    return page.items.map((item) => entity<AuditEntry>(item));
  },
});
