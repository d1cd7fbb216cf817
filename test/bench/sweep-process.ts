/**
 * Sweeps and refreshes the database named by its argument, in a process of its own, so that its memory is that work's
 * alone. What it finds goes by IPC.
 */
import { once } from 'node:events';
import type { Log } from '../../shared/ports/log.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';
import { makeMaintainGrant } from '../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../shared/usecases/grants/refresh-grant.ts';
import { type GrantWork, makeSweepGrants } from '../../shared/usecases/grants/sweep-grants.ts';
import { brokerOver } from './due-grants.ts';
import { timed } from './figures.ts';

/** Wide open: one sweep lets everything through, and the workers find it at once. */
const PACE = { periodSeconds: 1, grantsPerSecond: 1_000_000 };

/** As many as one machine has in hand, and SQS gives at a time. */
const AT_ONCE = 10;

export interface SweepInputs {
  readonly keySetText: string;
  /** Those that can be refreshed. */
  readonly refreshable: readonly string[];
  readonly refreshForMs: number;
}

export interface SweepFigures {
  readonly swept: number;
  readonly sweepMs: number;
  readonly sweepPeakBytes: number;
  readonly refreshed: number;
  readonly refreshMs: number;
  readonly peakBytes: number;
}

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** `maxRSS` is in kilobytes (Node, process.resourceUsage). */
const peakBytes = (): number => process.resourceUsage().maxRSS * 1024;

const [{ keySetText, refreshable, refreshForMs }] = (await once(process, 'message')) as [SweepInputs];
const broker = brokerOver(process.argv[2] ?? '', keySetText);
const { table, records, clock } = broker;
/** All of it in memory, which is the worst case for that. */
const bodies: string[] = [];
const unused = (): never => {
  throw new Error('a sweep has no use for this');
};
const queue: WorkQueue = {
  depth: async () => ({ waiting: bodies.length, dead: 0 }),
  sendAll: async (messages) => {
    for (const { body } of messages) bodies.push(body);
  },
  send: unused,
  receive: unused,
  done: unused,
  retryLater: unused,
};
const common = { ...broker, log: quiet };
const refreshGrant = makeRefreshGrant(common);
const maintainGrant = makeMaintainGrant({ ...common, refreshGrant });
const sweepGrants = makeSweepGrants({ table, coolDowns: records.coolDowns, queue, clock, log: quiet, pace: PACE });

let swept = 0;
const sweepMs = await timed(async () => {
  swept = await sweepGrants();
});
const sweepPeakBytes = peakBytes();

const wanted = new Set(refreshable);
const work = bodies.map((body): GrantWork => JSON.parse(body)).filter(({ mailboxId }) => wanted.has(mailboxId));
let refreshed = 0;
const refreshMs = await timed(async () => {
  for (const until = clock.now() + refreshForMs; refreshed < work.length && clock.now() < until; refreshed += AT_ONCE) {
    await Promise.all(work.slice(refreshed, refreshed + AT_ONCE).map(maintainGrant));
  }
});
const sample = await records.grants.get(work[0]?.mailboxId ?? '');
if (sample.revision !== 2) throw new Error('nothing was refreshed');
process.send?.({ swept, sweepMs, sweepPeakBytes, refreshed, refreshMs, peakBytes: peakBytes() } satisfies SweepFigures);
process.disconnect();
