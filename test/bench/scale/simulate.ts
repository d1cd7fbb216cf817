import { PROVIDERS } from '../../../shared/domain/provider.ts';
import { dueShards, grantDueKind } from '../../../shared/domain/timing.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Due, Table } from '../../../shared/ports/table.ts';
import type { WorkQueue } from '../../../shared/ports/work-queue.ts';
import { coolDownRecords } from '../../../shared/records/cool-downs.ts';
import { makeSweepGrants, type SweepPace } from '../../../shared/usecases/grants/sweep-grants.ts';
import { type Chance, seededChance } from './chance.ts';
import { type Fleet, makeFleet } from './fleet.ts';
import { type Day, MINUTES_OF_DAY, makeTally } from './tally.ts';
import { ALERTS_PER_SECOND, START, scansPerSecond } from './usage.ts';

export interface Simulation {
  readonly mailboxes: number;
  readonly days: number;
  readonly seed: number;
  readonly pace: SweepPace;
  /** Grants that all workers together finish in a second. */
  readonly workedPerSecond: number;
  /** Working days on which nobody scans, counted from the day of the start. */
  readonly freeDays?: readonly number[];
}

export interface SimulatedRun extends Simulation {
  readonly callsByMinute: Uint32Array;
  readonly storesByMinute: Uint32Array;
  readonly byDay: readonly Day[];
  /** From the start until a sweep left nothing behind, and its period was over. */
  readonly caughtUpAfterMinutes: number;
}

/** How many fetches of all scanning, and of all alerting mailboxes fall into a second. */
export interface Usage {
  scans(scanning: number, at: number, chance: Chance): number;
  alerts(alerting: number, at: number, chance: Chance): number;
}

const modelled = (freeDays: readonly number[] | undefined): Usage => ({
  scans: (scanning, at, chance) => chance.count(scansPerSecond(at, freeDays) * scanning),
  alerts: (alerting, _at, chance) => chance.count(ALERTS_PER_SECOND * alerting),
});

/** Those of the broker's registrations; no organization has brought its own. */
export const SHARDS = PROVIDERS.flatMap((provider) => dueShards(grantDueKind({ provider })));

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const unused = (): never => {
  throw new Error('a sweep has no use for this');
};

/** Messages by the second of the sweep's period in which they are shown; what the workers do not get done waits on. */
const makeQueue = (seconds: number) => {
  const bySecond: number[][] = Array.from({ length: seconds }, () => []);
  let late: number[] = [];
  let waiting = 0;
  return {
    depth: () => waiting,
    add(grant: number, delaySeconds: number): void {
      bySecond[Math.min(delaySeconds, seconds - 1)]?.push(grant);
      waiting++;
    },
    /** What is worked on in this second, those that waited first. */
    take(second: number, most: number): readonly number[] {
      const shown = bySecond[second] ?? [];
      bySecond[second] = [];
      const all = late.length === 0 ? shown : late.concat(shown);
      late = all.length > most ? all.slice(most) : [];
      const taken = all.length > most ? all.slice(0, most) : all;
      waiting -= taken.length;
      return taken;
    },
  };
};

type Queue = ReturnType<typeof makeQueue>;

/** The broker's own sweep, over the calendar in place of the due index and the simulated queue in place of SQS. */
const makeSweep = (fleet: Fleet, queue: Queue, clock: Clock, pace: SweepPace) => {
  /** What the sweep found, in order. Its messages come in the same, so that none has to be looked up by its id. */
  const found: number[] = [];
  /** How many of a shard it has found already, when it asks for more of them. */
  const foundIn = new Map<string, number>();
  const table: Table = {
    get: async () => undefined,
    due: async (shard, until, limit) => {
      const index = SHARDS.indexOf(shard);
      if (index < 0) return [];
      const due = fleet.due(index, until, limit);
      found.push(...due.slice(foundIn.get(shard) ?? 0));
      foundIn.set(shard, due.length);
      return due.map((grant): Due => ({ pk: `mailbox#${fleet.idOf(grant)}`, sk: 'grant', dueAt: until }));
    },
    getMany: unused,
    write: unused,
    writeAll: unused,
    query: unused,
  };
  const workQueue: WorkQueue = {
    depth: async () => ({ waiting: queue.depth(), dead: 0 }),
    sendAll: async (messages) => {
      if (messages.length !== found.length) throw new Error('the sweep sends all that it finds');
      for (const [index, { delaySeconds = 0 }] of messages.entries()) queue.add(found[index] ?? 0, delaySeconds);
    },
    send: unused,
    receive: unused,
    done: unused,
    retryLater: unused,
  };
  const sweepGrants = makeSweepGrants({
    table,
    coolDowns: coolDownRecords(table),
    queue: workQueue,
    clock,
    log: quiet,
    pace,
  });
  return async (): Promise<number> => {
    const count = await sweepGrants();
    // In the table it is there until a worker gives it another due time, which is before the next sweep.
    for (const grant of found.splice(0)) fleet.leaveIndex(grant);
    foundIn.clear();
    return count;
  };
};

/** Days of a fleet, from the worst start: every token dead, everything due, and all offices at work. */
export const simulate = async (
  simulation: Simulation,
  usage: Usage = modelled(simulation.freeDays),
): Promise<SimulatedRun> => {
  const { mailboxes, days, seed, pace, workedPerSecond } = simulation;
  const chance = seededChance(seed);
  const tally = makeTally(START, days);
  const fleet = makeFleet({ mailboxes, shards: SHARDS, start: START }, chance, tally);
  const queue = makeQueue(pace.periodSeconds);
  let now = START;
  const sweep = makeSweep(fleet, queue, { now: () => now * 1000, sleep: async () => undefined }, pace);
  let caughtUpAfterMinutes = 0;

  const use = (first: number, count: number, at: number): void => {
    for (let times = 0; times < count; times++) {
      const grant = first + chance.whole(first === 0 ? fleet.scanning : fleet.alerting);
      if (!fleet.fetch(grant, at)) continue;
      queue.add(grant, 0);
      tally.queued(1, at);
    }
  };

  const sweeps = (days * MINUTES_OF_DAY * 60) / pace.periodSeconds;
  for (let round = 0; round < sweeps; round++) {
    tally.queued(await sweep(), now);
    if (caughtUpAfterMinutes === 0 && !fleet.isBehind(now)) {
      caughtUpAfterMinutes = (round + 1) * (pace.periodSeconds / 60);
    }
    for (let second = 0; second < pace.periodSeconds; second++, now++) {
      for (const grant of queue.take(second, workedPerSecond)) fleet.maintain(grant, now);
      use(0, usage.scans(fleet.scanning, now, chance), now);
      use(fleet.scanning, usage.alerts(fleet.alerting, now, chance), now);
    }
  }
  const { callsByMinute, storesByMinute, byDay } = tally;
  return { ...simulation, callsByMinute, storesByMinute, byDay, caughtUpAfterMinutes };
};
