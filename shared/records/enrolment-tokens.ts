import type { EnrolmentToken } from '../domain/entities.ts';
import type { Table, Write } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

export const enrolmentTokenRecords = (table: Table) => ({
  async create(token: EnrolmentToken): Promise<void> {
    await table.write({
      put: { ...keys.enrolmentToken(token.tokenHash), ...attributes(token) },
      when: { absent: true },
    });
  },

  async get(tokenHash: string): Promise<EnrolmentToken | undefined> {
    const item = await table.get(keys.enrolmentToken(tokenHash));
    return item && entity<EnrolmentToken>(item);
  },

  /** The write that takes one use, to be carried out together with what it is used for. */
  useOnce({ tokenHash, usesLeft }: EnrolmentToken): Write {
    return {
      update: keys.enrolmentToken(tokenHash),
      changes: { add: { usesLeft: -1 } },
      when: { equals: { usesLeft } },
    };
  },
});
