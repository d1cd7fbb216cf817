import type { NoticeName } from '../domain/notice.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys } from './items.ts';

/** A link in a notice, by which somebody begins a sign-in. It is found by the hash of its token. */
export interface ReconnectLink {
  readonly mailboxId: string;
  /** Good for as long as this is open, and still the same. */
  readonly noticeId: string;
  readonly name: NoticeName;
  readonly endsAt: number;
}

/** Kept a while after it ran out, so that whoever finds the mail late is told so. */
const KEPT_SECONDS = 60 * 86_400;

export const reconnectLinkRecords = (table: Table) => ({
  async create(tokenHash: string, link: ReconnectLink): Promise<void> {
    const put = { ...keys.reconnectLink(tokenHash), ...attributes(link), expiresAt: link.endsAt + KEPT_SECONDS };
    await table.write({ put });
  },

  async get(tokenHash: string): Promise<ReconnectLink | undefined> {
    const item = await table.get(keys.reconnectLink(tokenHash));
    return item && entity<ReconnectLink>(item);
  },
});
