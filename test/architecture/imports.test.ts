import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The table of ARCHITECTURE.md: the first row whose folder holds a file is its layer; what it may import from the tree. */
const LAYERS: readonly (readonly [layer: string, mayImport: readonly string[]])[] = [
  ['shared/domain', []],
  ['shared/ports', ['shared/domain']],
  ['shared/records', ['shared/domain', 'shared/ports']],
  ['shared/usecases', ['shared/domain', 'shared/ports', 'shared/records']],
  ['shared/protocol', ['shared/domain']],
  ['shared/config', ['shared/domain', 'package.json']],
  ['shared/adapters', ['shared/domain', 'shared/ports', 'shared/protocol', 'shared/config', 'shared/adapters']],
  ['functions', ['shared', 'console']],
  ['gateway', ['shared']],
  ['console', ['shared/domain', 'shared/protocol']],
  ['local', ['shared', 'functions', 'gateway', 'console']],
  ['infra', ['functions/routes.ts', 'shared/config/cloud-environment.ts', 'shared/config/metrics.ts']],
  ['scripts', ['shared', 'infra', 'scripts']],
];

/** Hono is the language of HTTP and HTML; valibot that of the edges. Every other package has one home. */
const COMMON_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  hono: ['shared/adapters/http', 'shared/adapters/lambda', 'functions', 'gateway', 'console', 'local'],
  valibot: ['shared/adapters', 'shared/config', 'shared/protocol', 'functions'],
};

/** AWS clients are built in the functions' handlers, and used in their adapters. */
const isHandler = (file: string): boolean => /^functions\/.*\/?handler\.ts$/.test(file);

/** Composition roots: read the environment, and nothing imports them. */
const isRoot = (file: string): boolean =>
  isHandler(file) || ['local/main.ts', 'local/demo/main.ts', 'gateway/main.ts', 'infra/main.ts'].includes(file);

const files = globSync('{shared,functions,gateway,console,local,infra,scripts}/**/*.ts', { cwd: ROOT }).filter(
  (file) => !file.endsWith('.d.ts'),
);

const sourceOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const importsOf = (file: string): string[] => {
  const source = sourceOf(file);
  const statements = /^\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;
  return [...source.matchAll(statements)].map((match) => match[1] ?? match[2] ?? '');
};

const layerOf = (file: string) => LAYERS.find(([layer]) => file.startsWith(`${layer}/`));
const isWithin = (file: string, folders: readonly string[]): boolean =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`));

/** The function a file belongs to: its folder below `functions/`, or the folder of its handler below that. */
const functionOf = (file: string): string | undefined =>
  /^functions\/((?:refresh-grants|relay-mail)\/[^/]+|[^/]+)\//.exec(file)?.[1];

describe('the import table', () => {
  it('finds the source files', () => {
    assert.ok(files.length > 100, `only ${files.length} files`);
    assert.ok(files.flatMap(importsOf).length > 300);
  });

  for (const file of files) {
    const layer = layerOf(file);
    it(`is kept by ${file}`, () => {
      assert.ok(layer, `${file} is in no layer`);
      const [home, mayImport] = layer;
      for (const name of importsOf(file)) {
        if (!name.startsWith('.')) continue;
        const target = normalize(join(dirname(file), name));
        const own =
          home === 'functions'
            ? isWithin(target, [`functions/${functionOf(file)}`, 'functions/routes.ts'])
            : isWithin(target, [home]);
        assert.ok(own || isWithin(target, mayImport), `${file} may not import ${target}`);
        assert.ok(!isRoot(target), `${file} imports the composition root ${target}`);
      }
    });
  }

  it('gives every vendor package one adapter folder', () => {
    const homes = new Map<string, Set<string>>();
    for (const file of files.filter((name) => /^(shared|functions|console)\//.test(name) && !isHandler(name))) {
      for (const name of importsOf(file)) {
        if (name.startsWith('.') || name.startsWith('node:')) continue;
        const packageName = name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/');
        const common = COMMON_PACKAGES[packageName];
        if (common) assert.ok(isWithin(file, common), `${file} may not import ${packageName}`);
        else if (packageName !== 'aws-lambda') {
          assert.match(file, /^shared\/adapters\//, `${file} imports ${packageName} outside an adapter`);
          homes.set(packageName, (homes.get(packageName) ?? new Set()).add(file.split('/')[2] ?? ''));
        }
      }
    }
    for (const [packageName, folders] of homes) {
      const allowed = packageName === '@aws-sdk/client-secrets-manager' || packageName === 'nodemailer' ? 2 : 1;
      assert.ok(folders.size <= allowed, `${packageName} is in ${[...folders].join(' and ')}`);
    }
  });

  it('lets only composition roots read the environment', () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(sourceOf(file)));
    assert.deepEqual(
      // The demo passes PATH on to the broker that it starts.
      readers.filter((file) => !isRoot(file) && !/^(scripts|local\/demo)\//.test(file)),
      [],
    );
  });

  it('keeps handlers within 40 lines', () => {
    for (const file of files.filter(isHandler)) {
      assert.ok(sourceOf(file).trimEnd().split('\n').length <= 40, file);
    }
  });

  it('has no default exports', () => {
    assert.deepEqual(
      files.filter((file) => /^export default\b/m.test(sourceOf(file))),
      [],
    );
  });
});
