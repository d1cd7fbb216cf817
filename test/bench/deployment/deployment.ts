import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAll, bundlePath, FUNCTIONS } from '../../../scripts/build.ts';
import { kilobytes, median, milliseconds, print, ratio } from '../figures.ts';
import { CONTEXT, EVERYTHING, templatesOf } from './templates.ts';

const ROUNDS = 3;

/** CloudFormation's own: bytes of a template from S3, and resources of a stack (user guide, "Understand CloudFormation quotas"). */
const MOST = { bytes: 1_000_000, resources: 500 };

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CDK = join(ROOT, 'node_modules/aws-cdk/bin/cdk');
const OURS = join(ROOT, 'infra/main.ts');
const EMPTY = fileURLToPath(new URL('empty-app.ts', import.meta.url));

const LIMIT_MS = 300_000;

/** From the start of the process to its end. */
const timed = (args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): number => {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
  return performance.now() - startedAt;
};

interface App {
  readonly name: string;
  readonly script: string;
  readonly context: Readonly<Record<string, unknown>>;
}

const APPS: readonly App[] = [
  { name: 'a stack of one resource', script: EMPTY, context: CONTEXT },
  { name: 'the broker', script: OURS, context: CONTEXT },
  { name: 'the broker, everything on', script: OURS, context: { ...CONTEXT, ...EVERYTHING } },
];

/** The app alone, as `cdk` would start it; and all that `cdk synth` does, but for the bundling before it. */
const synthTimes = async (folder: string, { script, context }: App): Promise<{ alone: number; byCli: number }> => {
  const outdir = join(folder, 'out');
  const alone = timed([script], folder, { CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: JSON.stringify(context) });
  await rm(outdir, { recursive: true, force: true });
  const settings = { app: `"${process.execPath}" "${script}"`, context, notices: false, versionReporting: false };
  await writeFile(join(folder, 'cdk.json'), JSON.stringify(settings));
  const byCli = timed([CDK, 'synth', '--quiet', '--output', outdir], folder, {});
  await rm(outdir, { recursive: true, force: true });
  return { alone, byCli };
};

/** A contender that fails is told of, and the others go on. */
const benchSynth = async (): Promise<void> => {
  if (!FUNCTIONS.every((name) => existsSync(bundlePath(name)))) await buildAll();
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const contenders = APPS.map((app) => ({ app, alone: [] as number[], byCli: [] as number[], failure: '' }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders.filter(({ failure }) => failure === '')) {
      try {
        const { alone, byCli } = await synthTimes(folder, contender.app);
        contender.alone.push(alone);
        contender.byCli.push(byCli);
      } catch (error) {
        contender.failure = String(error).split('\n', 1)[0]?.slice(0, 120) ?? '';
      }
    }
  }
  await rm(folder, { recursive: true, force: true });
  const [floor] = contenders;
  const cells = (ours: readonly number[], floors: readonly number[] = []): readonly string[] => [
    milliseconds(median(ours)),
    ratio(median(ours), median(floors)),
  ];
  print(`Deployment: synth time (medians of ${ROUNDS}, by turns: the app alone; by cdk synth without bundling)`, [
    ...contenders.map(({ app, alone, byCli, failure }): [string, ...string[]] =>
      failure === '' ? [app.name, ...cells(alone, floor?.alone), ...cells(byCli, floor?.byCli)] : [app.name, failure],
    ),
  ]);
};

const benchTemplates = (): void => {
  const rowsOf = (what: string, settings: Readonly<Record<string, unknown>>) =>
    templatesOf(settings).map(({ stack, bytes, resources }): [string, ...string[]] => [
      `${what}: ${stack}`,
      kilobytes(bytes),
      `${((bytes / MOST.bytes) * 100).toFixed(0)} %`,
      String(resources.length),
      `${((resources.length / MOST.resources) * 100).toFixed(0)} %`,
    ]);
  print('Deployment: templates (bytes of 1 MB, resources of 500, which are the most that CloudFormation takes)', [
    ...rowsOf('by default', {}),
    ...rowsOf('everything on', EVERYTHING),
  ]);
};

/** What it takes to make the templates, and how near they are to CloudFormation's limits. */
export const benchDeployment = async (): Promise<void> => {
  await benchSynth();
  benchTemplates();
};
