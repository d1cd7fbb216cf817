/**
 * Measures the two bundles named by its arguments, bare read and fetch-token, in one process by turns. Its standard output
 * is the function's log, so what it finds goes by IPC.
 */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { byTurns, timed } from './figures.ts';

/** Both compiled by then, the device's mailbox known, and its use noted, which happens once in ten minutes. */
const WARM_UP = 1000;
const ROUNDS = 3000;
const BLOCKS = 10;
const BLOCK_ROUNDS = 200;

export interface HotPathInputs {
  readonly bareRead: object;
  readonly fetchEvent: object;
}

export interface HotPathFigures {
  readonly bareMs: readonly number[];
  readonly fetchMs: readonly number[];
  /** Of one call, user and system, the median of several hundred at a time. */
  readonly bareCpuUs: readonly number[];
  readonly fetchCpuUs: readonly number[];
}

type Handler = (event: object) => Promise<{ readonly statusCode?: number; readonly Responses?: object }>;

const handlerOf = async (path = ''): Promise<Handler> => (await import(pathToFileURL(path).href)).handler;

const [{ bareRead, fetchEvent }] = (await once(process, 'message')) as [HotPathInputs];
const bareHandler = await handlerOf(process.argv[2]);
const fetchHandler = await handlerOf(process.argv[3]);

const read = async (): Promise<void> => {
  if ((await bareHandler(bareRead)).Responses === undefined) throw new Error('the bare read found nothing');
};
const fetchToken = async (): Promise<void> => {
  const { statusCode } = await fetchHandler(fetchEvent);
  if (statusCode !== 200) throw new Error(`fetch-token answers ${statusCode}`);
};
const cpuOf = (call: () => Promise<void>) => async (): Promise<number> => {
  const before = process.cpuUsage();
  for (let round = 0; round < BLOCK_ROUNDS; round++) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BLOCK_ROUNDS;
};
const times = [() => timed(read), () => timed(fetchToken)];

await byTurns(WARM_UP, ...times);
const [bareMs = [], fetchMs = []] = await byTurns(ROUNDS, ...times);
const [bareCpuUs = [], fetchCpuUs = []] = await byTurns(BLOCKS, cpuOf(read), cpuOf(fetchToken));
process.send?.({ bareMs, fetchMs, bareCpuUs, fetchCpuUs } satisfies HotPathFigures);
process.disconnect();
