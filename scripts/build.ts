/**
 * Bundles every function for AWS Lambda into `dist/functions/<name>/index.mjs`, with what it loads later in files of its
 * own, and esbuild's metafile beside them. `npm run build`.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/** Each is one Lambda function: a folder below `functions/` with a `handler.ts`. */
export const FUNCTIONS = [
  'fetch-token',
  'register-device',
  'sign-in',
  'refresh-grants/sweep',
  'refresh-grants/worker',
  'relay-mail/accept',
  'relay-mail/send',
  'relay-mail/test',
  'relay-mail/gateway',
  'notify',
  'admin',
] as const;

export type FunctionName = (typeof FUNCTIONS)[number];

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const bundlePath = (name: FunctionName): string => `${ROOT}dist/functions/${name}/index.mjs`;

/** msal-node and google-auth-library call `require` at run time, which an ES module does not have. */
const REQUIRE_BANNER = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/**
 * AWS's schemas name some properties by constants (`[_e]: 'client'`). esbuild must take that for something that runs, and
 * keeps every schema of a client; with the names written out it drops those that are not used. 40 KB for Lambda's client.
 */
const plainSchemas: Plugin = {
  name: 'plain-schemas',
  setup: ({ onLoad }) =>
    onLoad({ filter: /@aws-sdk[\\/].*[\\/]schemas_0\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const names = new Map([...source.matchAll(/^const (\w+) = ("\w+");$/gm)].map(([, name, text]) => [name, text]));
      return { contents: source.replace(/\[(\w+)\]:/g, (key, name) => `${names.get(name) ?? key.slice(0, -1)}:`) };
    }),
};

/** How any bundle for Lambda is made here; the bench makes its floor with these alone. */
export const BUNDLING = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  charset: 'utf8',
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // The modules' ESM builds first: smaller by a third than esbuild's default for Node (facts/aws.md section 3).
  mainFields: ['module', 'main'],
  banner: { js: REQUIRE_BANNER },
  outExtension: { '.js': '.mjs' },
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** What makes ours smaller. */
export const TRIMMING = {
  // What is imported at run time is parsed at run time.
  splitting: true,
  plugins: [plainSchemas],
  // A third of a client is the search for credentials, which Lambda puts into the environment.
  alias: { '@aws-sdk/credential-provider-node': `${ROOT}shared/adapters/lambda/environment-credentials.ts` },
  // The SDK imports it in browsers alone.
  external: ['bowser'],
} as const satisfies BuildOptions;

/** All at once, so that who reads it meanwhile, or builds it too, never sees a part. */
const replaceFile = async (path: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, content);
  await rename(`${path}.${process.pid}`, path);
};

/** The entry comes last: what it loads, or will load, is there before it. `bytes` counts every file. */
export const bundleFunction = async (name: FunctionName): Promise<{ bytes: number }> => {
  const outfile = bundlePath(name);
  const { metafile, outputFiles } = await build({
    ...BUNDLING,
    ...TRIMMING,
    entryPoints: { index: `${ROOT}functions/${name}/handler.ts` },
    outdir: dirname(outfile),
    write: false,
  });
  const entry = outputFiles.find(({ path }) => path === outfile);
  if (entry === undefined) throw new Error(`esbuild made nothing of ${name}`);
  for (const file of outputFiles) if (file !== entry) await replaceFile(file.path, file.contents);
  await replaceFile(outfile.replace('index.mjs', 'meta.json'), JSON.stringify(metafile));
  await replaceFile(outfile, entry.contents);
  return { bytes: outputFiles.reduce((sum, { contents }) => sum + contents.length, 0) };
};

/** Gives the size of each, in bytes. */
export const buildAll = async (): Promise<ReadonlyMap<FunctionName, number>> => {
  await rm(`${ROOT}dist/functions`, { recursive: true, force: true });
  await mkdir(`${ROOT}dist/functions`, { recursive: true });
  const sizes = new Map<FunctionName, number>();
  for (const name of FUNCTIONS) {
    const { bytes } = await bundleFunction(name);
    sizes.set(name, bytes);
    console.log(`${name.padEnd(24)} ${String(Math.round(bytes / 1024)).padStart(6)} KB`);
  }
  return sizes;
};

if (import.meta.main) await buildAll();
