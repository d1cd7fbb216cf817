import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ClientProgram, hasProgram } from '../../../scripts/clients.ts';

/** For `{ skip }`: false, or which program this machine lacks. */
export const missing = (...programs: readonly ClientProgram[]): string | false => {
  const lacking = programs.find((program) => !hasProgram(program));
  return lacking === undefined ? false : `${lacking} is not installed`;
};

/** Far more than a program takes for one mailbox on this machine. */
const LIMIT_MS = 30_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Home = Awaited<ReturnType<typeof makeHome>>;

/** The user whom every Unix has for whoever is not to be root. */
const NOBODY = 65_534;

/**
 * The home folder of somebody who follows docs/integrate.md, and their shell. `ordinary`: never root's, as some programs
 * refuse to work for root.
 */
export const makeHome = async (user: 'any' | 'ordinary' = 'any') => {
  const path = await mkdtemp(join(tmpdir(), 'token-broker-home-'));
  const asNobody = user === 'ordinary' && process.getuid?.() === 0;
  const owner = asNobody ? { uid: NOBODY, gid: NOBODY } : {};
  return {
    path,
    async write(files: Readonly<Record<string, string>>): Promise<void> {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), text, { mode: 0o600 });
      }
    },
    /** Runs the commands, of which the first that fails ends all; a proxy of this machine is none of theirs. */
    run: (commands: string): Promise<Ended> => {
      const { PATH = '' } = process.env;
      const env = { PATH, HOME: path, LC_ALL: 'C.UTF-8', USER: 'somebody', TERM: 'dumb' };
      const options = { cwd: path, env, detached: true, ...owner };
      if (asNobody) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, path]);
      const child = spawn('sh', ['-e', '-c', commands], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      // The shell and all that it has started.
      const timer = setTimeout(() => process.kill(-Number(child.pid), 'SIGKILL'), LIMIT_MS);
      const ended = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', (chunk: Buffer) => {
          ended[stream] += chunk.toString();
        });
      }
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => {
          clearTimeout(timer);
          resolve({ code, ...ended });
        });
      });
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
};
