/**
 * Preloaded into a gateway (`--import`): its clock and its timers run as many times as fast as the variable `QUICK_TIME` says, from
 * its start on. So nobody waits a minute for what happens within a minute; and the gateway's clock is minutes ahead of everybody
 * else's, as those of small offices are. For the network it has
 * the patience that it always has, or as much as `QUICK_PATIENCE_MS` says.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import promises from 'node:timers/promises';

const speed = Number(process.env.QUICK_TIME || 1);
const startedAt = Date.now();
const realNow = Date.now;

const now = (): number => Math.floor(startedAt + (realNow() - startedAt) * speed);

const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
});
RealDate.now = now;

const { setTimeout, setInterval } = globalThis;
const quick = {
  setTimeout: Object.assign(
    (callback: () => void, milliseconds = 0, ...args: []) => setTimeout(callback, milliseconds / speed, ...args),
    setTimeout,
  ),
  setInterval: (callback: () => void, milliseconds = 0, ...args: []) =>
    setInterval(callback, milliseconds / speed, ...args),
};
const { setTimeout: sleep } = promises;
const quickSleep: typeof sleep = (milliseconds = 0, value, options) => sleep(milliseconds / speed, value, options);
Object.assign(globalThis, quick);
Object.assign(timers, quick);
Object.assign(promises, { setTimeout: quickSleep });
syncBuiltinESMExports();

const patienceMs = Number(process.env.QUICK_PATIENCE_MS || Number.POSITIVE_INFINITY);
const { timeout } = AbortSignal;
AbortSignal.timeout = (milliseconds) => timeout(Math.min(milliseconds, patienceMs));
