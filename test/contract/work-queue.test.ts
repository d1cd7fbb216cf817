import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type ReceiveMessageCommandInput, type ReceiveMessageCommandOutput, SQSClient } from '@aws-sdk/client-sqs';
import { correlated } from '../../shared/adapters/correlation/correlation.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { deadLetters } from '../../shared/adapters/sqlite/queue-statements.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import type { ReceivedMessage, WorkQueue } from '../../shared/ports/work-queue.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startFauxqs } from '../fakes/fauxqs.ts';
import { manualClock } from '../fakes/manual-clock.ts';

interface NewQueue {
  readonly queue: WorkQueue;
  /** The bodies of the dead letters. */
  dead(): Promise<string[]>;
}

interface Started {
  newQueue(fifo: boolean): Promise<NewQueue>;
  /** Lets time pass for the queues. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Short enough to be waited for where the clock is real, long enough for a busy machine. */
const SETTINGS = { visibilitySeconds: 2, maxReceives: 2 };

const inSqlite = async (): Promise<Started> => {
  const database = openDatabase(':memory:');
  const clock = manualClock();
  return {
    async newQueue(fifo) {
      const name = randomUUID();
      const queue = sqliteWorkQueue(database, { name, fifo, clock, ...SETTINGS });
      return {
        queue,
        async dead() {
          await queue.receive({ limit: 10, waitSeconds: 0 });
          return deadLetters(database, name).map(({ body }) => body);
        },
      };
    },
    pass: (seconds) => clock.advance(seconds * 1000),
    close: async () => database.close(),
  };
};

/** SQS hands out the attributes that were asked for by name; the emulator, all of them. */
const handOutWhatWasAskedFor = (client: SQSClient): void => {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { MessageAttributeNames = [] } = args.input as ReceiveMessageCommandInput;
      const { Messages = [] } = result.output as ReceiveMessageCommandOutput;
      for (const message of Messages) {
        const named = Object.entries(message.MessageAttributes ?? {}).filter(([name]) =>
          MessageAttributeNames.includes(name),
        );
        message.MessageAttributes = Object.fromEntries(named);
      }
      return result;
    },
    { step: 'initialize' },
  );
};

