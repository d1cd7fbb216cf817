/**
 * `npm run scale`: simulates fleets of three sizes and writes docs/scale.md and docs/scale.svg, the same in every run.
 * `--whole` simulates all thirty days of the largest one too.
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

/** One to catch up, and two of steady state. */
const DAYS_OF_MILLION = 3;

const common = { seed: 1, pace: PACE, workedPerSecond: WORKED_PER_SECOND };
const million: Simulation = {
  ...common,
  mailboxes: 1_000_000,
  days: process.argv.includes('--whole') ? DAYS_OF_MONTH : DAYS_OF_MILLION,
};
const hundredThousand: Simulation = { ...common, mailboxes: 100_000, days: DAYS_OF_MONTH };
const thousand: Simulation = { ...common, mailboxes: 1000, days: DAYS_OF_MONTH };
/** Closed on the first Thursday and Friday, and simulated to the morning after the Monday on which they come back. */
const closed: Simulation = { ...common, mailboxes: 100_000, days: 8, freeDays: [3, 4] };

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
const report = reportOf({ runs, wholeMonth: runOfHundredThousand, closed: runOfClosed, costs });
await writeFile(new URL('../../../docs/scale.md', import.meta.url), report);
await writeFile(new URL('../../../docs/scale.svg', import.meta.url), plotOf(runs, TARGET_PEAK));
console.log('Written: docs/scale.md, docs/scale.svg');
