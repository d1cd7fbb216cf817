import type { Table } from '../ports/table.ts';
import { entity, keys } from './items.ts';

/** A person at the console. Found by the hash of the cookie; `csrfToken` must come back with every form. */
export interface Session {
  readonly csrfToken: string;
  readonly expiresAt: number;
}

export const sessionRecords = (table: Table) => ({
  async create(tokenHash: string, session: Session): Promise<void> {
    await table.write({ put: { ...keys.session(tokenHash), ...session } });
  },

  async get(tokenHash: string, now: number): Promise<Session | undefined> {
    const item = await table.get(keys.session(tokenHash));
    const session = item && entity<Session>(item);
    return session && session.expiresAt > now ? session : undefined;
  },

  async remove(tokenHash: string): Promise<void> {
    await table.write({ delete: keys.session(tokenHash) });
  },
});

export type SessionRecords = ReturnType<typeof sessionRecords>;
