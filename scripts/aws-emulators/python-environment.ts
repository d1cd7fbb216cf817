/**
 * The emulators of test/aws/requirements.txt in a virtual environment of their own, below `dist/`, which git ignores. Made
 * once for each state of that file.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../dist/aws-emulators', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('../../test/aws/requirements.txt', import.meta.url));

const isWindows = process.platform === 'win32';
const program = (name: string): string => join(FOLDER, isWindows ? `Scripts/${name}.exe` : `bin/${name}`);

export const PYTHON = program('python');
export const CFN_LINT = program('cfn-lint');

/** 35 s where it was measured, most of them for the network. */
const MOST_INSTALL_MS = 300_000;

/** A run that was broken off leaves no marker. */
const MARKER = join(FOLDER, 'installed.sha256');

/** The versions alone decide: wheels of these, and no others, also not of what they need. */
const PIP = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:', '--no-compile'];

export type PythonEnvironment =
  | { readonly outcome: 'ready' }
  /** `why`: for people, of what this machine lacks. */
  | { readonly outcome: 'not_to_be_had'; readonly why: string };

const run = (command: string, args: readonly string[]): string | undefined => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: MOST_INSTALL_MS });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n').at(-1) ?? `exit code ${status}`);
};

/** Python 3.10 is the oldest that the emulators run on. */
const CHECK = 'import sys, venv; assert sys.version_info >= (3, 10), "Python 3.10 or later is needed"';

export const preparePythonEnvironment = (): PythonEnvironment => {
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (existsSync(MARKER) && readFileSync(MARKER, 'utf8') === wanted) return { outcome: 'ready' };
  rmSync(FOLDER, { recursive: true, force: true });
  const python = isWindows ? 'python' : 'python3';
  const steps: readonly (readonly [string, string, readonly string[]])[] = [
    ['Python', python, ['-c', CHECK]],
    ['a virtual environment', python, ['-m', 'venv', FOLDER]],
    ['the packages of test/aws/requirements.txt', PYTHON, [...PIP, '--requirement', REQUIREMENTS]],
  ];
  for (const [what, command, args] of steps) {
    const trouble = run(command, args);
    if (trouble !== undefined) return { outcome: 'not_to_be_had', why: `${what} could not be had: ${trouble}` };
  }
  writeFileSync(MARKER, wanted);
  return { outcome: 'ready' };
};
