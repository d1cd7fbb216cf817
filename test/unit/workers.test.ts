import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type QueueWorker, startWorkers, type Workers } from '../../local/workers.ts';
import { correlated, correlationId } from '../../shared/adapters/correlation/correlation.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';
import { type ManualClock, manualClock } from '../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../fakes/memory-log.ts';
import { advanceSeconds, meanwhile, settle } from './support.ts';

const VISIBILITY_SECONDS = 900;

describe('the workers of the one machine', () => {
  let clock: ManualClock;
  let log: MemoryLog;
  let queue: WorkQueue;
  let workers: Workers | undefined;

  beforeEach(() => {
    clock = manualClock();
    log = memoryLog();
    const options = { name: 'grants', fifo: false, visibilitySeconds: VISIBILITY_SECONDS, maxReceives: 5, clock };
    queue = sqliteWorkQueue(openDatabase(':memory:'), options);
  });
  afterEach(async () => {
    if (workers !== undefined) await settle({ clock }, workers.stop());
    workers = undefined;
  });

  /** Slowly enough for every look at the queue to have its turn. */
  const letPass = async (seconds: number) => {
    await meanwhile({ clock });
    for (let second = 0; second < seconds; second++) await advanceSeconds({ clock }, 1);
  };

  const send = (body: string) => queue.send({ body: JSON.stringify(body) });
  const start = (handle: QueueWorker['handle'], from = queue, sweeps: Parameters<typeof startWorkers>[1] = []) => {
    workers = startWorkers([{ name: 'grants', queue: from, concurrency: 2, handle }], sweeps, log);
  };

  it('hand a message out again half a minute after it failed, and no more once it is done', async () => {
    const handled: unknown[] = [];
    await send('fails once');
    await send('is well');
    start(async (body) => {
      handled.push(body);
      if (handled.length === 1) throw new Error('not now');
    });
    await letPass(29);
    assert.deepEqual(handled, ['fails once', 'is well']);
    assert.deepEqual(
      log.lines.map(({ level, event, fields }) => [level, event, fields.queue, fields.error]),
      [['error', 'message.failed', 'grants', 'Error: not now']],
    );
    await letPass(2);
    assert.deepEqual(handled, ['fails once', 'is well', 'fails once']);
    await letPass(2 * VISIBILITY_SECONDS);
    assert.equal(handled.length, 3);
  });

  it('do each piece of work under what it goes back to, side by side as they are', async () => {
    const found: [body: unknown, before: string | undefined, after: string | undefined][] = [];
    await correlated({ request_id: 'req_1' }, () => send('of a request'));
    await correlated({ correlation_id: 'run_1' }, () => send('of a run'));
    await send('of nothing');
    await send('of nothing, too');
    start(async (body) => {
      const before = correlationId();
      await clock.sleep(1000);
      found.push([body, before, correlationId()]);
    });
    await letPass(5);
    const [request, run, one, another] = found;
    assert.deepEqual(request, ['of a request', 'req_1', 'req_1']);
    assert.deepEqual(run, ['of a run', 'run_1', 'run_1']);
    for (const [, before, after] of [one ?? [], another ?? []]) {
      assert.match(before ?? '', /^run_[\w-]{36}$/);
      assert.equal(before, after);
    }
    assert.notEqual(one?.[1], another?.[1]);
  });

  it('do all of one round of sweeps under an id of its own', async () => {
    const rounds: (string | undefined)[] = [];
    const note = async () => {
      await new Promise(setImmediate);
      rounds.push(correlationId());
    };
    for (let round = 0; round < 2; round++) {
      start(async () => undefined, queue, [note, note]);
      await settle({ clock }, workers?.stop() ?? Promise.resolve());
    }
    workers = undefined;
    const [first, again, second, too] = rounds;
    assert.match(first ?? '', /^run_/);
    assert.deepEqual([again, too], [first, second]);
    assert.notEqual(first, second);
  });

  it('go on after a queue that failed for once', { timeout: 20_000 }, async () => {
    let asked = 0;
    const failing: WorkQueue = {
      ...queue,
      receive: async (options) => {
        if (asked++ === 0) throw new Error('database is locked');
        return queue.receive(options);
      },
    };
    await send('waits');
    const body = await new Promise((resolve) => start(async (one) => resolve(one), failing));
    assert.equal(body, 'waits');
    assert.equal(log.of('queue.failed').length, 1);
  });

  it('sweep at once, and one failing sweep keeps no other from its turn', async () => {
    let swept = 0;
    const sweeps = [
      () => Promise.reject(new Error('not now')),
      () => {
        swept++;
      },
    ];
    start(async () => undefined, queue, sweeps);
    await meanwhile({ clock });
    assert.equal(swept, 1);
    assert.equal(log.of('sweep.failed').length, 1);
  });

  it('finish what is in hand before they stop', async () => {
    let finish: () => void = () => undefined;
    await send('long');
    start(() => new Promise<void>((resolve) => (finish = resolve)));
    await meanwhile({ clock });
    let stopped = false;
    const stopping = workers?.stop().then(() => {
      stopped = true;
    });
    await letPass(5);
    assert.equal(stopped, false);
    finish();
    await stopping;
    await advanceSeconds({ clock }, 2 * VISIBILITY_SECONDS);
    assert.deepEqual(await queue.receive({ limit: 1, waitSeconds: 0 }), []);
  });
});
