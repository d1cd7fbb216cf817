import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newKeySetText } from '../../shared/adapters/key-ring/key-set.ts';
import { makeDueGrants } from './due-grants.ts';
import { print } from './figures.ts';
import type { SweepFigures, SweepInputs } from './sweep-process.ts';

const GRANTS = 100_000;
/** Refreshing all of them would take minutes; a part, and no longer than this, tells the rate. */
const REFRESHED = 10_000;
const REFRESH_FOR_MS = 30_000;
const TARGET_MB = 256;

const PROGRAM = fileURLToPath(new URL('sweep-process.ts', import.meta.url));

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MB`;

/** A hundred thousand due grants in a database file: one sweep, then refreshes at a provider that answers at once. */
export const benchSweep = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const path = join(folder, 'broker.sqlite');
  const keySetText = newKeySetText();
  try {
    const refreshable = await makeDueGrants(path, keySetText, { count: GRANTS, refreshable: REFRESHED });
    const program = fork(PROGRAM, [path]);
    program.send({ keySetText, refreshable, refreshForMs: REFRESH_FOR_MS } satisfies SweepInputs);
    const ended = once(program, 'exit').then(([code]) => {
      throw new Error(`the sweeping process ended with ${code}`);
    });
    const [figures] = (await Promise.race([once(program, 'message'), ended])) as [SweepFigures];
    ended.catch(() => undefined);
    show(figures);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const show = ({ swept, sweepMs, sweepPeakBytes, refreshed, refreshMs, peakBytes }: SweepFigures): void => {
  const rate = (count: number, milliseconds: number): string => `${Math.round(count / (milliseconds / 1000))} a second`;
  print(`Sweep of ${GRANTS} due grants on SQLite without waiting for the disk, in a process of its own`, [
    [`${swept} put into a queue in memory`, rate(swept, sweepMs), `${(sweepMs / 1000).toFixed(1)} s`],
    [
      `${refreshed} of them refreshed too, instant provider`,
      rate(refreshed, refreshMs),
      `${(refreshMs / 1000).toFixed(1)} s`,
    ],
    ['peak memory, sweeping', megabytes(sweepPeakBytes), `target ${TARGET_MB} MB`],
    ['peak memory, refreshing too', megabytes(peakBytes), `target ${TARGET_MB} MB`],
  ]);
};
