import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { BUNDLING, TRIMMING } from '../../scripts/build.ts';

const ENTRY = fileURLToPath(new URL('bare-read.ts', import.meta.url));

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
