import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { PACE, WORKED_PER_SECOND } from '../scale/deployment.ts';
import { DAYS_OF_MONTH, monthOf, sumOf } from '../scale/month.ts';
import type { SimulatedRun, Simulation } from '../scale/simulate.ts';
import type { Day } from '../scale/tally.ts';

/** Devices, each with a mailbox of its own: the dearest case. */
export const FLEETS = [100, 1000, 100_000] as const;

export type Fleet = (typeof FLEETS)[number];

/** What was simulated: three minutes for the largest fleet, so that it is kept. A test simulates the week anew. */
export const MONTHS_FILE = new URL('months.json', import.meta.url);

interface Kept {
  readonly months: Readonly<Record<Fleet, Day>>;
  /** The first one of a thousand devices. */
  readonly week: Day;
}

export const kept = (): Kept => JSON.parse(readFileSync(MONTHS_FILE, 'utf8'));

const WEEK_OF = 1000;
const DAYS_OF_WEEK = 7;

/** The very month of docs/scale.md. */
const monthOfFleet = (devices: number): Simulation => ({
  mailboxes: devices,
  days: DAYS_OF_MONTH,
  seed: 1,
  pace: PACE,
  workedPerSecond: WORKED_PER_SECOND,
});

const inThread = (simulation: Simulation): Promise<SimulatedRun> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(new URL('../scale/thread.ts', import.meta.url), { workerData: simulation });
    thread.once('message', resolve);
    thread.once('error', reject);
  });

export const simulateWeek = async (): Promise<Day> =>
  sumOf((await inThread({ ...monthOfFleet(WEEK_OF), days: DAYS_OF_WEEK })).byDay);

export const simulateAll = async (): Promise<Kept> => {
  const ofFleet = async (devices: Fleet): Promise<Day> => monthOf(await inThread(monthOfFleet(devices)));
  const [hundred, thousand, hundredThousand] = await Promise.all([ofFleet(100), ofFleet(1000), ofFleet(100_000)]);
  return { months: { 100: hundred, 1000: thousand, 100000: hundredThousand }, week: await simulateWeek() };
};
