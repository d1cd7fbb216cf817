/**
 * The built bundles and the synthesized deployment against independent emulators of AWS, and its templates by cfn-lint:
 * `npm run test:aws`, or `npm run test:aws -- moto ministack deployment templates`, each for itself. What cannot be had on
 * this machine is skipped by name; docs/aws-emulators.md.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KNOWN_GAPS } from './aws-emulators/known-gaps.ts';
import { preparePythonEnvironment } from './aws-emulators/python-environment.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** They are about the bundles' files, and ask nothing of AWS. */
const WITHOUT_AWS = ['load.test.ts'];

const bundleSuite = globSync('test/wire/bundles/*.test.ts', { cwd: root })
  .filter((file) => !WITHOUT_AWS.includes(basename(file)))
  .sort();

interface Part {
  readonly files: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const PARTS: Readonly<Record<string, Part>> = {
  moto: { files: bundleSuite, environment: { AWS_EMULATOR: 'moto' } },
  ministack: { files: bundleSuite, environment: { AWS_EMULATOR: 'ministack' } },
  deployment: { files: ['test/aws/deployment.test.ts'], environment: {} },
  templates: { files: ['test/aws/templates.test.ts'], environment: {} },
};

/** Each minute of it is one of everybody's: what moto shows of queues and buckets, ministack shows too. */
const QUICK: Readonly<Record<string, readonly string[]>> = {
  moto: ['hot-path', 'journey', 'refresh', 'pairing'],
  ministack: ['queues', 'uploads', 'gateway', 'submissions'],
};

interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly skipped: number;
}

/** As node's `spec` reporter ends. */
const countsIn = (report: string): Counts => {
  const count = (name: string): number => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(report)?.[1] ?? 0);
  return { pass: count('pass'), fail: count('fail') + count('cancelled'), skipped: count('skipped') };
};

const exactly = (name: string): string => `^${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;

const runPart = (name: string, { files, environment }: Part): Promise<Counts & { readonly ran: boolean }> =>
  new Promise((resolve) => {
    const gaps = KNOWN_GAPS.filter(({ part, file }) => part === name && files.includes(file));
    for (const { test, reason } of gaps) console.log(`﹣ ${name}: ${test} # SKIP ${reason}`);
    const reporting = ['--test-reporter=spec', '--test-concurrency=2', '--test-timeout=300000'];
    const skipping = gaps.map(({ test }) => `--test-skip-pattern=${exactly(test)}`);
    const child = spawn(
      process.execPath,
      ['--test', ...reporting, '--disable-warning=ExperimentalWarning', ...skipping, ...files],
      { cwd: root, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let report = '';
    child.stdout.on('data', (chunk: Buffer) => {
      report += chunk.toString();
      process.stdout.write(chunk);
    });
    child.on('exit', (code) => {
      const counts = countsIn(report);
      const skipped = counts.skipped + gaps.length;
      resolve({ ...counts, skipped, ran: code === 0 || counts.fail > 0 });
    });
  });

const given = process.argv.slice(2);
const quick = given.includes('--quick');
const asked = given.filter((one) => one !== '--quick');
const chosen = asked.length > 0 ? asked : Object.keys(PARTS);
const unknown = chosen.filter((name) => PARTS[name] === undefined);
if (unknown.length > 0) {
  console.error(`error: there is no part ${unknown.join(', ')}\nhint: ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

const partOf = (name: string): Part => {
  const part = PARTS[name] ?? { files: [], environment: {} };
  const some = quick ? QUICK[name] : undefined;
  return some === undefined
    ? part
    : { ...part, files: part.files.filter((file) => some.includes(basename(file, '.test.ts'))) };
};

const totals = { pass: 0, fail: 0, skipped: 0 };

/** In the words of node's reporter, which `.ci/run` counts by. */
const conclude = (): void => {
  console.log(`\nℹ pass ${totals.pass}\nℹ fail ${totals.fail}\nℹ skipped ${totals.skipped}`);
  if (totals.fail > 0) process.exitCode = 1;
};

const python = preparePythonEnvironment();
if (python.outcome === 'not_to_be_had') {
  console.log(python.why);
  for (const name of chosen) {
    for (const file of partOf(name).files) {
      totals.skipped += 1;
      console.log(`﹣ ${name}: ${file} # SKIP the emulators cannot be had here`);
    }
  }
} else {
  for (const name of chosen) {
    console.log(`\n== ${name}`);
    const { pass, fail, skipped, ran } = await runPart(name, partOf(name));
    totals.pass += pass;
    totals.fail += ran ? fail : Math.max(fail, 1);
    totals.skipped += skipped;
  }
}
conclude();
