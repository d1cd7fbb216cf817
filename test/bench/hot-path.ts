import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleFunction, bundlePath } from '../../scripts/build.ts';
import { median, percentile, print, ratio } from './figures.ts';
import { buildFloors } from './floors.ts';
import type { HotPathFigures, HotPathInputs } from './hot-path-process.ts';
import { startServedDevice } from './served-device.ts';

const PROGRAM = fileURLToPath(new URL('hot-path-process.ts', import.meta.url));

/** A warm fetch through the built bundle against a bare BatchGetItem of the same keys, on the same dynalite. */
export const benchHotPath = async (): Promise<void> => {
  await bundleFunction('fetch-token');
  const floors = await buildFloors();
  const device = await startServedDevice();
  const program = fork(PROGRAM, [floors.trimmed.path, bundlePath('fetch-token')], {
    env: { PATH: process.env.PATH, ...device.environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  program.send({ bareRead: device.bareRead, fetchEvent: device.fetchEvent } satisfies HotPathInputs);
  const ended = once(program, 'exit').then(([code]) => {
    throw new Error(`the measuring process ended with ${code}`);
  });
  const [figures] = (await Promise.race([once(program, 'message'), ended])) as [HotPathFigures];
  ended.catch(() => undefined);
  device.close();
  await floors.close();
  const { bareMs, fetchMs, bareCpuUs, fetchCpuUs } = figures;
  const row = (name: string, share: number): [string, string, string, string] => {
    const [floor, value] = [percentile(bareMs, share), percentile(fetchMs, share)];
    return [name, `${floor.toFixed(3)} ms`, `${value.toFixed(3)} ms`, ratio(value, floor)];
  };
  const [bareCpu, fetchCpu] = [median(bareCpuUs), median(fetchCpuUs)];
  print(
    `Warm fetch through the built bundle against a bare BatchGetItem of its ${device.keyCount} keys, same dynalite ` +
      `(${bareMs.length} each, by turns: bare, fetch, ratio)`,
    [
      [...row('p50', 0.5), 'target 1.30×'],
      row('p99', 0.99),
      ['CPU of one', `${bareCpu.toFixed(0)} µs`, `${fetchCpu.toFixed(0)} µs`, `+${(fetchCpu - bareCpu).toFixed(0)} µs`],
    ],
  );
};
