/**
 * One process of a broker, for tests that have several of them or kill one. The place as JSON in the only argument; then
 * one order a line on standard input, and one answer a line on standard output.
 */
import { createInterface } from 'node:readline';
import type { BrokerError } from '../../../shared/domain/errors.ts';
import type { DeviceCredential } from '../../../shared/usecases/devices/authenticate-device.ts';
import { composeBroker, type Place } from './compose.ts';

export interface Order {
  /** Each fetches one token, all at once. */
  readonly devices: readonly DeviceCredential[];
}

export interface Answer {
  readonly tokens: readonly string[];
  readonly failures: readonly BrokerError[];
}

const { fetchToken } = composeBroker(JSON.parse(process.argv[2] ?? '') as Place);

const carryOut = async ({ devices }: Order): Promise<Answer> => {
  const wish = { slot: 'scan', audience: 'smtp', minTtlSeconds: 600 } as const;
  const results = await Promise.all(devices.map((device) => fetchToken({ ...device, ...wish })));
  return {
    tokens: results.flatMap((result) => (result.ok ? [result.value.accessToken] : [])),
    failures: results.flatMap((result) => (result.ok ? [] : [result.error])),
  };
};

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await carryOut(JSON.parse(line) as Order))}\n`);
}
