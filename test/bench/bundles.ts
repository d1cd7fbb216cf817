import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildAll, bundlePath, FUNCTIONS } from '../../scripts/build.ts';
import { kilobytes, median, milliseconds, print, ratio } from './figures.ts';

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

/** Size and cold load of every bundle against an empty one, by turns. */
export const benchBundles = async (): Promise<void> => {
  const sizes = await buildAll();
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const empty = join(folder, 'index.mjs');
  await writeFile(empty, 'export const handler = async () => undefined;\n');
  const paths = [empty, ...FUNCTIONS.map(bundlePath)];
  const figures = new Map<string, number[]>(paths.map((path) => [path, []]));
  for (let round = 0; round < ROUNDS; round++) for (const path of paths) figures.get(path)?.push(coldLoad(path));
  const of = (path: string): number => median(figures.get(path) ?? []);
  const floor = of(empty);
  print(`Function bundles (medians of ${ROUNDS}: size, process start to loaded, against an empty bundle)`, [
    ['empty', '0 KB', milliseconds(floor), ratio(floor, floor)],
    ...FUNCTIONS.map((name): [string, string, string, string] => {
      const path = bundlePath(name);
      return [name, kilobytes(sizes.get(name) ?? 0), milliseconds(of(path)), ratio(of(path), floor)];
    }),
  ]);
  await rm(folder, { recursive: true, force: true });
};
