import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** How the broker that shall die is started. */
export interface Program {
  readonly script: string;
  /** Kept by the first that comes to its end; the others need not compile. */
  readonly compileCache: string;
}

/** SDKs in CommonJS ask for Node's own modules with `require`. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** Bundled, as it is deployed: it starts in a fifth of a second, and is started hundreds of times. */
export const bundledProgram = async (entryPoint: string, folder: string): Promise<Program> => {
  await build({
    entryPoints: [entryPoint],
    ...{ bundle: true, platform: 'node', format: 'esm', splitting: true, target: 'node24' },
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    outdir: join(folder, 'bundle'),
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  });
  return {
    script: join(folder, 'bundle', `${basename(entryPoint, '.ts')}.mjs`),
    compileCache: join(folder, 'compiled'),
  };
};

export const bundledBroker = (folder: string): Promise<Program> =>
  bundledProgram(join(import.meta.dirname, 'doomed-broker.ts'), folder);
