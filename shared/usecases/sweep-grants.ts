import { pauseAt, pauseBefore } from '../domain/cool-down.ts';
import { PROVIDERS } from '../domain/provider.ts';
import { dueShards, placeWithin } from '../domain/timing.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Table } from '../ports/table.ts';
import type { Message, WorkQueue } from '../ports/work-queue.ts';
import type { Records } from '../records/index.ts';

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

/** A part of the due index, and how many of its first entries were taken. */
interface Shard {
  readonly shard: string;
  readonly limit: number;
  readonly taken: number;
}

/**
 * Puts what is due into the queue. After an hour without sweeps all of that hour is due at once: it is caught up with at
 * `grantsPerSecond`, the oldest first, and the queue is never filled beyond one period's work. A provider that is being
 * spared is left out, and after that only a few grants go first, to find out whether it is well again. The index may be stale, so the worker
 * looks again.
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
    const { waiting } = await queue.depth();
    let open: Shard[] = [];
    for (const provider of PROVIDERS) {
      const { coolDown } = await coolDowns.get(provider);
      if (pauseAt(coolDown, now) !== undefined) continue;
      const limit = pauseBefore(coolDown, now) === undefined ? Number.POSITIVE_INFINITY : 1;
      open.push(...dueShards(`grant-${provider}`).map((shard) => ({ shard, limit, taken: 0 })));
    }
    let room = Math.max(0, Math.floor(periodSeconds * grantsPerSecond) - waiting);
    let count = 0;
    do {
      const full: Shard[] = [];
      for (const [index, { shard, limit, taken }] of open.entries()) {
        if (room === 0) break;
        // Each shard its share of what room is left, so that none is starved by those before it.
        const most = Math.min(limit, taken + Math.ceil(room / (open.length - index)));
        const due = await table.due(shard, now, most);
        const messages = due.slice(taken).map(({ pk }): Message => {
          const mailboxId = mailboxIdOf(pk);
          const work: GrantWork = { mailboxId };
          return { body: JSON.stringify(work), delaySeconds: placeWithin(periodSeconds, mailboxId) };
        });
        await queue.sendAll(messages);
        count += messages.length;
        room -= messages.length;
        if (due.length === most && most < limit) full.push({ shard, limit, taken: most });
      }
      // What some left, a provider that nobody uses for one, is for the others.
      open = full;
    } while (open.length > 0 && room >= open.length);
    if (count > 0) log.info('grants.swept', { count, waiting });
    return count;
  };
