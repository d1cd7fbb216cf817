import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import {
  BatchGetItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { isPassingFault } from '../../shared/adapters/vaults/passing-fault.ts';
import { awsFaults } from '../fakes/aws-faults/aws-faults.ts';
import { quickRetries } from '../fakes/aws-faults/quick-retries.ts';
import type { AwsFault, FaultRule } from '../fakes/aws-faults/rules.ts';
import { staleness } from '../fakes/aws-faults/stale.ts';
import { close, LOOPBACK_CLIENT, listen } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { startFauxqs } from '../fakes/fauxqs.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

const TABLE = 'broker';
const KEY = { pk: { S: 'p' }, sk: { S: 's' } };
const ATTEMPTS = 3;

/** Every emulator, and what arrived there. */
const startAws = async () => {
  const arrived: string[] = [];
  const seeing = {
    injectFault: ({ operation }: { operation: string }) => {
      arrived.push(operation);
      return undefined;
    },
  };
  const [dynamodb, secretsManager, fauxqs] = await Promise.all([
    startDynamodb(seeing),
    startSecretsManager(seeing),
    startFauxqs(),
  ]);
  await dynamodb.createTable(tableDefinition(TABLE));
  await fauxqs.createBucket('bucket');
  const { queueUrl } = await fauxqs.createQueue('queue', { fifo: false, visibilitySeconds: 30, maxReceives: 5 });
  const lambda = createServer((_, response) => {
    arrived.push('Invoke');
    response.end('{}');
  });
  const lambdaPort = await listen(lambda);
  const at = (endpoint: string) => ({ ...LOOPBACK_CLIENT, endpoint, ...quickRetries(ATTEMPTS) });
  const clients = () => ({
    database: new DynamoDBClient(at(dynamodb.endpoint)),
    secrets: new SecretsManagerClient(at(secretsManager.endpoint)),
    sqs: new SQSClient(at(fauxqs.endpoint)),
    s3: new S3Client({ ...at(fauxqs.endpoint), forcePathStyle: true }),
    lambda: new LambdaClient(at(`http://127.0.0.1:${lambdaPort}`)),
  });
  const opened: { destroy(): void }[] = [];
  return {
    arrived,
    queueUrl,
    /** Clients of their own, struck by these rules. */
    struck(rules: readonly FaultRule[], options: Parameters<typeof awsFaults>[0] = {}) {
      arrived.length = 0;
      const faults = awsFaults(options);
      const { database, secrets, sqs, s3, lambda } = clients();
      opened.push(database, secrets, sqs, s3, lambda);
      for (const client of [database, secrets, sqs, s3, lambda]) faults.on(client);
      faults.add(...rules);
      return { faults, database, secrets, sqs, s3, lambda };
    },
    plain() {
      const made = clients();
      opened.push(...Object.values(made));
      return made;
    },
    async close() {
      for (const client of opened) client.destroy();
      await Promise.all([dynamodb.close(), secretsManager.close(), fauxqs.close(), close(lambda)]);
    },
  };
};

const put = (n: string) => new PutItemCommand({ TableName: TABLE, Item: { ...KEY, n: { N: n } } });
const count = () =>
  new UpdateItemCommand({
    TableName: TABLE,
    Key: KEY,
    UpdateExpression: 'ADD n :one',
    ExpressionAttributeValues: { ':one': { N: '1' } },
  });
const get = (ConsistentRead: boolean) => new GetItemCommand({ TableName: TABLE, Key: KEY, ConsistentRead });

describe('awsFaults', () => {
  let aws: Awaited<ReturnType<typeof startAws>>;
  before(async () => {
    aws = await startAws();
  });
  after(() => aws.close());

  const NAMES: Readonly<Record<string, readonly string[]>> = {
    database: ['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'],
    secrets: ['ThrottlingException'],
    sqs: ['RequestThrottled', 'ThrottlingException'],
    s3: ['SlowDown'],
    lambda: ['TooManyRequestsException'],
  };
  type Clients = ReturnType<typeof aws.struck>;
  const sendBy: Readonly<Record<string, (clients: Clients) => Promise<unknown>>> = {
    database: ({ database }) => database.send(put('1')),
    secrets: ({ secrets }) => secrets.send(new GetSecretValueCommand({ SecretId: 'none' })),
    sqs: ({ sqs }) => sqs.send(new SendMessageCommand({ QueueUrl: aws.queueUrl, MessageBody: 'm' })),
    s3: ({ s3 }) => s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: Buffer.from('content') })),
    lambda: ({ lambda }) => lambda.send(new InvokeCommand({ FunctionName: 'f' })),
  };

  for (const [service, send] of Object.entries(sendBy)) {
    it(`throttles ${service} by the names that the SDK and the broker know, once for each attempt`, async () => {
      for (const name of NAMES[service] ?? []) {
        const clients = aws.struck([{ fault: 'throttle' }]);
        const error: unknown = await send(clients).catch((thrown: unknown) => thrown);
        assert.ok(error instanceof Error);
        assert.ok(NAMES[service]?.includes(error.name), `${error.name} is none of ${service}'s, such as ${name}`);
        assert.ok(isPassingFault(error), `${error.name} passes by itself`);
        assert.equal(clients.faults.strikes.length, ATTEMPTS, 'the SDK has seen it, and tried again');
        assert.deepEqual(aws.arrived, []);
      }
    });

    it(`is healed by the retries of ${service} where it does not last`, async () => {
      if (service === 'secrets') return;
      for (const fault of ['throttle', 'fail', 'time_out_before', 'time_out_after'] as const) {
        const clients = aws.struck([{ fault, at: [1] }]);
        await send(clients);
        assert.equal(clients.faults.strikes.length, 1, fault);
        assert.equal(clients.faults.points.filter(({ level }) => level === 'attempt').length, 2);
      }
    });

    it(`fails a whole call of ${service}, with the error of its last attempt, and not the next one`, async () => {
      if (service === 'secrets') return;
      for (const fault of ['throttle', 'fail', 'time_out_before', 'time_out_after'] as const) {
        const clients = aws.struck([{ fault, level: 'call', at: [1] }]);
        await assert.rejects(send(clients), isPassingFault, fault);
        await send(clients);
      }
    });
  }

  it('throttles DynamoDB by each of its names in turn', async () => {
    const { database } = aws.struck([{ fault: 'throttle' }]);
    const names = new Set<string>();
    for (let calls = 0; calls < 3; calls++) {
      await database.send(put('1'), {}).catch((error: Error) => names.add(error.name));
      await database.send(put('1'), {}).catch((error: Error) => names.add(error.name));
    }
    assert.ok(names.size > 0);
    assert.ok([...names].every((name) => NAMES.database?.includes(name)));
  });

  it('carries out, or not, what times out, and twice what is repeated', async () => {
    const wanted: readonly (readonly [AwsFault, FaultRule['level'], requests: number])[] = [
      ['time_out_before', 'attempt', 1],
      ['time_out_after', 'attempt', 2],
      ['twice', 'attempt', 2],
      ['time_out_before', 'call', 0],
      ['time_out_after', 'call', 1],
      ['twice', 'call', 2],
    ];
    for (const [fault, level = 'attempt', requests] of wanted) {
      const plain = aws.plain().database;
      await plain.send(put('0'));
      const { database } = aws.struck([{ fault, level, at: [1] }]);
      await database.send(count()).catch(() => undefined);
      const arrived = aws.arrived.filter((operation) => operation === 'UpdateItem').length;
      assert.equal(arrived, requests, `${fault} of one ${level}`);
      assert.equal((await plain.send(get(true))).Item?.n?.N, String(requests));
    }
  });

  it('repeats a request token below the retries and above them, and without one makes two of one', async () => {
    const transaction = (ClientRequestToken?: string) => {
      const Update = { ...count().input, UpdateExpression: 'ADD n :one', Key: KEY, TableName: TABLE };
      return new TransactWriteItemsCommand({
        ...(ClientRequestToken && { ClientRequestToken }),
        TransactItems: [{ Update }],
      });
    };
    const rows = [
      ['attempt', 'named', '1'],
      ['call', 'named', '1'],
      ['attempt', undefined, '1'],
      ['call', undefined, '2'],
    ] as const;
    for (const [level, token, expected] of rows) {
      const plain = aws.plain().database;
      await plain.send(put('0'));
      const { database } = aws.struck([{ fault: 'twice', level, at: [1] }]);
      await database.send(transaction(token && `${token}-${level}`));
      assert.equal((await plain.send(get(true))).Item?.n?.N, expected, `${level}, token ${token}`);
    }
  });

  it('delivers a message again, counted, and only as often as asked', async () => {
    const { sqs } = aws.struck([{ fault: 'twice', level: 'call', operation: 'ReceiveMessage', at: [1] }]);
    const { sqs: plain } = aws.plain();
    for (;;) {
      const { Messages = [] } = await plain.send(
        new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) break;
      for (const { ReceiptHandle } of Messages)
        await plain.send(new DeleteMessageCommand({ QueueUrl: aws.queueUrl, ReceiptHandle }));
    }
    await plain.send(new SendMessageCommand({ QueueUrl: aws.queueUrl, MessageBody: 'once' }));
    const receive = async () => {
      const asked = { QueueUrl: aws.queueUrl, MessageSystemAttributeNames: ['ApproximateReceiveCount' as const] };
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(asked));
      return Messages.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]);
    };
    assert.deepEqual([await receive(), await receive(), await receive()], [[['once', '1']], [['once', '2']], []]);
  });

  it('reads what was there before where a read need not be consistent, for a while, and never where it must be', async () => {
    const clock = manualClock();
    const { database: observer } = aws.plain();
    const late = staleness({ clock, database: observer, lateMs: 1000 });
    const { database } = aws.struck([{ fault: 'stale', level: 'call' }], { staleness: late });
    const batch = (ConsistentRead: boolean) =>
      new BatchGetItemCommand({ RequestItems: { [TABLE]: { Keys: [KEY], ConsistentRead } } });
    const read = async (consistent: boolean) => [
      (await database.send(get(consistent))).Item?.n?.N,
      (await database.send(batch(consistent))).Responses?.[TABLE]?.[0]?.n?.N,
    ];
    await database.send(put('1'));
    await clock.advance(1001);
    await database.send(put('2'));
    assert.deepEqual(
      [await read(false), await read(true)],
      [
        ['1', '1'],
        ['2', '2'],
      ],
    );
    await clock.advance(1001);
    assert.deepEqual(await read(false), ['2', '2']);
  });

  it('lets an index be as it was when it was last asked', async () => {
    const late = staleness({ clock: manualClock(), database: aws.plain().database });
    const { database } = aws.struck([{ fault: 'stale', level: 'call', operation: 'Query', at: [1, 3, 5] }], {
      staleness: late,
    });
    const due = (dueAt: string) =>
      new PutItemCommand({
        TableName: TABLE,
        Item: { pk: { S: 'due' }, sk: { S: 's' }, dueShard: { S: 'shard' }, dueAt: { N: dueAt } },
      });
    const query = async (until: string) => {
      const asked = {
        TableName: TABLE,
        IndexName: 'due',
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :until',
        ExpressionAttributeValues: { ':shard': { S: 'shard' }, ':until': { N: until } },
      };
      return ((await database.send(new QueryCommand(asked))).Items ?? []).map(({ dueAt }) => dueAt?.N);
    };
    await database.send(due('10'));
    assert.deepEqual([await query('10'), await query('10')], [[], ['10']]);
    await database.send(due('20'));
    assert.deepEqual([await query('15'), await query('15')], [['10'], []]);
    assert.deepEqual(await query('25'), ['20']);
  });

  it('gives the secret before the newest, right after it was stored', async () => {
    const clock = manualClock();
    const late = staleness({ clock, secrets: aws.plain().secrets, lateMs: 1000 });
    const { secrets } = aws.struck([{ fault: 'stale', level: 'call' }], { staleness: late });
    const read = () =>
      secrets.send(new GetSecretValueCommand({ SecretId: 'stale' })).then(
        ({ SecretString }) => SecretString,
        ({ name }: Error) => name,
      );
    await secrets.send(new CreateSecretCommand({ Name: 'stale', SecretString: 'first' }));
    assert.equal(await read(), 'ResourceNotFoundException');
    await clock.advance(1001);
    await secrets.send(new PutSecretValueCommand({ SecretId: 'stale', SecretString: 'second' }));
    assert.equal(await read(), 'first');
    await clock.advance(1001);
    assert.equal(await read(), 'second');
  });

  it('draws the same for the same seed, and about as often as asked', async () => {
    const strikesOf = async (seed: string): Promise<string> => {
      const { database, faults } = aws.struck([{ fault: 'throttle', level: 'call', chance: 0.3 }], { seed });
      for (let calls = 0; calls < 40; calls++) await database.send(get(true)).catch(() => undefined);
      const calls = faults.points.filter(({ level }) => level === 'call');
      return calls.map((point) => (faults.strikes.some((one) => one.input === point.input) ? 'x' : '.')).join('');
    };
    const [first, again, other] = [await strikesOf('one'), await strikesOf('one'), await strikesOf('two')];
    assert.equal(first, again);
    assert.notEqual(first, other);
    const share = [...(first + other)].filter((mark) => mark === 'x').length / 80;
    assert.ok(share > 0.15 && share < 0.45, first + other);
  });

  it('lets time pass at a time-out, and knows that nobody works meanwhile', async () => {
    const clock = manualClock();
    const { database, faults } = aws.struck([{ fault: 'time_out_after', level: 'call' }], { clock, timeOutMs: 5000 });
    const sent = database.send(put('1')).catch((error: Error) => error.name);
    while (faults.underWay > 0 || aws.arrived.length === 0) await new Promise(setImmediate);
    await clock.advance(4999);
    assert.equal(await Promise.race([sent, new Promise((wait) => setImmediate(wait, 'waits'))]), 'waits');
    await clock.advance(1);
    assert.equal(await sent, 'TimeoutError');
  });

  it('strikes nothing any more when it is stopped', async () => {
    const { database, faults } = aws.struck([{ fault: 'throttle' }]);
    faults.stop();
    await database.send(put('1'));
    assert.deepEqual(faults.strikes, []);
  });

  it('leaves objects whole that were put while S3 was slow or its answer lost', async () => {
    const { s3 } = aws.struck([
      { fault: 'time_out_after', at: [1] },
      { fault: 'twice', at: [2] },
    ]);
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'whole', Body: Buffer.from('content') }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'whole' }));
    assert.equal(await Body?.transformToString(), 'content');
  });
});
