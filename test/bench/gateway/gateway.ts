import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayOffice } from '../../wire/gateway/office.ts';
import { arrived, eventually } from '../../wire/support.ts';
import { median, milliseconds, print } from '../figures.ts';
import { type Child, startChild } from '../relay/child.ts';
import { memoryOf } from '../relay/process-memory.ts';
import type { LoadAnswer, LoadOrder } from './load.ts';
import { startPostfix } from './postfix.ts';

const ROUNDS = 5;

/** Bounded by count: about three seconds a round, and 200 MB on disk in all. */
const LOADS = [
  { name: '10 KB, 1 connection', messageBytes: 10_000, connections: 1, messagesEach: 150 },
  { name: '10 KB, 20 connections', messageBytes: 10_000, connections: 20, messagesEach: 40 },
  { name: '1 MB, 1 connection', messageBytes: 1_000_000, connections: 1, messagesEach: 15 },
  { name: '1 MB, 20 connections', messageBytes: 1_000_000, connections: 20, messagesEach: 2 },
] as const;

/** For more mail than one office has, and none of it held back. */
const SETTINGS = { limits: { messages_per_minute: 1_000_000, spool_messages: 1_000_000, spool_bytes: 50_000_000_000 } };

/** The least a message costs that is on disk before the reply: one file, written and synced. */
const syncedFilesPerSecond = async (bytes: number): Promise<number> => {
  const content = Buffer.alloc(bytes, 65);
  const path = join(tmpdir(), `gateway-bench-${process.pid}`);
  const count = bytes > 100_000 ? 15 : 100;
  const startedAt = performance.now();
  for (let at = 0; at < count; at++) {
    const file = await open(path, 'w');
    await file.write(content);
    await file.sync();
    await file.close();
  }
  await rm(path);
  return (count * 1000) / (performance.now() - startedAt);
};

const rateOf = async (child: Child<LoadOrder>, order: LoadOrder): Promise<number> => {
  const { accepted, seconds } = await child.ask<LoadAnswer>(order);
  return accepted / seconds;
};

const perSecond = (rate: number): string => `${rate < 100 ? rate.toFixed(1) : rate.toFixed(0)}/s`;
const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MB`;

/** Messages accepted, beside Postfix on the same disk by turns; and the gateway's memory meanwhile. */
const benchAccepting = async (): Promise<void> => {
  const office = await gatewayOffice({ settings: SETTINGS });
  const postfix = await startPostfix();
  const child = startChild<LoadOrder>('../gateway/load.ts');
  const { device, ports, address } = office;
  const memory = await memoryOf(office.gateway.pid);
  const rows: [string, ...string[]][] = [['', 'gateway', 'Postfix', 'ratio', 'one fsync', 'memory']];
  for (const { name, ...load } of LOADS) {
    const rates = { gateway: [] as number[], postfix: [] as number[], floor: [] as number[], memory: [] as number[] };
    const credential = { user: device.clientId, password: device.clientSecret };
    for (let round = 0; round < ROUNDS; round++) {
      const { value, aboveIdleBytes } = await memory.during(() =>
        rateOf(child, { port: ports.smtp, credential, from: address, ...load }),
      );
      rates.gateway.push(value);
      rates.memory.push(aboveIdleBytes);
      if (postfix) rates.postfix.push(await rateOf(child, { port: postfix.port, from: address, ...load }));
      rates.floor.push(await syncedFilesPerSecond(load.messageBytes));
    }
    const [gateway, other, floor] = [median(rates.gateway), median(rates.postfix), median(rates.floor)];
    rows.push([
      name,
      perSecond(gateway),
      postfix ? perSecond(other) : 'absent',
      postfix ? `${(gateway / other).toFixed(2)}x` : '–',
      perSecond(floor),
      `+${megabytes(Math.max(...rates.memory))}`,
    ]);
  }
  print(`Gateway: messages accepted, on disk before the reply (medians of ${ROUNDS}, by turns)`, rows);
  print('Gateway: memory of the process', [['idle', megabytes(memory.idleBytes)]]);
  child.close();
  await postfix?.close();
  await office.close();
};

const bareNode = async (): Promise<number> => {
  const { spawn } = await import('node:child_process');
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - startedAt;
};

/** From the device's `250` to the provider's server, and from the start of the program to its first greeting. */
const benchLatency = async (): Promise<void> => {
  const office = await gatewayOffice();
  const child = startChild<LoadOrder>('../gateway/load.ts');
  const { device, ports, address, broker } = office;
  const credential = { user: device.clientId, password: device.clientSecret };
  const delivered: number[] = [];
  for (let count = 1; count <= 10; count++) {
    await child.ask({
      port: ports.smtp,
      credential,
      from: address,
      connections: 1,
      messagesEach: 1,
      messageBytes: 10_000,
    });
    const acceptedAt = Date.now();
    const mails = await eventually('it arrives', async () => {
      const found = await arrived(broker);
      return found.length >= count ? found : undefined;
    });
    delivered.push(Math.max(...mails.map(({ received_at }) => Date.parse(String(received_at)))) - acceptedAt);
  }
  const [starts, floors]: [number[], number[]] = [[], []];
  for (let count = 0; count < 5; count++) {
    await office.gateway.stop();
    floors.push(await bareNode());
    await office.restart();
    starts.push(office.gateway.startedInMs);
  }
  print('Gateway: how long it takes', [
    ['from 250 to delivered, 10 KB, stand-in on this machine', milliseconds(median(delivered))],
    ['start to ready', milliseconds(median(starts)), `bare Node ${milliseconds(median(floors))}`],
  ]);
  child.close();
  await office.close();
};

export const benchGateway = async (): Promise<void> => {
  await benchAccepting();
  await benchLatency();
};
