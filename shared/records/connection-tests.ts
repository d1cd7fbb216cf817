import { TEST_PAUSE_SECONDS } from '../domain/connection-test.ts';
import type { Table } from '../ports/table.ts';
import { keys } from './items.ts';

/** When each mailbox was tested last. */
export const connectionTestRecords = (table: Table) => ({
  /** Notes that a test begins now; or, if one has begun just before, how many seconds to wait. Of two at once one begins. */
  async begin(mailboxId: string, now: number): Promise<{ readonly waitSeconds: number }> {
    const key = keys.connectionTest(mailboxId);
    const item = await table.get(key);
    const last = typeof item?.begunAt === 'number' ? item.begunAt : undefined;
    const waitSeconds = last === undefined ? 0 : Math.min(last + TEST_PAUSE_SECONDS - now, TEST_PAUSE_SECONDS);
    if (waitSeconds > 0) return { waitSeconds };
    const outcome = await table.write({
      put: { ...key, begunAt: now, expiresAt: now + 2 * TEST_PAUSE_SECONDS },
      when: last === undefined ? { absent: true } : { equals: { begunAt: last } },
    });
    return { waitSeconds: outcome === 'written' ? 0 : TEST_PAUSE_SECONDS };
  },
});
