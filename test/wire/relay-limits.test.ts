import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MAILBOX_LIMITS } from '../../shared/domain/outbox.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { bundledProgram, type Program } from './crash/program.ts';
import { quickClock } from './herd/quick-clock.ts';
import { composeMachine } from './relay/compose.ts';
import type { LimitOrders } from './relay/limit-process.ts';
import { arrivedFor, handIn, openOffice, openPlace, startWorld, type World } from './relay/scene.ts';
import { eventually } from './support.ts';

/**
 * Everybody's clock, and that by which the server counts. What is compressed is the waiting: a message takes ten times as
 * long as it would, so that fewer fit into a minute than in truth, but more than the limit.
 */
const SPEED = 10;

const WORKERS = 3;
const GATEWAYS = 3;
const MAILBOXES = 2;
const OF_RELAY = 45;
const OF_EACH_GATEWAY = 10;
const MINUTE_MS = 60_000;

/** The most that any minute has seen. */
const mostInAMinute = (times: readonly number[]): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + MINUTE_MS).length));

describe('the limits of a mailbox', () => {
  let world: World;
  let program: Program;

  before(async () => {
    world = await startWorld();
    program = await bundledProgram(join(import.meta.dirname, 'relay', 'limit-process.ts'), world.folder);
  });
  after(() => world.close());

  const start = (orders: LimitOrders) => {
    const args = ['--disable-warning=ExperimentalWarning', program.script, JSON.stringify(orders)];
    const child = spawn(process.execPath, args, { env: { NODE_COMPILE_CACHE: program.compileCache }, stdio: 'pipe' });
    let log = '';
    child.stdout.resume();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const closed = once(child, 'close');
    return {
      stop: async (): Promise<void> => {
        child.stdin.end();
        const [code] = await closed;
        assert.equal(code, 0, log);
      },
      kill: () => child.kill('SIGKILL'),
    };
  };

  test('hold over several workers and gateways together, and the relay keeps the order', async (t) => {
    const { place, proxy } = await openPlace(world, 'limits');
    const speed = { originMs: Date.now(), offsetMs: 0, speed: SPEED };
    const clock = quickClock(speed);
    const machine = composeMachine(place, { clock, log: memoryLog() });
    const offices = [];
    for (let count = 0; count < MAILBOXES; count++) offices.push(await openOffice(machine, `limits-${count}`));
    for (const office of offices) {
      for (let count = 0; count < OF_RELAY; count++) {
        await handIn(machine, office, { name: `relay-${String(count).padStart(3, '0')}` });
      }
    }
    const mailboxes = offices.map(({ mailbox }) => mailbox);
    const common = { place, clock: speed, mailboxes };
    const processes = [
      ...Array.from({ length: WORKERS }, () => start({ ...common, role: { name: 'worker' } })),
      ...Array.from({ length: GATEWAYS }, (_, index) => {
        const gateway = { name: 'gateway', holder: `gateway-${index}`, messages: OF_EACH_GATEWAY } as const;
        return start({ ...common, role: gateway });
      }),
    ];
    t.after(async () => {
      for (const one of processes) one.kill();
      await proxy.close();
      machine.close();
    });
    const each = OF_RELAY + GATEWAYS * OF_EACH_GATEWAY;
    await eventually(
      'all has arrived',
      () => (world.standIns.mail.counters().messages >= each * MAILBOXES ? true : undefined),
      90_000,
    );
    for (const one of processes) await one.stop();

    const limits = MAILBOX_LIMITS.microsoft;
    const { atMostByUser } = world.standIns.mail.counters();
    for (const { mailbox } of offices) {
      const arrived = await arrivedFor(world, mailbox.address);
      const names = arrived.map(({ name }) => name);
      assert.equal(new Set(names).size, each);
      assert.equal(names.length, each);
      const most = mostInAMinute(
        arrived.map(({ receivedAtMs }) => speed.originMs + (receivedAtMs - speed.originMs) * SPEED),
      );
      assert.ok(most <= limits.messagesPerMinute, `${most} messages within a minute`);
      const connections = atMostByUser[mailbox.address] ?? 0;
      assert.ok(connections <= limits.connections, `${connections} connections at once`);
      const ofRelay = names.filter((name) => name.startsWith('relay-'));
      assert.deepEqual(ofRelay, ofRelay.toSorted(), 'the order was not kept');
      t.diagnostic(`${mailbox.address}: at most ${most} messages within a minute, ${connections} connections at once`);
      // Else nothing was limited.
      assert.ok(most > limits.messagesPerMinute / 2 && connections === limits.connections);
    }
    const minutes = Math.round((clock.now() - speed.originMs) / MINUTE_MS);
    t.diagnostic(`${each} messages for each of ${MAILBOXES} mailboxes in ${minutes} minutes of their time`);
  });
});
