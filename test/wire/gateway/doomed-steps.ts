/**
 * Preloaded into a gateway (`--import`): tells each step that it takes towards its disk and its broker, and kills it at the one
 * that stands in the file that `DOOM_FILE` names. It is armed by SIGUSR2; from then on the steps of each name are counted.
 */

/**
 * Preloaded into a gateway (`--import`): tells each step that it takes towards its disk and its broker, and kills it at the one
 * that stands in the file that `DOOM_FILE` names. It is armed by SIGUSR2; from then on the steps of each name are counted.
 */
import streams, { readFileSync, writeSync } from 'node:fs';
import disk from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

const PLACES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\/receiving\/sub_[^/]+$/, 'what comes in'],
  [/\/submissions\/sub_[^/]+\.eml$/, 'content'],
  [/\/submissions\/sub_[^/]+\.json(?:\.new)?$/, 'entry'],
  [/\/submissions\/?$/, 'spool folder'],
  [/\/outboxes\/mbx_[^/]+\.json(?:\.new)?$/, 'outbox'],
];

const placeOf = (path: unknown): string | undefined => PLACES.find(([pattern]) => pattern.test(String(path)))?.[1];

let doom: string | undefined;
let counts = new Map<string, number>();

process.on('SIGUSR2', () => {
  doom = readFileSync(process.env.DOOM_FILE ?? '', 'utf8');
  counts = new Map();
  writeSync(1, '{"armed":true}\n');
});

/** Written at once and unbuffered: what was said before the end is all that it did. */
const at = (moment: 'before' | 'after', what: string): void => {
  const name = `${moment} ${what}`;
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  const step = `${name} #${count}`;
  if (doom !== undefined) writeSync(1, `${JSON.stringify({ step })}\n`);
  if (step === doom) process.kill(process.pid, 'SIGKILL');
};

const around = async <Value>(what: string, work: () => Promise<Value>): Promise<Value> => {
  at('before', what);
  const value = await work();
  at('after', what);
  return value;
};

const { open, rename, rm } = disk;
const { createWriteStream } = streams;

const watched = async (...args: Parameters<typeof open>): Promise<Awaited<ReturnType<typeof open>>> => {
  const place = placeOf(args[0]);
  // What only reads changes nothing; a folder is opened to be synced.
  const isWriting = String(args[1] ?? 'r').startsWith('w');
  if (place === undefined || !(isWriting || place === 'spool folder')) return open(...args);
  const handle = isWriting ? await around(`create ${place}`, () => open(...args)) : await open(...args);
  const { writeFile, writev, sync } = handle;
  const writes = `write ${place}`;
  handle.writeFile = (...given) => around(writes, () => writeFile.apply(handle, given));
  const vectors = writev as (...given: unknown[]) => Promise<never>;
  handle.writev = (...given: unknown[]) => around(writes, () => vectors.apply(handle, given));
  handle.sync = () => around(`sync ${place}`, () => sync.apply(handle));
  return handle;
};

Object.assign(disk, {
  open: watched,
  rename(from: string, to: string) {
    const place = placeOf(to);
    return place === undefined ? rename(from, to) : around(`rename ${place}`, () => rename(from, to));
  },
  rm(path: string, options?: Parameters<typeof rm>[1]) {
    const place = placeOf(path);
    // Most often there is nothing to remove of what is unfinished.
    if (place === undefined || path.endsWith('.new')) return rm(path, options);
    return around(`remove ${place}`, () => rm(path, options));
  },
});
Object.assign(streams, {
  createWriteStream(...args: Parameters<typeof createWriteStream>) {
    const stream = createWriteStream(...args);
    const place = placeOf(args[0]);
    if (place === undefined) return stream;
    at('before', `write ${place}`);
    return stream.once('close', () => at('after', `write ${place}`));
  },
});
syncBuiltinESMExports();

/** The one thing that devices hear, in the clear, that promises something. */
const speak = Socket.prototype.write;
Socket.prototype.write = function (this: Socket, ...args: Parameters<typeof speak>) {
  if (String(args[0]).startsWith('250 2.0.0 Accepted')) at('before', 'say 250');
  return speak.apply(this, args);
} as typeof speak;

const { fetch } = globalThis;
globalThis.fetch = (url, init) => {
  const path = new URL(String(url)).pathname.replace(/^\/v1\//, '').replace(/mbx_[^/]+/, '…');
  return around(`ask the broker for ${path}`, () => fetch(url, init));
};
