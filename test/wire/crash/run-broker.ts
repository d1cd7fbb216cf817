import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { Orders, Said } from './orders.ts';
import type { Program } from './program.ts';

export interface Ended {
  /** By SIGKILL, its own or another's; else it came to its end. */
  readonly killed: boolean;
  readonly outcome: string | undefined;
  /** Every step it took, in order. */
  readonly trail: readonly string[];
  readonly timed: readonly { readonly step: string; readonly atMs: number }[];
  /** All that it said, to both outputs. */
  readonly output: string;
}

const saidIn = (output: string): Said[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said);

/** Runs a broker of its own process. `killAfterMs`: from outside, so long after it began to work. */
export const runBroker = async (
  orders: Orders,
  { script, compileCache }: Program,
  killAfterMs?: number,
): Promise<Ended> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    env: { NODE_COMPILE_CACHE: compileCache },
    stdio: 'pipe',
  });
  const closed = once(child, 'close');
  child.stdin.end(JSON.stringify(orders));
  if (killAfterMs !== undefined) {
    child.stdout.once('data', async () => {
      await setTimeout(killAfterMs);
      child.kill('SIGKILL');
    });
  }
  const [said, logged] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = await closed;
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the broker failed by itself: ${said}${logged}`);
  const all = saidIn(said);
  const timed = all.flatMap((one) => ('step' in one ? [one] : []));
  return {
    killed: signal === 'SIGKILL',
    outcome: all.flatMap((one) => ('outcome' in one ? [one.outcome] : []))[0],
    trail: timed.map(({ step }) => step).filter((step) => step !== 'begin' && step !== 'end'),
    timed,
    output: said + logged,
  };
};
