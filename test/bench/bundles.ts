import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll, bundlePath, FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { kilobytes, median, milliseconds, print, ratio } from './figures.ts';
import { buildSdkFloor, startOf } from './floors.ts';

const ROUNDS = 7;

/** Loads a bundle in a fresh process and tells how long it took, from the start of that process. */
const LOADER = `
try { await import(process.argv[1]); } catch (error) { if (error.name !== 'ConfigError') throw error; }
console.log(performance.now());
process.exit(0);
`;

const coldLoad = (path: string): number => {
  // Without its environment a bundle ends in ConfigError right after loading: what is measured is the loading.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', LOADER, pathToFileURL(path).href],
    {
      encoding: 'utf8',
      env: { AWS_REGION: 'eu-central-1' },
      timeout: 30_000,
    },
  );
  const figure = Number(stdout.trim());
  if (stdout.trim() === '' || Number.isNaN(figure)) throw new Error(`${path} does not load: ${stderr}`);
  return figure;
};

interface Contender {
  readonly name: FunctionName;
  readonly bytes: number;
  readonly bytesAtStart: number;
  /** The clients and commands of AWS's SDK that it loads at its start, alone; undefined where it loads none. */
  readonly floor: { readonly path: string; readonly bytes: number } | undefined;
}

const contendersIn = async (folder: string): Promise<readonly Contender[]> => {
  const sizes = await buildAll();
  const floors = new Map<string, { path: string; bytes: number }>();
  const contenders: Contender[] = [];
  for (const name of FUNCTIONS) {
    const { bytes, sdk } = await startOf(name);
    if (sdk !== '' && !floors.has(sdk)) floors.set(sdk, await buildSdkFloor(join(folder, `sdk-${floors.size}`), sdk));
    contenders.push({ name, bytes: sizes.get(name) ?? 0, bytesAtStart: bytes, floor: floors.get(sdk) });
  }
  return contenders;
};

/**
 * Size and cold load of every bundle, against an empty one, and against one of the SDK's clients and commands that it loads
 * itself at its start, by turns.
 */
export const benchBundles = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const contenders = await contendersIn(folder);
  const empty = join(folder, 'index.mjs');
  await writeFile(empty, 'export const handler = async () => undefined;\n');
  const paths = new Set([empty, ...contenders.flatMap(({ name, floor }) => [bundlePath(name), floor?.path ?? empty])]);
  const figures = new Map<string, number[]>([...paths].map((path) => [path, []]));
  for (let round = 0; round < ROUNDS; round++) for (const path of paths) figures.get(path)?.push(coldLoad(path));
  const of = (path: string): number => median(figures.get(path) ?? []);
  const emptyMs = of(empty);
  print(
    `Function bundles: size and cold load (medians of ${ROUNDS} processes each, by turns: process start to loaded)`,
    [
      ['', 'all files', 'at start', 'SDK alone', 'ratio', 'loaded', 'to empty', 'SDK alone', 'to SDK'],
      ['empty', '0 KB', '0 KB', '', '', milliseconds(emptyMs), ratio(emptyMs, emptyMs), '', ''],
      ...contenders.map(({ name, bytes, bytesAtStart, floor }): [string, ...string[]] => {
        const loadedMs = of(bundlePath(name));
        const floorMs = floor && of(floor.path);
        const size = [kilobytes(bytes), kilobytes(bytesAtStart)];
        const ofSdk = floor ? [kilobytes(floor.bytes), ratio(bytesAtStart, floor.bytes)] : ['none', ''];
        const time = [milliseconds(loadedMs), ratio(loadedMs, emptyMs)];
        return [
          name,
          ...size,
          ...ofSdk,
          ...time,
          ...(floorMs ? [milliseconds(floorMs), ratio(loadedMs, floorMs)] : ['', '']),
        ];
      }),
    ],
  );
  await rm(folder, { recursive: true, force: true });
};
