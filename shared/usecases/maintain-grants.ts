import { isLive } from '../domain/grant.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { dueShards, IN_USE_SECONDS, nextKeepAliveAt, renewAt } from '../domain/timing.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Table } from '../ports/table.ts';
import type { WorkQueue } from '../ports/work-queue.ts';
import type { Records } from '../records/index.ts';
import type { RefreshGrant } from './refresh-grant.ts';

/** A grant proven this recently needs no keep-alive. */
const RECENT_PROOF_SECONDS = 12 * 3600;

/** The sweep's message to a worker; also how a device's fetch asks for a refresh in the background. */
export interface GrantWork {
  readonly mailboxId: string;
}

/** At most this many of a shard in one sweep; the rest is still due a minute later. */
const SHARD_BATCH = 200;

/** Every minute: puts what is due into the queue. The index may be stale, so the worker looks again. */
export const makeSweepGrants =
  ({ table, queue, clock, log }: { table: Table; queue: WorkQueue; clock: Clock; log: Log }) =>
  async (): Promise<number> => {
    const now = epochSeconds(clock);
    let count = 0;
    for (const shard of dueShards('grant')) {
      for (const { pk } of await table.due(shard, now, SHARD_BATCH)) {
        const work: GrantWork = { mailboxId: pk.slice('mailbox#'.length) };
        await queue.send({ body: JSON.stringify(work) });
        count++;
      }
    }
    if (count > 0) log.info('grants.swept', { count });
    return count;
  };

/** More grants in a shard than one machine will ever have. */
const ALL_OF_A_SHARD = 100_000;

/** At the start of the only process there is: whoever was refreshing is dead, and nobody need wait for its lease. */
export const makeRecoverGrants =
  ({ table, grants }: { table: Table; grants: Records['grants'] }) =>
  async (): Promise<void> => {
    for (const shard of dueShards('grant')) {
      for (const { pk } of await table.due(shard, Number.MAX_SAFE_INTEGER, ALL_OF_A_SHARD)) {
        await grants.endLease(pk.slice('mailbox#'.length));
      }
    }
  };

/**
 * Does what is due for one grant: renews the tokens in use that are about to run out; once a day uses the refresh token
 * of an idle one, so that it stays alive and a dead one is noticed before somebody needs it. Grants of disabled
 * organizations are left alone.
 */
export const makeMaintainGrant =
  ({ records, refreshGrant, clock }: { records: Records; refreshGrant: RefreshGrant; clock: Clock }) =>
  async ({ mailboxId }: GrantWork): Promise<void> => {
    const { grants } = records;
    const askedAt = clock.now() / 1000;
    const mailbox = await records.mailboxes.get(mailboxId);
    const organization = mailbox && (await records.organizations.get(mailbox.organizationId));
    const { grant, revision, lastUsedAt, tokens } = await grants.getWithTokens(mailboxId, AUDIENCES);
    if (!isLive(grant)) return;
    const now = epochSeconds(clock);
    if (!organization?.enabled) {
      // Not asked about, but not forgotten: the organization may be enabled again.
      await grants.replace(mailboxId, revision, grant, nextKeepAliveAt(mailboxId, now));
      return;
    }

    let nextAt = nextKeepAliveAt(mailboxId, now);
    for (const [index, audience] of AUDIENCES.entries()) {
      if (now - (lastUsedAt[audience] ?? 0) >= IN_USE_SECONDS) continue;
      const token = tokens[index];
      const renew = token ? renewAt(token) : now;
      if (renew > now) nextAt = Math.min(nextAt, renew);
      // What is asked for is more life than the token has: a renewal, unless another has just brought it.
      else await refreshGrant({ mailboxId, audience, minTtlSeconds: token ? token.expiresAt - now + 1 : 1, askedAt });
    }

    const { grant: afterwards, revision: latest } = await grants.get(mailboxId);
    if (!isLive(afterwards) || latest !== revision) return;
    const { trouble } = afterwards;
    const provenAt = afterwards.state === 'active' ? afterwards.provenAt : 0;
    if (trouble && trouble.retryAt > now) {
      await grants.replace(mailboxId, latest, afterwards, Math.min(nextAt, trouble.retryAt));
    } else if (!trouble && now - provenAt < RECENT_PROOF_SECONDS) {
      await grants.replace(mailboxId, latest, afterwards, nextAt);
    } else {
      await refreshGrant({ mailboxId, audience: 'smtp', minTtlSeconds: Number.MAX_SAFE_INTEGER, askedAt });
    }
  };

export type MaintainGrant = ReturnType<typeof makeMaintainGrant>;
