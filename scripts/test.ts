/**
 * Runs the tests: all of them, or the folders of `test/` named as arguments. What this machine lacks for a test is
 * installed if that is possible; else the test itself is skipped by name.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const chosen = process.argv.slice(2);
const ALL = ['unit', 'contract', 'architecture', 'infra', 'wire', 'browser'];
const folders = chosen.length > 0 ? chosen : ALL;

const run = (...args: string[]): void => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

if (folders.includes('wire') || folders.includes('infra')) run('scripts/build.ts');
if (folders.includes('wire')) run('scripts/clients.ts');
if (folders.includes('browser')) run('scripts/browser.ts');

const files = folders.flatMap((folder) => globSync(`test/${folder}/**/*.test.ts`, { cwd: root })).sort();
// Two files at a time: the wire tests start whole systems, and small machines have two cores.
run(
  '--test',
  '--test-concurrency=2',
  '--test-reporter=spec',
  '--test-timeout=300000',
  '--disable-warning=ExperimentalWarning',
  ...files,
);
