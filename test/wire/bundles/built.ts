import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFunction, bundlePath, FUNCTIONS, type FunctionName } from '../../../scripts/build.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The part of esbuild's metafile that tells what is in a bundle. */
export interface Metafile {
  readonly inputs: Readonly<Record<string, { readonly bytes: number }>>;
  readonly outputs: Readonly<Record<string, Output>>;
}

interface Output {
  readonly bytes: number;
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>;
  readonly imports: readonly { readonly path: string; readonly kind: string }[];
}

export const metafileOf = (name: FunctionName): Metafile =>
  JSON.parse(readFileSync(join(dirname(bundlePath(name)), 'meta.json'), 'utf8'));

const isStale = (name: FunctionName): boolean => {
  const metafile = join(dirname(bundlePath(name)), 'meta.json');
  if (!existsSync(bundlePath(name)) || !existsSync(metafile)) return true;
  const builtAt = statSync(bundlePath(name)).mtimeMs;
  const changedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? builtAt + 1;
  const sources = [...Object.keys(metafileOf(name).inputs), 'scripts/build.ts'];
  return sources.some((source) => changedAt(join(ROOT, source)) > builtAt);
};

/** Builds what is missing or older than its sources. */
export const ensureBuilt = async (): Promise<void> => {
  for (const name of FUNCTIONS) if (isStale(name)) await bundleFunction(name);
};
