import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { FaultOptions, FaultProxy, ProxyFault, ProxyStep } from '../fakes/fault-proxy.ts';
import { arrivedFor, openPlace, startWorld, type World } from './relay/scene.ts';
import {
  type Bound,
  freePort,
  type Json,
  postMessage,
  signedInDevice,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

interface Case {
  /** Who is struck; everything else of the line works. */
  readonly name: string;
  readonly at: ProxyStep;
  readonly fault: ProxyFault;
  readonly options?: FaultOptions;
  readonly state: 'deferred' | 'held';
  readonly unknown?: 1;
  readonly arrives?: number;
  readonly sizeBytes?: number;
}

const MEGABYTE = 1_000_000;

/** From the sign-in on the line knows whose session it is, so that all of them can be struck at once. */
const CASES: readonly Case[] = [
  { name: 'lost-reply', at: '.', fault: { kind: 'drop', side: 'after' }, state: 'deferred', unknown: 1, arrives: 2 },
  { name: 'lost-end', at: '.', fault: { kind: 'drop', side: 'before' }, state: 'deferred', unknown: 1 },
  {
    ...{ name: 'half', at: 'content', fault: { kind: 'drop', side: 'before' }, state: 'deferred' },
    ...{ sizeBytes: 4 * MEGABYTE, options: { afterBytes: 1000 } },
  },
  { name: 'closing', at: 'AUTH', fault: { kind: 'reply', text: '421 4.3.2 Service not available' }, state: 'deferred' },
  { name: 'threads', at: '.', fault: { kind: 'reply', text: '432 4.3.2 sender thread limit' }, state: 'deferred' },
  {
    name: 'policy',
    at: 'AUTH',
    fault: { kind: 'reply', text: '535 5.7.139 did not meet the criteria' },
    state: 'held',
  },
];

const scan = ({ address }: Bound, sizeBytes = 0): string =>
  smallMessage(address, `<${address}>`) +
  `${'A document was scanned.'.repeat(3)}\r\n`.repeat(Math.ceil(sizeBytes / 71));

/** The broker as `npm start` runs it, with nothing changed but its time. */
describe('the whole broker over a faulty line', () => {
  let world: World;
  let proxy: FaultProxy;
  let broker: WireBroker;
  let clockFile: string;

  before(async () => {
    const port = await freePort();
    world = await startWorld(`http://localhost:${port}`);
    const line = await openPlace(world, 'line');
    proxy = line.proxy;
    clockFile = join(world.folder, 'ahead');
    const config = join(world.folder, 'broker.json');
    await writeFile(clockFile, '0');
    await writeFile(config, line.place.config);
    const movedClock = pathToFileURL(join(import.meta.dirname, '../fakes/moved-clock.ts'));
    broker = await wireBroker({
      ...{ BROKER_PORT: port, BROKER_CONFIG: config, MOVED_CLOCK_FILE: clockFile },
      NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${movedClock.href}`,
    });
  });
  after(async () => {
    await broker?.close();
    await proxy?.close();
    await world.close();
  });

  const handIn = async ({ device }: Bound, message: string): Promise<Json> => {
    const reply = await postMessage(broker, device, message);
    assert.equal(reply.status, 202, reply.text);
    return reply.body;
  };

  test('tells of every fault as it was, delays nobody else, and sends all in the end', async () => {
    const struck = [];
    for (const one of CASES) {
      const bound = await signedInDevice(broker, 'microsoft', `${one.name}@contoso.example`);
      proxy.at(one.at, one.fault, { ...one.options, user: bound.address });
      struck.push({ one, bound, accepted: await handIn(bound, scan(bound, one.sizeBytes)) });
    }
    const calm = await signedInDevice(broker, 'microsoft', 'calm@contoso.example');
    const { submission_id: calmId } = await handIn(calm, scan(calm));
    await submissionIn(broker, calm.device, calmId, 'sent');

    for (const { one, bound, accepted } of struck) {
      const told = await submissionIn(broker, bound.device, accepted.submission_id, one.state);
      assert.deepEqual(
        [told.attempts, told.unknown_outcomes],
        [1, one.unknown],
        `${one.name}: ${JSON.stringify(told)}`,
      );
    }
    await writeFile(clockFile, String(3601 * 1000));
    for (const { one, bound, accepted } of struck) {
      const told = await submissionIn(broker, bound.device, accepted.submission_id, 'sent');
      assert.equal(told.attempts, 2, one.name);
      const arrived = await arrivedFor(world, bound.address);
      assert.equal(arrived.length, one.arrives ?? 1, one.name);
      for (const { messageId } of arrived) assert.equal(messageId, `<${bound.address}>`);
    }
    assert.equal((await arrivedFor(world, calm.address)).length, 1);
  });
});
