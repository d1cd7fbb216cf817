import { join } from 'node:path';
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
export const bundledBroker = async (folder: string): Promise<Program> => {
  await build({
    entryPoints: [join(import.meta.dirname, 'doomed-broker.ts')],
    ...{ bundle: true, platform: 'node', format: 'esm', splitting: true, target: 'node24' },
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    outdir: join(folder, 'bundle'),
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
  });
  return { script: join(folder, 'bundle', 'doomed-broker.mjs'), compileCache: join(folder, 'compiled') };
};
