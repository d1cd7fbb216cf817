import { type CoolDown, pauseAt, pauseBefore } from '../../domain/cool-down.ts';
import { PROVIDERS, type ProviderName } from '../../domain/provider.ts';
import { type DueKind, dueShards, grantDueKind } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Due, Table } from '../../ports/table.ts';
import type { Message, WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';

/** The sweep's message to a worker; also how a device's fetch asks for a refresh in the background. */
export interface GrantWork {
  readonly mailboxId: string;
}

export const mailboxIdOf = (pk: string): string => pk.slice('mailbox#'.length);

export interface SweepPace {
  /** How often it runs: what it finds is spread over that time. */
  readonly periodSeconds: number;
  /** The rate at which it lets work through; what is due beyond it waits for the next sweep. */
  readonly grantsPerSecond: number;
}

/** What a sweep takes from one shard of the due index; `limit` where only a few are let through. */
interface Shard {
  readonly shard: string;
  readonly limit: number;
  readonly taken: number;
}

const shardsOf = (kind: DueKind, limit: number): readonly Shard[] =>
  dueShards(kind).map((shard) => ({ shard, limit, taken: 0 }));

/** So few in a second need no spreading. */
const AT_ONCE = 10;

/** The oldest of each shard: to each its share of the room, and what some leave, a provider that nobody uses, to the others. */
const takeDue = async (table: Table, shards: readonly Shard[], now: number, most: number): Promise<readonly Due[]> => {
  const found: Due[] = [];
  let open = shards;
  do {
    const full: Shard[] = [];
    for (const [index, { shard, limit, taken }] of open.entries()) {
      const room = most - found.length;
      if (room === 0) return found;
      const share = Math.min(limit, taken + Math.ceil(room / (open.length - index)));
      const due = await table.due(shard, now, share);
      found.push(...due.slice(taken));
      if (due.length === share && share < limit) full.push({ shard, limit, taken: share });
    }
    open = full;
  } while (open.length > 0 && most - found.length >= open.length);
  return found;
};

/** The oldest of each shard alone: how much there is beyond the room is not asked. */
const peekDue = async (table: Table, shards: readonly Shard[], now: number): Promise<readonly Due[]> =>
  (await Promise.all(shards.map(({ shard }) => table.due(shard, now, 1)))).flat();

/** The oldest first, spread evenly over the time until the next sweep. */
const workFor = (due: readonly Due[], periodSeconds: number): readonly Message[] => {
  const perSecond = Math.max(AT_ONCE, Math.ceil(due.length / periodSeconds));
  return [...due]
    .sort((a, b) => a.dueAt - b.dueAt)
    .map(({ pk }, index) => {
      const work: GrantWork = { mailboxId: mailboxIdOf(pk) };
      return { body: JSON.stringify(work), delaySeconds: Math.floor(index / perSecond) };
    });
};

/**
 * Puts what is due into the queue. After an hour without sweeps all of that hour is due at once: it is caught up with at
 * `grantsPerSecond`, and the queue is never filled beyond one period's work. A provider that is being spared is left out, which
 * is told once a minute, and after that only a few grants go first, to find out whether it is well again. Of the registrations that organizations
 * have brought the sweep knows nothing: the worker makes the grants of one that is being spared wait. The index may be stale,
 * so the worker looks again.
 */
export const makeSweepGrants =
  ({
    table,
    coolDowns,
    queue,
    clock,
    log,
    pace: { periodSeconds, grantsPerSecond },
  }: {
    table: Table;
    coolDowns: Records['coolDowns'];
    queue: WorkQueue;
    clock: Clock;
    log: Log;
    pace: SweepPace;
  }) =>
  async (): Promise<number> => {
    const now = epochSeconds(clock);
    const tellLeftOut = (provider: ProviderName, { cause, code, until }: CoolDown): void => {
      // Once a minute: one machine sweeps more often.
      if (now % 60 >= periodSeconds) return;
      log.info('provider.left_out', { provider, cause, code, pause_seconds: until - now });
    };
    const { waiting } = await queue.depth();
    const shards: Shard[] = [];
    for (const provider of PROVIDERS) {
      const { coolDown } = await coolDowns.get({ provider });
      const pause = pauseAt(coolDown, now);
      if (pause !== undefined) {
        tellLeftOut(provider, pause);
        continue;
      }
      const limit = pauseBefore(coolDown, now) === undefined ? Number.POSITIVE_INFINITY : 1;
      shards.push(...shardsOf(grantDueKind({ provider }), limit));
    }
    shards.push(...shardsOf('grant-own', Number.POSITIVE_INFINITY));
    const room = Math.max(0, Math.floor(periodSeconds * grantsPerSecond) - waiting);
    const due = await takeDue(table, shards, now, room);
    await queue.sendAll(workFor(due, periodSeconds));
    // What was taken holds the oldest, unless there was not even room for one of each shard.
    const known = room < shards.length ? await peekDue(table, shards, now) : due;
    if (known.length > 0) {
      const oldest = Math.min(...known.map(({ dueAt }) => dueAt));
      log.info('grants.swept', { count: due.length, waiting, oldest_due_seconds: now - oldest });
    }
    return due.length;
  };
