import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { Program } from '../crash/program.ts';
import type { DoomedOrders, DoomedSays } from './doomed.ts';

export type Trail = readonly { readonly step: string; readonly atMs: number }[];

/** A process that is going to die. */
export const startDoomed = (orders: DoomedOrders, { script, compileCache }: Program) => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, JSON.stringify(orders)], {
    env: { NODE_COMPILE_CACHE: compileCache },
    stdio: 'pipe',
  });
  const closed = once(child, 'close');
  const timed: { step: string; atMs: number }[] = [];
  let log = '';
  let listening = (_: number): void => undefined;
  let armed = (): void => undefined;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  let firstStep = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    firstStep = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as DoomedSays;
    if ('port' in said) listening(said.port);
    if ('armed' in said) armed();
    if (!('step' in said)) return;
    timed.push(said);
    firstStep();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });

  const kill = (): void => void child.kill('SIGKILL');
  return {
    port,
    kill,
    killAfter: async (milliseconds: number): Promise<void> => {
      await Promise.race([begun, closed]);
      await setTimeout(milliseconds);
      kill();
    },
    /** Of `accept`: from now on its steps are counted, and it dies at this one. */
    async arm(dieAtStep: number): Promise<void> {
      const done = new Promise<void>((resolve) => {
        armed = resolve;
      });
      child.stdin.write(`${dieAtStep}\n`);
      await Promise.race([done, closed]);
      timed.length = 0;
    },
    /** Waits for its end. */
    async ended() {
      const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
      if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the process failed by itself: ${log}`);
      return { killed: signal === 'SIGKILL', timed: timed as Trail, trail: timed.map(({ step }) => step), log };
    },
  };
};

export type Doomed = ReturnType<typeof startDoomed>;
