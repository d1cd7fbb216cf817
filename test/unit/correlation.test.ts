import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LambdaClient } from '@aws-sdk/client-lambda';
import * as v from 'valibot';
import { correlated, correlationId } from '../../shared/adapters/correlation/correlation.ts';
import { brokerApp } from '../../shared/adapters/http/app.ts';
import { batchHandler, fifoBatchHandler } from '../../shared/adapters/lambda/batch-handler.ts';
import { httpHandler } from '../../shared/adapters/lambda/http-handler.ts';
import { lambdaMailboxTester } from '../../shared/adapters/lambda/lambda-mailbox-tester.ts';
import { refreshHandler } from '../../shared/adapters/lambda/refresh-handler.ts';
import { sweepHandler } from '../../shared/adapters/lambda/sweep-handler.ts';
import { testMailboxHandler } from '../../shared/adapters/lambda/test-mailbox-handler.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { streamLog } from '../../shared/adapters/system/stream-log.ts';
import type { Log } from '../../shared/ports/log.ts';
import { toEvent } from '../fakes/api-gateway.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startLambdaInvoke } from '../fakes/lambda-invoke.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { sqsEvent } from '../fakes/sqs-event-source.ts';

type Line = Record<string, unknown>;

const RUN = /^run_[\w-]{36}$/;
const INVOCATION = { awsRequestId: 'invocation-1' };

