import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { fetchTokenApp } from '../../functions/fetch-token/app.ts';
import { dynamodbClient } from '../../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { brokerApp } from '../../shared/adapters/http/app.ts';
import { lambdaRefresher } from '../../shared/adapters/lambda/lambda-refresher.ts';
import { s3Client } from '../../shared/adapters/s3/s3-client.ts';
import { sqsClient } from '../../shared/adapters/sqs/sqs-client.ts';
import { recordsForDevices } from '../../shared/records/for-devices.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import { close, listen } from '../fakes/aws-json.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

const SERVICES = ['DYNAMODB', 'SQS', 'S3', 'LAMBDA'];

/** In place of AWS: of the first requests nobody ever hears again. */
const startSilent = async (t: TestContext, silent: number) => {
  const seen = { requests: 0 };
  const server = createServer((_, response: ServerResponse) => {
    seen.requests++;
    if (seen.requests > silent) response.writeHead(200, { 'content-length': 2 }).end('{}');
  });
  const endpoint = `http://127.0.0.1:${await listen(server)}`;
  const before = { ...process.env };
  const own = Object.fromEntries(SERVICES.map((service) => [`AWS_ENDPOINT_URL_${service}`, endpoint]));
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'made-up' };
  Object.assign(process.env, { AWS_REGION: 'us-east-1', ...credentials, ...own });
  t.after(async () => {
    process.env = before;
    await close(server);
  });
  return { seen, endpoint };
};

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
};

/** What hangs for longer has not been given up. */
const PATIENCE = { timeout: 25_000 };

const KEY = { pk: { S: 'p' }, sk: { S: 's' } };

const CLIENTS = {
  dynamodbClient: {
    make: dynamodbClient,
    send: (client: ReturnType<typeof dynamodbClient>) => client.send(new GetItemCommand({ TableName: 't', Key: KEY })),
    answerSeconds: 1.5,
  },
  sqsClient: {
    make: sqsClient,
    send: (client: ReturnType<typeof sqsClient>, endpoint: string) =>
      client.send(new SendMessageCommand({ QueueUrl: `${endpoint}/1/q`, MessageBody: 'm' })),
    answerSeconds: 1.5,
  },
  s3Client: {
    make: s3Client,
    send: (client: ReturnType<typeof s3Client>) => client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' })),
    answerSeconds: 5,
  },
};

describe('a client that the functions use', () => {
  for (const [name, { make, send, answerSeconds }] of Object.entries(CLIENTS)) {
    it(`${name} gives a hanging connection up and asks again`, PATIENCE, async (t) => {
      const { seen, endpoint } = await startSilent(t, 1);
      const client = make();
      t.after(() => client.destroy());
      // Whether it makes sense of the second answer is not the question.
      const seconds = await secondsOf(() =>
        (send as (...args: unknown[]) => Promise<unknown>)(client, endpoint).catch(() => undefined),
      );
      assert.ok(seconds >= answerSeconds && seconds < answerSeconds + 3, `${seconds} s`);
      assert.ok(seen.requests >= 2);
    });
  }
});

describe('a device that asks while AWS is silent', () => {
  const fetchFrom = (t: TestContext) => {
    const database = dynamodbClient();
    t.after(() => database.destroy());
    const log = memoryLog();
    const random = seededRandom('silent');
    const serverFor = () => undefined;
    const records = recordsForDevices(dynamodbTable(database, 'broker'), memoryKeyRing());
    const refresher = { refreshNow: () => assert.fail('asked'), refreshSoon: () => assert.fail('asked') };
    const useCases = deviceUseCases({
      ...{ records, refresher, serverFor, random, log },
      scopeFor: () => 'scope',
      clock: manualClock(),
    });
    const app = fetchTokenApp({ ...useCases, serverFor, publicUrl: 'https://broker.example', log, random });
    const authorization = `Basic ${Buffer.from('device123456:secret').toString('base64')}`;
    return { log, ask: (path: string, init = {}) => app.request(path, { ...init, headers: { authorization } }) };
  };

  it('is told within seconds to come again, and when', PATIENCE, async (t) => {
    const { seen } = await startSilent(t, 100);
    const { ask, log } = fetchFrom(t);
    let reply: Response | undefined;
    const seconds = await secondsOf(async () => {
      reply = await ask('/oauth/token', {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
    });
    assert.ok(seconds > 4 && seconds < 12, `${seconds} s`);
    assert.equal(seen.requests, 3);
    assert.equal(reply?.status, 503);
    assert.ok(Number(reply.headers.get('retry-after')) > 0);
    const body = (await reply.json()) as Record<string, unknown>;
    assert.equal(body.error, 'temporarily_unavailable');
    assert.equal(body.actor, 'nobody');
    assert.equal(body.panel_code, 360);
    assert.deepEqual(
      log.of('request.crashed').map(({ fields }) => fields.kind),
      ['store_unavailable'],
    );
  });

  it('is told of a bug as of a bug', async () => {
    const log = memoryLog();
    const app = brokerApp({ errorShape: 'oauth', log, random: seededRandom('bug') });
    app.get('/bug', () => {
      throw new TypeError('nobody thought of this');
    });
    const reply = await app.request('/bug');
    assert.equal(reply.status, 500);
    assert.equal(((await reply.json()) as Record<string, unknown>).error, 'server_error');
  });
});

describe('lambdaRefresher', () => {
  it('tells who waits for a silent refresher to come again, before API Gateway hangs up', PATIENCE, async (t) => {
    await startSilent(t, 100);
    const client = new LambdaClient();
    t.after(() => client.destroy());
    // 22 s are not waited for here: the limit is moved to a second.
    const { timeout } = AbortSignal;
    const asked: number[] = [];
    t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
      asked.push(milliseconds);
      return timeout(1000);
    });
    const refresher = lambdaRefresher(client, 'refresh', { send: () => assert.fail('queued') });
    const request = { mailboxId: 'mbx_1', audience: 'smtp', minTtlSeconds: 600, askedAt: 1 } as const;
    const outcome = await refresher.refreshNow(request);
    assert.ok(outcome.outcome === 'failed');
    assert.deepEqual([outcome.error.kind, outcome.error.retryAfterSeconds], ['provider_unavailable', 5]);
    assert.ok(asked.every((milliseconds) => milliseconds <= 24_000) && asked.length > 0, asked.join());
  });
});