const inSqs = async (): Promise<Started> => {
  const emulator = await startFauxqs();
  const client = new SQSClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  handOutWhatWasAskedFor(client);
  return {
    async newQueue(fifo) {
      const { queueUrl, deadLettersUrl } = await emulator.createQueue(randomUUID(), { fifo, ...SETTINGS });
      const queue = sqsWorkQueue(client, { queueUrl, fifo });
      return {
        queue,
        async dead() {
          await queue.receive({ limit: 10, waitSeconds: 0 });
          return bodies(
            await sqsWorkQueue(client, { queueUrl: deadLettersUrl, fifo }).receive({ limit: 10, waitSeconds: 0 }),
          );
        },
      };
    },
    pass: (seconds) => setTimeout(seconds * 1000 + 100),
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

const bodies = (messages: readonly ReceivedMessage[]) => messages.map(({ body }) => body);

const now = (limit = 10) => ({ limit, waitSeconds: 0 });

/** The one message that must be there. */
const receiveOne = async (queue: WorkQueue): Promise<ReceivedMessage> => {
  const [message, ...more] = await queue.receive(now());
  assert.ok(message !== undefined && more.length === 0);
  return message;
};

/** FIFO receives may give fewer than asked for: asks until nothing is left. */
const receiveAll = async (queue: WorkQueue): Promise<ReceivedMessage[]> => {
  const all: ReceivedMessage[] = [];
  for (;;) {
    const some = await queue.receive(now());
    if (some.length === 0) return all;
    all.push(...some);
  }
};

/** `concurrency`: whether tests may share the passing of time; every test has a queue of its own. */
const contract = (start: () => Promise<Started>, concurrency: boolean) => () => {
  let started: Started;
  before(async () => {
    started = await start();
  });
  after(() => started.close());

  for (const fifo of [false, true]) {
    describe(fifo ? 'a FIFO queue' : 'a standard queue', { concurrency }, () => {
      const group = fifo ? { group: 'g' } : {};

      it('delivers what was sent, once', async () => {
        const { queue } = await started.newQueue(fifo);
        const body = JSON.stringify({ text: 'Größe 大', quote: '"\\' });
        await queue.send({ body, ...group });
        const message = await receiveOne(queue);
        assert.deepEqual([message.body, message.receiveCount, message.group], [body, 1, group.group]);
        assert.ok(message.id !== '' && message.receipt !== '');
        assert.deepEqual(await queue.receive(now()), []);
        await queue.done(message);
        await started.pass(SETTINGS.visibilitySeconds);
        assert.deepEqual(await queue.receive(now()), []);
      });

      it('carries along what its senders were about', async () => {
        const { queue } = await started.newQueue(fifo);
        const ofGroup = (name: string) => ({ body: name, ...(fifo && { group: name }) });
        await correlated({ request_id: 'req_1' }, () => queue.send(ofGroup('for a request')));
        await correlated({ correlation_id: 'run_1' }, () => queue.sendAll([ofGroup('for a run'), ofGroup('as well')]));
        await queue.send(ofGroup('for nobody'));
        const found = new Map<string, string | undefined>();
        while (found.size < 4) {
          for (const { body, correlationId } of await queue.receive({ limit: 10, waitSeconds: 1 })) {
            found.set(body, correlationId);
          }
        }
        assert.deepEqual(Object.fromEntries(found), {
          'for a request': 'req_1',
          'for a run': 'run_1',
          'as well': 'run_1',
          'for nobody': undefined,
        });
      });

      it('carries 200 KB', async () => {
        const { queue } = await started.newQueue(fifo);
        await queue.send({ body: 'ü'.repeat(100_000), ...group });
        assert.equal((await receiveOne(queue)).body, 'ü'.repeat(100_000));
      });

      it('delivers again what nobody finished, counting', async () => {
        const { queue } = await started.newQueue(fifo);
        await queue.send({ body: 'a', ...group });
        const first = await receiveOne(queue);
        await started.pass(SETTINGS.visibilitySeconds);
        const second = await receiveOne(queue);
        assert.deepEqual([second.id, second.receiveCount], [first.id, 2]);
        assert.notEqual(second.receipt, first.receipt);
      });

      it('ignores a receipt that has run out', async () => {
        const { queue, dead } = await started.newQueue(fifo);
        await queue.send({ body: 'a', ...group });
        const first = await receiveOne(queue);
        await started.pass(SETTINGS.visibilitySeconds);
        const second = await receiveOne(queue);
        await queue.done(first);
        await queue.retryLater(first, 1000);
        await started.pass(SETTINGS.visibilitySeconds);
        assert.deepEqual(await dead(), ['a'], 'the old receipt neither removed nor hid it');
        await queue.done(second);
        await queue.done(second);
      });

      it('moves what is received too often to the dead letters', async () => {
        const { queue, dead } = await started.newQueue(fifo);
        await queue.send({ body: 'poison', ...group });
        for (let n = 0; n < SETTINGS.maxReceives; n++) {
          await receiveOne(queue);
          await started.pass(SETTINGS.visibilitySeconds);
        }
        assert.deepEqual(await queue.receive(now()), []);
        assert.deepEqual(await dead(), ['poison']);
      });

      it('shows it again after the delay asked for, not before', async () => {
        const { queue } = await started.newQueue(fifo);
        await queue.send({ body: 'a', ...group });
        await queue.retryLater(await receiveOne(queue), SETTINGS.visibilitySeconds + 1);
        await started.pass(SETTINGS.visibilitySeconds);
        assert.deepEqual(await queue.receive(now()), []);
        await started.pass(1);
        assert.equal((await receiveOne(queue)).receiveCount, 2);
      });

      it('waits for the first message, and no longer', async () => {
        const { queue } = await started.newQueue(fifo);
        const receiving = queue.receive({ limit: 10, waitSeconds: 10 });
        await queue.send({ body: 'a', ...group });
        assert.deepEqual(bodies(await receiving), ['a']);
      });

      it('waits as long as asked when none comes', async () => {
        const { queue } = await started.newQueue(fifo);
        const receiving = queue.receive({ limit: 10, waitSeconds: 1 });
        await started.pass(1);
        assert.deepEqual(await receiving, []);
      });

      it('hands each of 30 messages to one of 10 parallel receivers', async () => {
        const { queue } = await started.newQueue(fifo);
        const sent = Array.from({ length: 30 }, (_, n) => `m${n}`);
        for (const body of sent) await queue.send({ body, ...(fifo && { group: body }) });
        const received = await Promise.all(Array.from({ length: 10 }, () => receiveAll(queue)));
        assert.deepEqual(bodies(received.flat()).toSorted(), sent.toSorted());
      });
    });
  }

  describe('a standard queue alone', { concurrency }, () => {
    it('gives as many as asked for, at most', async () => {
      const { queue } = await started.newQueue(false);
      for (const body of ['a', 'b', 'c']) await queue.send({ body });
      assert.equal((await queue.receive(now(2))).length, 2);
      assert.equal((await queue.receive(now(2))).length, 1);
    });

    it('delays a message', async () => {
      const { queue } = await started.newQueue(false);
      await queue.send({ body: 'late', delaySeconds: 1 });
      assert.deepEqual(await queue.receive(now()), []);
      await started.pass(1);
      assert.deepEqual(bodies(await queue.receive(now())), ['late']);
    });

    it('does not let a message wait for its group', async () => {
      const { queue } = await started.newQueue(false);
      for (const body of ['a', 'b']) await queue.send({ body, group: 'g' });
      assert.deepEqual(bodies(await receiveAll(queue)).toSorted(), ['a', 'b']);
    });
  });

  describe('a FIFO queue alone', { concurrency }, () => {
    it('delivers a group one at a time, in order', async () => {
      const { queue } = await started.newQueue(true);
      for (const body of ['1', '2', '3']) await queue.send({ body, group: 'g' });
      for (const body of ['1', '2', '3']) {
        const message = await receiveOne(queue);
        assert.equal(message.body, body);
        assert.deepEqual(await queue.receive(now()), []);
        await queue.done(message);
      }
    });

    it('does not let one group wait for another', async () => {
      const { queue } = await started.newQueue(true);
      for (const body of ['a1', 'a2', 'b1', 'b2']) await queue.send({ body, group: body.charAt(0) });
      assert.deepEqual(bodies(await receiveAll(queue)).toSorted(), ['a1', 'b1']);
    });

    it('keeps the order of a group whose first message is put off', async () => {
      const { queue } = await started.newQueue(true);
      for (const body of ['1', '2']) await queue.send({ body, group: 'g' });
      await queue.retryLater(await receiveOne(queue), 1);
      assert.deepEqual(await queue.receive(now()), []);
      await started.pass(1);
      const again = await receiveOne(queue);
      assert.equal(again.body, '1');
      await queue.done(again);
      assert.equal((await receiveOne(queue)).body, '2');
    });

    it('goes on with the group after its first message died', async () => {
      const { queue, dead } = await started.newQueue(true);
      for (const body of ['poison', 'good']) await queue.send({ body, group: 'g' });
      for (let n = 0; n < SETTINGS.maxReceives; n++) {
        assert.equal((await receiveOne(queue)).body, 'poison');
        await started.pass(SETTINGS.visibilitySeconds);
      }
      const good = await queue.receive({ limit: 1, waitSeconds: 1 });
      assert.deepEqual(bodies(good), ['good']);
      assert.deepEqual(await dead(), ['poison']);
    });

    it('drops a second message with the same id, even after the first is done', async () => {
      const { queue } = await started.newQueue(true);
      const message = { body: 'a', group: 'g', deduplicationId: 'once' };
      await queue.send(message);
      await queue.send(message);
      await queue.done(await receiveOne(queue));
      await queue.send({ ...message, body: 'b' });
      assert.deepEqual(await queue.receive(now()), []);
    });

    it('keeps messages apart that have no id, or another, alike as they may be', async () => {
      const { queue } = await started.newQueue(true);
      for (const deduplicationId of [undefined, undefined, 'x', 'y']) {
        await queue.send({
          body: 'same',
          group: randomUUID(),
          ...(deduplicationId !== undefined && { deduplicationId }),
        });
      }
      assert.equal((await receiveAll(queue)).length, 4);
    });

    it('wakes a waiting receiver when the group is free again', async () => {
      const { queue } = await started.newQueue(true);
      for (const body of ['1', '2']) await queue.send({ body, group: 'g' });
      const first = await receiveOne(queue);
      const receiving = queue.receive({ limit: 1, waitSeconds: 10 });
      await queue.done(first);
      assert.deepEqual(bodies(await receiving), ['2']);
    });

    it('rejects a message without a group, or with a delay', async () => {
      const { queue } = await started.newQueue(true);
      await assert.rejects(queue.send({ body: 'a' }), TypeError);
      await assert.rejects(queue.send({ body: 'a', group: 'g', delaySeconds: 1 }), TypeError);
    });
  });
};

describe('sqliteWorkQueue', () => {
  describe('as a WorkQueue', contract(inSqlite, false));

  const open = (path: string, clock = manualClock()) => {
    const database = openDatabase(path);
    const queue = (fifo: boolean) => sqliteWorkQueue(database, { name: 'q', fifo, clock, ...SETTINGS });
    return { database, clock, queue };
  };

  it('remembers an id for five minutes, not longer', async () => {
    const { database, clock, queue } = open(':memory:');
    const fifo = queue(true);
    const message = { body: 'a', group: 'g', deduplicationId: 'once' };
    await fifo.send(message);
    await fifo.done(await receiveOne(fifo));
    await clock.advance(299_999);
    await fifo.send(message);
    assert.deepEqual(await fifo.receive(now()), []);
    await clock.advance(1);
    await fifo.send(message);
    assert.deepEqual(bodies(await fifo.receive(now())), ['a']);
    database.close();
  });

  it('takes up what an earlier version has left', async () => {
    const { database, clock, queue } = open(':memory:');
    database.exec(`CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
      groupName TEXT, visibleAt INTEGER NOT NULL, receiveCount INTEGER NOT NULL DEFAULT 0, receipt TEXT) STRICT`);
    database.exec(`INSERT INTO messages (queue, body, visibleAt) VALUES ('q', 'of before', ${clock.now()})`);
    for (const [index, body] of ['new', 'newer'].entries()) {
      const opened = queue(false); // the second finds the table changed already
      await correlated({ request_id: `req_${index}` }, () => opened.send({ body }));
    }
    const found = await queue(false).receive({ limit: 10, waitSeconds: 0 });
    assert.deepEqual(
      found.map(({ body, correlationId }) => [body, correlationId]),
      [
        ['of before', undefined],
        ['new', 'req_0'],
        ['newer', 'req_1'],
      ],
    );
    database.close();
  });

  it('tells of its dead letters, which are its own', async () => {
    const { database, clock, queue } = open(':memory:');
    await queue(true).send({ body: 'poison', group: 'g' });
    for (let n = 0; n < 3; n++) {
      await queue(true).receive(now());
      await clock.advance(SETTINGS.visibilitySeconds * 1000);
    }
    assert.deepEqual(deadLetters(database, 'q'), [
      { id: 1, body: 'poison', group: 'g', receiveCount: 2, diedAt: clock.now() - SETTINGS.visibilitySeconds * 1000 },
    ]);
    assert.deepEqual(deadLetters(database, 'another'), []);
    database.close();
  });

  it('keeps its messages, and what is in flight, over a restart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'queue-'));
    const path = join(folder, 'broker.sqlite');
    const before = open(path);
    for (const body of ['1', '2']) await before.queue(true).send({ body, group: 'g' });
    await receiveOne(before.queue(true));
    before.database.close();
    const later = open(path, before.clock);
    assert.deepEqual(await later.queue(true).receive(now()), []);
    await later.clock.advance(SETTINGS.visibilitySeconds * 1000);
    assert.equal((await receiveOne(later.queue(true))).body, '1');
    later.database.close();
    await rm(folder, { recursive: true });
  });

  it('notices within a moment what another process sent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'queue-'));
    const path = join(folder, 'broker.sqlite');
    const here = open(path);
    const there = open(path, here.clock);
    const receiving = here.queue(false).receive({ limit: 1, waitSeconds: 10 });
    await there.queue(false).send({ body: 'a' });
    await here.clock.advance(250);
    assert.deepEqual(bodies(await receiving), ['a']);
    here.database.close();
    there.database.close();
    await rm(folder, { recursive: true });
  });

  it('lets others work while it waits', async () => {
    const { database, queue, clock } = open(':memory:');
    const receiving = queue(false).receive({ limit: 1, waitSeconds: 1 });
    let turns = 0;
    for (; turns < 100; turns++) await setTimeout(0);
    assert.equal(turns, 100);
    await clock.advance(1000);
    assert.deepEqual(await receiving, []);
    database.close();
  });
});

describe('sqsWorkQueue', { concurrency: true }, contract(inSqs, true));
