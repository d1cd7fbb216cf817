/**
 * `npm run scale`: simulates fleets of three sizes and writes docs/scale.md and docs/scale.svg, the same in every run. Takes
 * about half an hour, nearly all of it for the largest.
 */
import { writeFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { FleetCosts } from './bill.ts';
import { measureCosts, type VaultName } from './costs.ts';
import { PACE, WORKED_PER_SECOND } from './deployment.ts';
import { DAYS_OF_MONTH } from './month.ts';
import { plotOf } from './plot.ts';
import { reportOf, TARGET_PEAK } from './report.ts';
import type { SimulatedRun, Simulation } from './simulate.ts';

const month = { days: DAYS_OF_MONTH, seed: 1, pace: PACE, workedPerSecond: WORKED_PER_SECOND };
const million: Simulation = { ...month, mailboxes: 1_000_000 };
const hundredThousand: Simulation = { ...month, mailboxes: 100_000 };
const thousand: Simulation = { ...month, mailboxes: 1000 };
/** Closed on the first Thursday and Friday, and simulated to the morning after the Monday on which they come back. */
const closed: Simulation = { ...month, mailboxes: 100_000, days: 8, freeDays: [3, 4] };

/** In a thread of its own, since each takes minutes. */
const run = (simulation: Simulation): Promise<SimulatedRun> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL('thread.ts', import.meta.url), { workerData: simulation });
    thread.once('message', resolve);
    thread.once('error', reject);
  });

const costsOf = async (vault: VaultName): Promise<FleetCosts> => ({
  microsoft: await measureCosts('microsoft', vault),
  google: await measureCosts('google', vault),
});

const [runOfThousand, runOfHundredThousand, runOfMillion, runOfClosed] = await Promise.all([
  run(thousand),
  run(hundredThousand),
  run(million),
  run(closed),
]);
const runs = [runOfThousand, runOfHundredThousand, runOfMillion];
const costs = { 'secrets-manager': await costsOf('secrets-manager'), envelope: await costsOf('envelope') };
const report = reportOf({ runs, closed: runOfClosed, costs });
await writeFile(new URL('../../../docs/scale.md', import.meta.url), report);
await writeFile(new URL('../../../docs/scale.svg', import.meta.url), plotOf(runs, TARGET_PEAK));
console.log('Written: docs/scale.md, docs/scale.svg');