describe('what a log line says it belongs to', () => {
  let lines: Line[];
  let log: Log;
  beforeEach(() => {
    lines = [];
    const stream = new Writable({
      write: (chunk, _, done) => {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    log = streamLog(stream, manualClock());
  });

  const BODY = v.object({ wait: v.number() });
  /** Later ones are done sooner, so that every one has the others in between. */
  const message = (index: number, carried: string | undefined) => ({
    id: `m${index}`,
    body: JSON.stringify({ wait: 30 - index * 3 }),
    group: `g${index}`,
    ...(carried === undefined ? {} : { attributes: { correlation_id: carried } }),
  });
  const work = async ({ wait }: { readonly wait: number }): Promise<void> => {
    log.info('begun', { wait });
    await sleep(wait);
    log.info('done', { wait });
    if (wait === 30) throw new Error('not this one');
  };

  for (const [name, make] of [
    ['a batch side by side', batchHandler],
    ['a FIFO batch', fifoBatchHandler],
  ] as const) {
    it(`is each message's own in ${name}`, async () => {
      const carried = Array.from({ length: 10 }, (_, index) => (index < 8 ? `req_${index}` : undefined));
      const handle = make(BODY, work, log);
      await handle(
        sqsEvent(
          'q',
          carried.map((id, index) => message(index, id)),
        ),
        INVOCATION,
      );
      assert.equal(lines.length, 21);
      for (const { function_request_id } of lines) assert.equal(function_request_id, 'invocation-1');
      assert.equal(lines.find(({ event }) => event === 'message.failed')?.correlation_id, 'req_0');
      const made = carried.flatMap((id, index) => {
        const ids = new Set(lines.filter(({ wait }) => wait === 30 - index * 3).map((line) => line.correlation_id));
        assert.equal(ids.size, 1, `message ${index}`);
        const [found] = ids;
        if (id !== undefined) assert.equal(found, id);
        return id === undefined ? String(found) : [];
      });
      // An earlier version has queued them.
      for (const id of made) assert.match(id, RUN);
      assert.equal(new Set(made).size, 2);
    });
  }

  const appWith = () => {
    const app = brokerApp({ errorShape: 'problem', log, random: seededRandom('correlation') });
    app.get('/slow/:wait', async (c) => {
      await work({ wait: Number(c.req.param('wait')) });
      return c.text(correlationId() ?? '');
    });
    return app;
  };

  it('is the request id that its client is shown, for requests side by side', async () => {
    const app = appWith();
    const replies = await Promise.all([20, 10, 1].map((wait) => app.request(`/slow/${wait}`)));
    for (const [index, wait] of [20, 10, 1].entries()) {
      const shown = replies[index]?.headers.get('x-request-id');
      assert.match(shown ?? '', /^req_/);
      assert.equal(await replies[index]?.text(), shown);
      const ofRequest = lines.filter((line) => line.request_id === shown);
      assert.deepEqual(
        ofRequest.map((line) => [line.event, line.wait]),
        [
          ['begun', wait],
          ['done', wait],
        ],
      );
    }
  });

  it('is there in the line of a crash', async () => {
    const reply = await appWith().request('/slow/30');
    assert.equal(reply.status, 500);
    const [crash] = lines.filter(({ event }) => event === 'request.crashed');
    assert.equal(crash?.request_id, reply.headers.get('x-request-id'));
  });

  it("is the API's id and the function's, too, in the cloud", async () => {
    const handle = httpHandler(appWith());
    const event = toEvent({ method: 'GET', target: '/slow/1', headers: [], body: Buffer.alloc(0) });
    const reply = await handle(event as unknown as Parameters<typeof handle>[0], INVOCATION);
    assert.equal(reply.statusCode, 200);
    const { requestId } = event.requestContext;
    assert.deepEqual(
      lines.map((line) => [line.api_request_id, line.function_request_id, line.request_id]),
      Array.from({ length: 2 }, () => [requestId, 'invocation-1', reply.headers?.['x-request-id']]),
    );
  });

  it('is one id for all of a sweep, and what it queues, and another the next time', async () => {
    const clock = manualClock();
    const settings = { name: 'q', fifo: false, visibilitySeconds: 30, maxReceives: 3, clock };
    const queue = sqliteWorkQueue(openDatabase(':memory:'), settings);
    const part = async () => {
      log.info('swept');
      await queue.send({ body: '{}' });
    };
    const sweep = sweepHandler({ one: part, another: part }, log);
    for (const id of ['first', 'second']) await sweep({}, { awsRequestId: id });
    const queued = await queue.receive({ limit: 10, waitSeconds: 0 });
    const ids = lines.map((line) => [line.function_request_id, line.correlation_id]);
    const [[, first], , [, second]] = [ids[0] ?? [], ids[1], ids[2] ?? []];
    assert.match(String(first), RUN);
    assert.notEqual(first, second);
    assert.deepEqual(ids, [
      ['first', first],
      ['first', first],
      ['second', second],
      ['second', second],
    ]);
    assert.deepEqual(
      queued.map((one) => one.correlationId),
      [first, first, second, second],
    );
  });

  it("is the asking function's request in one that is invoked", async (t) => {
    const tester = { test: async () => ({ ok: false, error: { kind: 'not_found' } }) as const };
    const handle = testMailboxHandler({
      test: async () => {
        log.info('tested');
        return tester.test();
      },
    });
    const invoke = async (event: unknown) =>
      ({ outcome: 'returned', payload: await handle(event as object, INVOCATION) }) as const;
    const lambda = await startLambdaInvoke(new Map([['tester', { invoke }]]));
    t.after(() => lambda.close());
    const client = new LambdaClient({ ...LOOPBACK_CLIENT, endpoint: lambda.endpoint });
    t.after(() => client.destroy());
    const request = { direction: 'send', mailboxId: 'mbx_1', language: 'en' } as const;
    await correlated({ request_id: 'req_1' }, () => lambdaMailboxTester(client, 'tester').test(request));
    await handle(request, INVOCATION);
    const [asked, alone] = lines;
    assert.deepEqual([asked?.correlation_id, asked?.function_request_id], ['req_1', 'invocation-1']);
    assert.match(String(alone?.correlation_id), RUN);
  });

  it('is the invocation alone where a batch is not yet taken apart', async () => {
    const nothing = async () => undefined;
    const handle = refreshHandler({
      ...{ maintainGrant: nothing, emptyIdleSlot: nothing, refreshGrant: async () => ({ outcome: 'fresh' }) as const },
      watchAppRegistrations: () => Promise.reject(new Error('throttled')),
      log,
    });
    await handle(sqsEvent('q', []), INVOCATION).catch(() => undefined);
    const [line] = lines;
    assert.deepEqual([line?.event, line?.function_request_id], ['app_registrations.not_watched', 'invocation-1']);
  });
});
