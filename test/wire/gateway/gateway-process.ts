import { spawn } from 'node:child_process';
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

/** Of a process; all that it sees besides PATH and HOME. */
export type Environment = Readonly<Record<string, string>>;

/** A gateway that may not have come far yet. */
export interface SpawnedGateway {
  /** Rejects where it ends before. */
  readonly ready: Promise<GatewayReady>;
  readonly pid: number;
  output(): string;
  /** All that it writes to its standard output, line by line. */
  onLine(listener: (line: string) => void): void;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface SpawnOptions {
  /** In place of the source: a bundle of it. */
  readonly script?: string;
  /** Further arguments of Node. */
  readonly nodeArgs?: readonly string[];
}

/** The real program, as a process of its own. */
export const spawnGateway = (env: Environment, { script = MAIN, nodeArgs = [] }: SpawnOptions = {}): SpawnedGateway => {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...nodeArgs, script], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    output += `${line}\n`;
  });
  const ready = new Promise<GatewayReady>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line));
    });
    child.once('close', (code) => reject(new Error(`the gateway ended with ${code} before it was ready:\n${output}`)));
    setTimeout(() => reject(new Error(`the gateway was not ready in time:\n${output}`)), READY_LIMIT_MS).unref();
  });
  // Told to who awaits it.
  ready.catch(() => undefined);
  return {
    ready,
    pid: child.pid ?? 0,
    output: () => output,
    onLine: (listener) => void lines.on('line', listener),
    signal: (name) => void child.kill(name),
    ended: once(child, 'close').then(() => child.exitCode),
  };
};

/** The same, once it is ready. */
export const startGatewayProcess = async (env: Environment, options: SpawnOptions = {}): Promise<GatewayProcess> => {
  const startedAt = performance.now();
  const { ready, pid, output, signal, ended } = spawnGateway(env, options);
  try {
    return {
      ready: await ready,
      pid,
      startedInMs: performance.now() - startedAt,
      output,
      signal,
      stop() {
        signal('SIGTERM');
        return ended;
      },
      async kill() {
        signal('SIGKILL');
        await ended;
      },
    };
  } catch (error) {
    signal('SIGKILL');
    throw error;
  }
};
