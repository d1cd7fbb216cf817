import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PYTHON } from '../../scripts/aws-emulators/python-environment.ts';
import type { Emulator } from './aws-json.ts';
import { freePort } from './free-port.ts';

/** Implementations of AWS that have nothing in common with ours, or with each other (test/aws/requirements.txt). */
export const FOREIGN_EMULATORS = ['moto', 'ministack'] as const;

export type ForeignEmulator = (typeof FOREIGN_EMULATORS)[number];

const SERVE = fileURLToPath(new URL('../aws/serve.py', import.meta.url));

/** Answered as soon as everything is. */
const READY = { moto: '/moto-api/', ministack: '/_ministack/health' } as const;

/** Half a second on an idle machine; the very first start also compiles Python. */
const MOST_START_MS = 60_000;

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false; // not there yet
  }
};

/**
 * A process of its own for each caller, so that nobody meets another's tables. It holds everything in memory, and ends with
 * the process that started it, however that ends. `environment`: what else it sees.
 */
export const startEmulatorProcess = async (
  emulator: ForeignEmulator,
  environment: Readonly<Record<string, string>> = {},
): Promise<Emulator> => {
  const port = await freePort();
  const child = spawn(PYTHON, [SERVE, emulator, String(port)], {
    env: { PATH: process.env.PATH ?? '', LOG_LEVEL: 'ERROR', ...environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const ended = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  for (const from = Date.now(); !(await answers(`${endpoint}${READY[emulator]}`)); await sleep(50)) {
    const isOver = child.exitCode !== null || Date.now() - from > MOST_START_MS;
    if (isOver) child.kill('SIGKILL');
    if (isOver) throw new Error(`${emulator} did not start: ${said}`);
  }
  return {
    endpoint,
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
};
