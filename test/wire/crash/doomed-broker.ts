import { writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { json } from 'node:stream/consumers';
import { streamLog } from '../../../shared/adapters/system/stream-log.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { type Broker, composeBroker } from './composition.ts';
import type { Orders, Said } from './orders.ts';
import { type Watch, watchedFetch } from './steps.ts';

/**
 * A broker that does one thing, tells each step as it takes it, and kills itself with SIGKILL at the one it is told.
 * Said at once and unbuffered: what was said before the end is all that it did.
 */
const say = (said: Said): void => {
  writeSync(1, `${JSON.stringify(said)}\n`);
};

const orders = (await json(process.stdin)) as Orders;
let steps = 0;

const watch: Watch = (moment, what) => {
  steps++;
  say({ step: `${moment} ${what}`, atMs: performance.now() });
  if (steps === orders.dieAtStep) process.kill(process.pid, 'SIGKILL');
};

globalThis.fetch = watchedFetch(globalThis.fetch, watch);

/** A clock that can be set forward, so that many refreshes in a row are no loop to the broker. */
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

const refresh = async ({ refreshGrant }: Broker, mailboxId: string): Promise<string> => {
  const askedAt = clock.now() / 1000;
  return (await refreshGrant({ mailboxId, audience: 'smtp', minTtlSeconds: 86_400, askedAt })).outcome;
};

const carryOut = async (broker: Broker): Promise<string> => {
  const { work } = orders;
  switch (work.operation) {
    case 'refresh': {
      let outcome = '';
      for (let round = 0; round < work.times; round++) {
        say({ step: 'begin', atMs: performance.now() });
        outcome = await refresh(broker, work.mailboxId);
        say({ step: 'end', atMs: performance.now() });
        aheadMs += 600_000;
      }
      return outcome;
    }
    case 'sign-in': {
      const completed = await broker.completeSignIn(work.callback);
      return completed.ok ? completed.value.tokenStatus : completed.error.kind;
    }
    case 'sign-out':
      await broker.signOut(work.mailbox);
      return 'signed out';
  }
};

const broker = await composeBroker(orders, { clock, log: streamLog(process.stderr, clock), watch });
say({ outcome: await carryOut(broker) });
broker.close();
