import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

/** A person at the console. Found by the hash of the cookie; `csrfToken` must come back with every form. */
export interface Session {
  readonly csrfToken: string;
  readonly expiresAt: number;
  readonly key: SessionKey;
}

/** The admin key that a session was begun with: the one the broker was set up with, or one that was made, and can be revoked. */
export type SessionKey = { readonly kind: 'root' } | { readonly kind: 'made'; readonly keyHash: string };

export const sessionRecords = (table: Table) => ({
  async create(tokenHash: string, session: Session): Promise<void> {
    await table.write({ put: { ...keys.session(tokenHash), ...attributes(session) } });
  },

  async get(tokenHash: string, now: number): Promise<Session | undefined> {
    const item = await table.get(keys.session(tokenHash));
    const session = item && entity<Session>(item);
    // One of an earlier version has no key. Its owner logs in once more.
    return session?.key && session.expiresAt > now ? session : undefined;
  },

  async remove(tokenHash: string): Promise<void> {
    await table.write({ delete: keys.session(tokenHash) });
  },
});
