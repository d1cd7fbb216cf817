import type { Mailbox } from '../../domain/entities.ts';
import type { BrokerError } from '../../domain/errors.ts';
import { audiencesInUse, isLive, type LiveGrant, lapsesAt, provenAt, warningDue } from '../../domain/grant.ts';
import { AUDIENCES } from '../../domain/provider.ts';
import { planRefresh } from '../../domain/refresh-plan.ts';
import { dueShards, GRANT_DUE_KINDS, nextKeepAliveAt, placeWithin } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Table } from '../../ports/table.ts';
import type { Records } from '../../records/index.ts';
import { makeNotices } from '../notices/raise-notice.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import { type GrantWork, mailboxIdOf } from './sweep-grants.ts';

/** More grants in a shard than one machine will ever have. */
const ALL_OF_A_SHARD = 100_000;

/**
 * At the start of the only process there is: whoever was refreshing is dead, and nobody need wait for its lease. What an
 * earlier version listed as due is listed as this one does.
 */
export const makeRecoverGrants =
  ({ table, grants }: { table: Table; grants: Records['grants'] }) =>
  async (): Promise<void> => {
    for (const shard of dueShards('grant')) {
      for (const { pk } of await table.due(shard, Number.MAX_SAFE_INTEGER, ALL_OF_A_SHARD)) {
        await grants.moveToShard(mailboxIdOf(pk));
      }
    }
    for (const shard of GRANT_DUE_KINDS.flatMap(dueShards)) {
      for (const { pk } of await table.due(shard, Number.MAX_SAFE_INTEGER, ALL_OF_A_SHARD)) {
        await grants.endLease(mailboxIdOf(pk));
      }
    }
  };

/** A grant whose upkeep crashes is looked at again after this; a mended fault shows itself soon enough. */
const POISON_RESTS_SECONDS = 600;

/** After a pause the first grant that comes by finds out; the others come within as long again, and not all at once. */
const restUntil = (mailboxId: string, pauseSeconds: number, now: number): number =>
  now + pauseSeconds + placeWithin(pauseSeconds, mailboxId);

const isScopeError = ({ kind }: BrokerError): boolean => kind === 'scope_not_granted' || kind === 'scope_not_offered';

/**
 * Does what is due for one grant, as `planRefresh` says, and looks at the grant itself: the sweep's message may be old,
 * or come twice. Grants of disabled organizations are left alone.
 */
export const makeMaintainGrant = ({
  records,
  refreshGrant,
  clock,
  random,
  log,
}: {
  records: Records;
  refreshGrant: RefreshGrant;
  clock: Clock;
  random: Random;
  log: Log;
}) => {
  const { grants } = records;
  const notices = makeNotices({ records, clock, random, log });

  /** Whoever looks after the mailbox is told 60, 30, 7 and 1 days before its sign-in lapses; each once. */
  const warn = async ({ id, organizationId, address }: Mailbox, grant: LiveGrant, revision: number, now: number) => {
    const at = lapsesAt(grant);
    const days = at === undefined ? undefined : warningDue(at, now);
    if (days === undefined || (grant.warnedDays !== undefined && grant.warnedDays <= days)) return;
    const { kind: reason, message: detail, code, correlationId } = grant.trouble ?? {};
    const about = { subject: id, mailboxId: id, organizationId, address };
    const why = { reason, detail, code, correlationId };
    await notices.raise({ kind: 'grant.expiring', ...about, daysLeft: days, ...why });
    await grants.noteWarning(id, revision, days);
    log.warn('grant.expiring', { mailbox_id: id, days, reason: grant.trouble?.kind, code: grant.trouble?.code });
    const warning = `The sign-in lapses within ${days} days unless it is used before.`;
    await records.audit.add({ organizationId, by: 'broker', action: 'grant.expiring', subject: id, detail: warning });
  };

  return async ({ mailboxId }: GrantWork): Promise<void> => {
    const askedAt = clock.now() / 1000;
    const mailbox = await records.mailboxes.get(mailboxId);
    if (mailbox === undefined) return;
    const organization = await records.organizations.get(mailbox.organizationId);
    const { grant, revision, lastUsedAt, tokens: cached } = await grants.getWithTokens(mailboxId, AUDIENCES);
    if (!isLive(grant)) return;
    const now = epochSeconds(clock);
    await warn(mailbox, grant, revision, now);
    if (!organization?.enabled) {
      // Not asked about, but not forgotten: the organization may be enabled again.
      await grants.postpone(mailboxId, revision, nextKeepAliveAt(mailboxId, now));
      return;
    }
    const tokens = Object.fromEntries(AUDIENCES.map((audience, index) => [audience, cached[index]]));
    const inUse = audiencesInUse(grant, lastUsedAt);
    const retryAt = grant.trouble?.retryAt;
    const plan = planRefresh({ mailboxId, lastUsedAt: inUse, tokens, provenAt: provenAt(grant), retryAt }, now);
    let left = plan.refresh.length;
    let restSeconds = 0;
    try {
      for (const audience of plan.refresh) {
        // As fresh as can be, unless another has just brought it.
        const done = await refreshGrant({ mailboxId, audience, minTtlSeconds: Number.MAX_SAFE_INTEGER, askedAt });
        // Used under an earlier sign-in and not part of this one, or refused just now: nothing to be renewed.
        if (done.outcome !== 'failed') continue;
        if (isScopeError(done.error)) left--;
        restSeconds = Math.max(restSeconds, done.error.retryAfterSeconds ?? 0);
      }
    } catch (error) {
      // Its message goes to the dead letters in the end; the sweep shall not send one like it every minute.
      await grants.postpone(mailboxId, revision, now + POISON_RESTS_SECONDS).catch(() => undefined);
      throw error;
    }
    if (left === 0) await grants.postpone(mailboxId, revision, plan.nextDueAt);
    // The sweep leaves out a provider that is spared, but not one organization's registration with it. Whatever was written of
    // this grant meanwhile stands, as it has another revision.
    else if (grant.registration === 'own' && restSeconds > 0) {
      await grants.postpone(mailboxId, revision, restUntil(mailboxId, restSeconds, epochSeconds(clock)));
    }
  };
};
