import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Far more than it takes; ends a start that hangs. */
const READY_LIMIT_MS = 30_000;

/** The ready line of `npm start`. */
export interface Ready {
  readonly url: string;
  readonly inbox?: string;
  readonly admin_key_file?: string;
  /** Where the gateway takes mail and gives it out, as URLs. */
  readonly smtp?: string;
  readonly smtps?: string;
  readonly pop3?: string;
  readonly gateway_status?: string;
}

/** The broker as a process of its own, so that it can be stopped, killed and started again for real. */
export interface BrokerProcess {
  readonly ready: Ready;
  readonly startedInMs: number;
  /** Everything it has written so far: its log, and what it told the person who started it. */
  output(): string;
  /** Graceful, by SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** `kill -9`. */
  kill(): Promise<void>;
}

const exited = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
};

/** So that several run side by side. */
const ANY_GATEWAY_PORTS = {
  GATEWAY_SMTP_PORT: '0',
  GATEWAY_SMTPS_PORT: '0',
  GATEWAY_POP3_PORT: '0',
  GATEWAY_STATUS_PORT: '0',
};

/**
 * Starts the broker and waits for its ready line. `env` is all that it sees besides PATH, HOME, and where Node keeps what it
 * has compiled.
 */
export const startBroker = async (env: Readonly<Record<string, string>>): Promise<BrokerProcess> => {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...ANY_GATEWAY_PORTS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line));
    });
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code} before it was ready:\n${output}`)));
    setTimeout(() => reject(new Error(`the broker was not ready in time:\n${output}`)), READY_LIMIT_MS).unref();
  });
  try {
    return {
      ready: await ready,
      startedInMs: performance.now() - startedAt,
      output: () => output,
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
