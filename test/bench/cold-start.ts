import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { bundleFunction, bundlePath } from '../../scripts/build.ts';
import { kilobytes, median, milliseconds, print, ratio } from './figures.ts';
import { buildFloors } from './floors.ts';
import { startServedDevice } from './served-device.ts';

const ROUNDS = 21;

/** All in one string: a file in TypeScript would first have Node load what strips its types. Its output is the log. */
const PROGRAM = `
import { writeSync } from 'node:fs';
const begunAt = performance.now();
const { handler } = await import(process.argv[1]);
const loadedAt = performance.now();
const { statusCode = 200 } = await handler(JSON.parse(process.argv[2]));
const answeredAt = performance.now();
if (statusCode !== 200) throw new Error('it answers ' + statusCode);
writeSync(3, JSON.stringify({ loadingMs: loadedAt - begunAt, loadedMs: loadedAt, answeredMs: answeredAt }));
process.exit(0);
`;

interface ColdStart {
  readonly loadingMs: number;
  /** From the start of the process, like the next. */
  readonly loadedMs: number;
  readonly answeredMs: number;
}

const coldStart = (path: string, event: object, env: Readonly<Record<string, string>>): ColdStart => {
  const args = ['--input-type=module', '-e', PROGRAM, pathToFileURL(path).href, JSON.stringify(event)];
  const { status, stderr, output } = spawnSync(process.execPath, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  if (status !== 0) throw new Error(`${path} does not start: ${stderr}`);
  return JSON.parse(output[3] ?? '');
};

/**
 * A start of `fetch-token` against one of a bundle with the DynamoDB client alone, which reads the same items: to the end
 * of the loading, and to the first answer, for which `fetch-token` gets its keys from Secrets Manager and reads twice.
 * That floor as esbuild makes it is the one with the target. Trimmed alike it shows what is ours: half of it is Node's own
 * fetch, which Hono needs, and which the untrimmed client drags in as well.
 */
export const benchColdStart = async (): Promise<void> => {
  const { bytes } = await bundleFunction('fetch-token');
  const floors = await buildFloors();
  const device = await startServedDevice();
  const contenders = [
    { name: 'DynamoDB client alone', ...floors.plain, event: device.bareRead },
    { name: 'the same, trimmed alike', ...floors.trimmed, event: device.bareRead },
    { name: 'fetch-token', path: bundlePath('fetch-token'), bytes, event: device.fetchEvent },
  ].map((contender) => ({ ...contender, starts: [] as ColdStart[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { path, event, starts } of contenders) starts.push(coldStart(path, event, device.environment));
  }
  device.close();
  await floors.close();
  const [floor] = contenders;
  const cell = (starts: readonly ColdStart[], part: keyof ColdStart): string => {
    const ofAll = (all: readonly ColdStart[]) => median(all.map((one) => one[part]));
    return `${milliseconds(ofAll(starts))} ${ratio(ofAll(starts), ofAll(floor?.starts ?? []))}`;
  };
  print(
    `Cold start (medians of ${ROUNDS} processes each, by turns: size; loading; process start to loaded, to first answer)`,
    [
      ...contenders.map(({ name, bytes: size, starts }): [string, ...string[]] => [
        name,
        kilobytes(size),
        cell(starts, 'loadingMs'),
        cell(starts, 'loadedMs'),
        cell(starts, 'answeredMs'),
      ]),
      ['target', '450 KB', '1.35×', '', ''],
    ],
  );
};
