import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A handshake and some commands: far less, on any machine. */
const LIMIT_MS = 20_000;

export interface OpensslClient {
  /** Sends the line and waits for a reply that begins with the code. Rejects where the session has ended. */
  say(line: string, code: number): Promise<void>;
  /** All that openssl printed: what it thinks of the connection, and the server's lines. */
  output(): string;
  /** When the connection is over, or was never one. Resolves with openssl's exit code. */
  readonly ended: Promise<number | null>;
  kill(): void;
}

/** A stack other than Node's, of which every version and suite can be wished for. */
export const opensslClient = (port: number, options: readonly string[]): OpensslClient => {
  // What is brief takes no line for a command of its own (s_client(1), "CONNECTED COMMANDS").
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-brief', '-ign_eof', '-crlf', ...options];
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const killer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let output = '';
  let heard = '';
  let look = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      heard += chunk.toString();
      look();
    });
  }
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(() => {
    clearTimeout(killer);
    look();
    return child.exitCode;
  });
  return {
    say: (line, code) =>
      new Promise((resolve, reject) => {
        heard = '';
        look = () => {
          if (new RegExp(`^${code} `, 'm').test(heard)) resolve();
          else if (child.exitCode !== null || child.signalCode !== null) {
            reject(new Error(`the session ended before "${code}":\n${output}`));
          }
        };
        child.stdin.write(`${line}\n`);
        look();
      }),
    output: () => output,
    ended,
    kill: () => child.kill('SIGKILL'),
  };
};
