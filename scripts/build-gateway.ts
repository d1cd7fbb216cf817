/**
 * Bundles the gateway into one file, `dist/gateway/main.mjs`, that needs Node and nothing else; the licences of what is in
 * it lie beside it. `npm run build:gateway`.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLING } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = `${ROOT}gateway/main.ts`;

/** Where it lies, from the root of the tree; and what lies there. */
export const GATEWAY_FOLDER = 'dist/gateway';
export const GATEWAY_BUNDLE = 'main.mjs';
export const GATEWAY_LICENCES = 'THIRD-PARTY-LICENCES.txt';

/** `node_modules/@scope/name` of every package that has a part in the bundle, each once; nested ones have their own. */
const packagesOf = (inputs: readonly string[]): readonly string[] => {
  const folders = inputs.map((path) => /^.*?node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
};

/** Most licences ask that their text goes with every copy. */
const licenceOf = async (folder: string): Promise<string> => {
  const { name, version, license } = JSON.parse(await readFile(join(ROOT, folder, 'package.json'), 'utf8'));
  const files = (await readdir(join(ROOT, folder))).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, folder, file), 'utf8')));
  return [`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join('\n\n');
};

const RULE = `\n\n${'-'.repeat(80)}\n\n`;

export interface GatewayBuild {
  readonly bytes: number;
  /** As folders below the root. */
  readonly packages: readonly string[];
}

/** Into `outdir`, which holds nothing else afterwards. */
export const bundleGateway = async (outdir = join(ROOT, GATEWAY_FOLDER), entry = ENTRY): Promise<GatewayBuild> => {
  const { metafile, outputFiles } = await build({
    ...BUNDLING,
    entryPoints: { main: entry },
    outdir,
    // What the packages say, in their code, of others' work that is in them.
    legalComments: 'external',
    write: false,
  });
  const bundle = outputFiles.find(({ path }) => path.endsWith(GATEWAY_BUNDLE));
  if (bundle === undefined) throw new Error('esbuild made nothing of the gateway');
  const packages = packagesOf(Object.keys(metafile.inputs));
  const licences = await Promise.all(packages.map(licenceOf));
  const comments = outputFiles.filter((file) => file !== bundle).map(({ text }) => text.trim());
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  await writeFile(join(outdir, GATEWAY_LICENCES), `${[...licences, ...comments].join(RULE)}\n`);
  await writeFile(join(outdir, GATEWAY_BUNDLE), bundle.contents);
  return { bytes: bundle.contents.length, packages };
};

if (import.meta.main) {
  const { bytes, packages } = await bundleGateway();
  console.log(`${GATEWAY_FOLDER}/${GATEWAY_BUNDLE}  ${Math.round(bytes / 1024)} KB, with ${packages.length} packages`);
}
