import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Delivery, startDelivery } from '../../../gateway/delivery/delivery.ts';
import type { SpoolEntry } from '../../../gateway/spool/entry.ts';
import type { GatewayOutboxes } from '../../../gateway/spool/outboxes.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { type Gate, makeGate } from '../../fakes/gate.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';
import { mailboxNamed, submissionNamed } from './spool-world.ts';

const turn = () => new Promise(setImmediate);

describe('delivery', () => {
  let clock: ManualClock;
  let log: MemoryLog;
  let gate: Gate;
  /** Each call of `sendOutbox`, in order; which are under way; and the most at once. */
  let calls: string[];
  let inHand: string[];
  let mostAtOnce: number;
  let dueAt: Map<string, number>;
  let pending: Map<string, readonly string[]>;
  let fault: Error | undefined;

  beforeEach(() => {
    clock = manualClock();
    log = memoryLog();
    gate = makeGate();
    calls = [];
    inHand = [];
    mostAtOnce = 0;
    dueAt = new Map();
    pending = new Map();
    fault = undefined;
  });

  const start = (entries: readonly SpoolEntry[] = []): Delivery =>
    startDelivery({
      spool: {
        entries: () => entries,
        outboxes: {
          get: async (mailboxId: string) => ({ outbox: {}, revision: 0, dueAt: dueAt.get(mailboxId) }),
          pending: async (mailboxId: string) => pending.get(mailboxId) ?? [],
        } as unknown as GatewayOutboxes,
      },
      async sendOutbox(mailboxId) {
        calls.push(mailboxId);
        inHand.push(mailboxId);
        mostAtOnce = Math.max(mostAtOnce, inHand.length);
        await gate.pass();
        inHand.splice(inHand.indexOf(mailboxId), 1);
        if (fault) throw fault;
      },
      clock,
      log,
    });

  const entryOf = (mailboxId: string): SpoolEntry => ({
    submission: submissionNamed(`sub_of_${mailboxId}`, clock, { mailboxId }),
    mailbox: mailboxNamed(mailboxId),
    revision: 1,
  });

  it('begins with every mailbox that has something in the spool, once', async () => {
    const delivery = start([entryOf('mbx_1'), entryOf('mbx_2'), entryOf('mbx_1')]);
    await turn();
    assert.deepEqual(calls, ['mbx_1', 'mbx_2']);
    await delivery.stop();
  });

  it('has one worker for a mailbox, and looks once more for all that came meanwhile', async () => {
    const delivery = start();
    gate.close();
    for (let time = 0; time < 10; time++) delivery.wake('mbx_1');
    await turn();
    assert.deepEqual([calls.length, mostAtOnce], [1, 1]);
    for (let time = 0; time < 10; time++) delivery.wake('mbx_1');
    gate.open();
    await turn();
    assert.deepEqual([calls.length, mostAtOnce], [2, 1]);
    await delivery.stop();
  });

  it('works at sixteen mailboxes at once, and comes to all', async () => {
    const delivery = start();
    gate.close();
    for (let number = 0; number < 100; number++) delivery.wake(`mbx_${number}`);
    await turn();
    assert.equal(inHand.length, 16);
    for (let number = 0; number < 100; number++) {
      gate.letOneThrough();
      await turn();
    }
    assert.deepEqual([mostAtOnce, inHand.length, new Set(calls).size, calls.length], [16, 0, 100, 100]);
    await delivery.stop();
  });

  describe('by the clock', () => {
    const inSeconds = (seconds: number): void => void dueAt.set('mbx_1', epochSeconds(clock) + seconds);
    const passes = async (t: import('node:test').TestContext, milliseconds: number): Promise<void> => {
      await clock.advance(milliseconds);
      t.mock.timers.tick(milliseconds);
      await turn();
    };

    it('looks again when something is due, and not before', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      inSeconds(60);
      delivery.wake('mbx_1');
      await turn();
      await passes(t, 60_000);
      assert.equal(calls.length, 1);
      dueAt.clear();
      await passes(t, 1);
      assert.equal(calls.length, 2);
      await passes(t, 3_600_000);
      assert.equal(calls.length, 2);
      await delivery.stop();
    });

    it('looks every five minutes at what is due in days, in case the clock was set', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      inSeconds(3 * 86_400);
      delivery.wake('mbx_1');
      await turn();
      await passes(t, 299_999);
      assert.equal(calls.length, 1);
      await passes(t, 1);
      assert.equal(calls.length, 2);
      await delivery.stop();
    });

    it('looks again half a minute after a fault, and logs it', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      fault = new Error('the disk is full');
      delivery.wake('mbx_1');
      await turn();
      assert.equal(log.of('delivery.failed').length, 1);
      fault = undefined;
      await passes(t, 29_999);
      assert.equal(calls.length, 1);
      await passes(t, 1);
      assert.equal(calls.length, 2);
      await delivery.stop();
    });

    it('comes back to mail that was left to a worker of which nobody hears again', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      pending.set('mbx_1', ['sub_1']);
      for (const stale of [undefined, -5, 0]) {
        if (stale === undefined) dueAt.clear();
        else inSeconds(stale);
        const before = calls.length;
        delivery.wake('mbx_1');
        await turn();
        await passes(t, 29_999);
        assert.equal(calls.length, before + 1, `due ${stale}: without a tight loop`);
        await passes(t, 1);
        assert.equal(calls.length, before + 2, `due ${stale}`);
      }
      pending.clear();
      await passes(t, 30_000);
      const after = calls.length;
      await passes(t, 3_600_000);
      assert.equal(calls.length, after, 'nothing waits any more');
      await delivery.stop();
    });

    it('looks at once at what is added where nothing waits, else soon at all of it together', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      delivery.added('mbx_1');
      await turn();
      assert.equal(calls.length, 1);
      inSeconds(3600);
      delivery.added('mbx_1');
      await turn();
      assert.equal(calls.length, 2);
      for (let time = 0; time < 9; time++) {
        delivery.added('mbx_1');
        await passes(t, 50);
      }
      assert.equal(calls.length, 2);
      await passes(t, 50);
      assert.equal(calls.length, 3);
      delivery.added('mbx_1');
      await passes(t, 500);
      assert.equal(calls.length, 4);
      await delivery.stop();
    });

    it('is woken before its time by what comes in, and has one timer for it', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const delivery = start();
      inSeconds(60);
      delivery.wake('mbx_1');
      await turn();
      delivery.wake('mbx_1');
      await turn();
      assert.equal(calls.length, 2);
      dueAt.clear();
      await passes(t, 60_001);
      assert.equal(calls.length, 3);
      await delivery.stop();
    });
  });

  it('lets what is in hand end when it stops, and begins nothing more', async () => {
    const delivery = start();
    gate.close();
    for (let number = 0; number < 20; number++) delivery.wake(`mbx_${number}`);
    delivery.wake('mbx_0');
    await turn();
    let isOver = false;
    const stopped = delivery.stop().then(() => {
      isOver = true;
    });
    await turn();
    assert.equal(isOver, false);
    gate.open();
    await stopped;
    delivery.wake('mbx_1');
    await pause(20);
    assert.equal(calls.length, 16);
  });

  it('leaves no timer behind that keeps the process, not even of what ended after it was stopped', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const delivery = start();
    gate.close();
    dueAt.set('mbx_1', epochSeconds(clock) + 60);
    dueAt.set('mbx_2', epochSeconds(clock) + 60);
    delivery.wake('mbx_1');
    await turn();
    gate.open();
    await turn();
    gate.close();
    delivery.wake('mbx_2');
    await turn();
    assert.ok(timers() > before);
    const stopped = delivery.stop();
    gate.open();
    await stopped;
    assert.equal(timers(), before);
  });
});
