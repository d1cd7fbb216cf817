/**
 * Bundles every function for AWS Lambda into `dist/functions/<name>/index.mjs`, with esbuild's metafile beside it.
 * `npm run build`.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Each is one Lambda function: a folder below `functions/` with a `handler.ts`. */
export const FUNCTIONS = [
  'fetch-token',
  'register-device',
  'sign-in',
  'refresh-grants/sweep',
  'refresh-grants/worker',
  'relay-mail/accept',
  'relay-mail/send',
  'admin',
] as const;

export type FunctionName = (typeof FUNCTIONS)[number];

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const bundlePath = (name: FunctionName): string => `${ROOT}dist/functions/${name}/index.mjs`;

/** msal-node and google-auth-library call `require` at run time, which an ES module does not have. */
const REQUIRE_BANNER = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/** All at once, so that who reads it meanwhile, or builds it too, never sees a part. */
const replaceFile = async (path: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, content);
  await rename(`${path}.${process.pid}`, path);
};

export const bundleFunction = async (name: FunctionName): Promise<{ bytes: number }> => {
  const outfile = bundlePath(name);
  const { metafile, outputFiles } = await build({
    entryPoints: [`${ROOT}functions/${name}/handler.ts`],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // The modules' ESM builds first: smaller by a third than esbuild's default for Node (facts/aws.md section 3).
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error(`esbuild made nothing of ${name}`);
  await replaceFile(outfile.replace('index.mjs', 'meta.json'), JSON.stringify(metafile));
  await replaceFile(outfile, bundle.contents);
  return { bytes: bundle.contents.length };
};

export const buildAll = async (): Promise<void> => {
  await rm(`${ROOT}dist/functions`, { recursive: true, force: true });
  await mkdir(`${ROOT}dist/functions`, { recursive: true });
  for (const name of FUNCTIONS) {
    const { bytes } = await bundleFunction(name);
    console.log(`${name.padEnd(24)} ${String(Math.round(bytes / 1024)).padStart(6)} KB`);
  }
};

if (import.meta.main) await buildAll();
