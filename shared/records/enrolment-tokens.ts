import type { EnrolmentToken } from '../domain/entities.ts';
import type { Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

export const enrolmentTokenRecords = (table: Table) => ({
  /** The token under its hash, for whoever presents it; and its id, for whoever looks after it. */
  async create(token: EnrolmentToken): Promise<void> {
    const { organizationId, id, tokenHash, expiresAt } = token;
    await table.writeAll([
      { put: { ...keys.enrolmentToken(tokenHash), ...attributes(token) }, when: { absent: true } },
      { put: { ...keys.enrolmentTokenOf(organizationId, id), tokenHash, expiresAt } },
    ]);
  },

  async get(tokenHash: string): Promise<EnrolmentToken | undefined> {
    const item = await table.get(keys.enrolmentToken(tokenHash));
    return item && entity<EnrolmentToken>(item);
  },

  async list(organizationId: string): Promise<readonly EnrolmentToken[]> {
    const links = await queryAll(table, keys.enrolmentTokenOf(organizationId, '').pk);
    const found = await getAll(
      table,
      links.map((link) => keys.enrolmentToken(String(link.tokenHash))),
    );
    return found.map((item) => entity<EnrolmentToken>(item));
  },

  /** The write that takes one use, to be carried out together with what it is used for. */
  useOnce({ tokenHash, usesLeft }: EnrolmentToken): Write {
    return {
      update: keys.enrolmentToken(tokenHash),
      changes: { add: { usesLeft: -1 } },
      when: { equals: { usesLeft } },
    };
  },

  /** Takes what uses are left, so that a registration under way fails. */
  async revoke({ tokenHash }: EnrolmentToken, revokedAt: number): Promise<void> {
    const changes = { set: { usesLeft: 0, revokedAt } };
    await table.write({ update: keys.enrolmentToken(tokenHash), changes, when: { present: true } });
  },
});
