/**
 * A process of a broker that tells each step as it takes it, and kills itself with SIGKILL at the one it is told, or is
 * killed. What it is to do comes as JSON in the only argument. `send`: it empties the mail queue once. `accept`: it serves
 * devices, and counts its steps from the moment when a line on standard input says at which one to die.
 */
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { getRequestListener } from '@hono/node-server';
import { streamLog } from '../../../shared/adapters/system/stream-log.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { composeMachine, type Machine, type Place } from './compose.ts';
import { watchedBy } from './steps.ts';

export interface DoomedOrders {
  readonly place: Place;
  /** Of its clock. */
  readonly aheadMs: number;
  readonly work: 'send' | 'accept';
  /** It kills itself at its nth step; absent: not. */
  readonly dieAtStep?: number;
}

/** A line of its standard output. */
export type DoomedSays =
  | { readonly step: string; readonly atMs: number }
  | { readonly port: number }
  | { readonly armed: true }
  | { readonly done: true };

const orders = JSON.parse(process.argv[2] ?? '') as DoomedOrders;

/** At once and unbuffered: what was said before the end is all that it did. */
const say = (said: DoomedSays): void => {
  writeSync(1, `${JSON.stringify(said)}\n`);
};

let steps = 0;
let { dieAtStep } = orders;

const clock: Clock = { ...systemClock, now: () => systemClock.now() + orders.aheadMs };

const machine = composeMachine(orders.place, {
  clock,
  log: streamLog(process.stderr, clock),
  wrappers: watchedBy((moment, what) => {
    steps++;
    say({ step: `${moment} ${what}`, atMs: performance.now() });
    if (steps === dieAtStep) process.kill(process.pid, 'SIGKILL');
  }),
});

const accept = async ({ acceptApp }: Machine): Promise<void> => {
  const server = createServer(getRequestListener(acceptApp.fetch));
  server.listen(0, '127.0.0.1', () => say({ port: (server.address() as AddressInfo).port }));
  for await (const line of createInterface({ input: process.stdin })) {
    [steps, dieAtStep] = [0, Number(line)];
    say({ armed: true });
  }
};

if (orders.work === 'accept') await accept(machine);
else {
  await machine.workMail(1);
  say({ done: true });
  machine.close();
}
