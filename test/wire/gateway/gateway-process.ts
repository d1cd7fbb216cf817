import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../gateway/main.ts', import.meta.url));

const READY_LIMIT_MS = 30_000;

/** The ready line of `npm run gateway`. */
export interface GatewayReady {
  readonly listeners: readonly { readonly protocol: string; readonly port: number; readonly security: string }[];
  readonly status: string;
  readonly client_id: string;
}

export interface GatewayProcess {
  readonly ready: GatewayReady;
  readonly pid: number;
  readonly startedInMs: number;
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** By SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

const exited = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

/** The real program, as a process of its own. `env` is all that it sees besides PATH and HOME. */
export const startGatewayProcess = async (env: Readonly<Record<string, string>>): Promise<GatewayProcess> => {
  const { PATH = '', HOME = '' } = process.env;
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], {
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ready = new Promise<GatewayReady>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code} before it was ready:\n${output}`)));
    setTimeout(() => reject(new Error(`the gateway was not ready in time:\n${output}`)), READY_LIMIT_MS).unref();
  });
  try {
    return {
      ready: await ready,
      pid: child.pid ?? 0,
      startedInMs: performance.now() - startedAt,
      output: () => output,
      signal: (name) => child.kill(name),
      stop: () => {
        child.kill('SIGTERM');
        return exited(child);
      },
      kill: async () => {
        child.kill('SIGKILL');
        await exited(child);
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
};
