import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { BUNDLING, bundlePath, type FunctionName, TRIMMING } from '../../scripts/build.ts';

const ENTRY = fileURLToPath(new URL('bare-read.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All files that esbuild made. */
export const sizeOf = (outputs: Readonly<Record<string, { readonly bytes: number }>>): number =>
  Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);

/** The bundle with the DynamoDB client alone: as esbuild makes it, and with what makes ours smaller. */
export const buildFloors = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const made = async (name: string, options: BuildOptions) => {
    const path = join(folder, name, 'index.mjs');
    const { metafile } = await build({ ...BUNDLING, ...options, entryPoints: { index: ENTRY }, outdir: dirname(path) });
    return { path, bytes: sizeOf(metafile?.outputs ?? {}) };
  };
  return {
    plain: await made('plain', {}),
    trimmed: await made('trimmed', TRIMMING),
    close: () => rm(folder, { recursive: true, force: true }),
  };
};

/** The files of a bundle that are loaded at its start: all but those that it imports while it runs. */
const filesAtStart = ({ outputs }: Metafile): readonly Metafile['outputs'][string][] => {
  const found = new Map<string, Metafile['outputs'][string]>();
  const follow = (path: string): void => {
    const output = outputs[path];
    if (output === undefined || found.has(path)) return;
    found.set(path, output);
    for (const { path: next, kind } of output.imports) if (kind === 'import-statement') follow(next);
  };
  for (const path of Object.keys(outputs)) if (path.endsWith('/index.mjs')) follow(path);
  return [...found.values()];
};

const PART_OF_SDK = /node_modules\/(@aws-sdk\/client-[\w-]+)\/.*\/(\w+(?:Client|Command))\.js$/;

/** What a bundle loads at its start: how much, and which clients and commands of AWS's SDK, as lines that import them. */
export const startOf = async (name: FunctionName): Promise<{ readonly bytes: number; readonly sdk: string }> => {
  const metafile: Metafile = JSON.parse(await readFile(bundlePath(name).replace('index.mjs', 'meta.json'), 'utf8'));
  const files = filesAtStart(metafile);
  const parts = new Map<string, Set<string>>();
  for (const [input, { bytesInOutput }] of files.flatMap(({ inputs }) => Object.entries(inputs))) {
    const [, client = '', part = ''] = PART_OF_SDK.exec(input) ?? [];
    if (client !== '' && bytesInOutput > 0) parts.set(client, (parts.get(client) ?? new Set()).add(part));
  }
  const lines = [...parts].map(([client, names]) => `export { ${[...names].sort().join(', ')} } from '${client}';`);
  return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), sdk: lines.sort().join('\n') };
};

/** A bundle of these parts of the SDK and nothing else, made like ours. */
export const buildSdkFloor = async (folder: string, sdk: string): Promise<{ path: string; bytes: number }> => {
  const { metafile } = await build({
    ...BUNDLING,
    ...TRIMMING,
    stdin: { contents: `${sdk}\nexport const handler = async () => undefined;\n`, resolveDir: ROOT },
    outdir: folder,
  });
  return { path: join(folder, 'stdin.mjs'), bytes: sizeOf(metafile?.outputs ?? {}) };
};
