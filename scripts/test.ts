/**
 * Runs the tests: all of them, or the folders of `test/` named as arguments. What this machine lacks for a test is
 * installed if that is possible; else the test itself is skipped by name.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const chosen = process.argv.slice(2);
/** The slow ones first: at the end it is many short files that keep all processors busy, and not one long one. */
const ALL = ['browser', 'wire', 'infra', 'contract', 'unit', 'architecture'];
const folders = chosen.length > 0 ? chosen : ALL;

/** A test that takes longer hangs. */
const TIMEOUT_MS = 300_000;

/**
 * One file more than there are processors, as much of what wire tests do is to wait for what they have started; and never
 * more than four, as each starts whole systems.
 */
const AT_A_TIME = Math.min(availableParallelism() + 1, 4);

/** Each file is a process of its own, and starts others: what one has compiled, the next one need not. */
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/compiled`;

const prepare = (script: string): void => {
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

if (folders.includes('wire') || folders.includes('infra')) prepare('scripts/build.ts');
if (folders.includes('wire')) prepare('scripts/clients.ts');
if (folders.includes('browser')) prepare('scripts/browser.ts');

const filesOf = (folder: string): readonly string[] => globSync(`test/${folder}/**/*.test.ts`, { cwd: root }).sort();
const files = folders.flatMap(filesOf).map((file) => `${root}${file}`);
// Node's command line would sort them.
run({
  files,
  concurrency: AT_A_TIME,
  timeout: TIMEOUT_MS,
  cwd: root,
  execArgv: ['--disable-warning=ExperimentalWarning'],
})
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
