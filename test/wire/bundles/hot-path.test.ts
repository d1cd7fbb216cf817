import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { bundlePath } from '../../../scripts/build.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import { USE_RECORDED_EVERY_SECONDS } from '../../../shared/domain/timing.ts';
import { keys } from '../../../shared/records/items.ts';
import { signedInDevice } from '../../bench/signed-in-device.ts';
import { passThrough } from '../../fakes/api-gateway.ts';
import { close, type InjectFault, LOOPBACK_CLIENT, listen } from '../../fakes/aws-json.ts';
import { lambdaFunction } from '../../fakes/lambda-function.ts';
import { ensureBuilt } from './built.ts';
import { startEmulatedAws } from './emulated-aws.ts';

const TABLE = 'hot-path';
const KEYS_SECRET = 'hot-path/access-token-keys';

/** `fetch-token` with a signed-in device, where every request that it makes to AWS is seen, whatever the service. */
const startFetchToken = async () => {
  await ensureBuilt();
  const requests: string[] = [];
  const seeing =
    (service: string): InjectFault =>
    ({ operation }) => {
      requests.push(`${service} ${operation}`);
      return undefined;
    };
  const elsewhere = createServer(({ method, url, headers }, response) => {
    requests.push(`elsewhere ${method} ${url} ${headers['x-amz-target']}`);
    response.writeHead(500).end();
  });
  const elsewherePort = await listen(elsewhere);
  const aws = await startEmulatedAws({ dynamodb: seeing('dynamodb'), secretsManager: seeing('secretsmanager') });
  await aws.createTable(tableDefinition(TABLE));
  const database = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: aws.dynamodb });
  const table = dynamodbTable(database, TABLE);
  const device = await signedInDevice(table);
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: aws.secretsManager });
  await secrets.send(new CreateSecretCommand({ Name: KEYS_SECRET, SecretString: device.keySetText }));
  const fetchToken = lambdaFunction({
    name: 'fetch-token',
    bundle: bundlePath('fetch-token'),
    environment: {
      BROKER_PUBLIC_URL: 'http://localhost',
      BROKER_NAME: 'token-broker',
      BROKER_TABLE: TABLE,
      BROKER_ACCESS_KEYS_SECRET: KEYS_SECRET,
      BROKER_GRANT_QUEUE_URL: `http://127.0.0.1:${elsewherePort}/1/grants`,
      BROKER_REFRESH_FUNCTION: 'refresh',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'made-up',
      AWS_MAX_ATTEMPTS: '1',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${elsewherePort}`,
      AWS_ENDPOINT_URL_DYNAMODB: aws.dynamodb,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.secretsManager,
    },
  });

  /** One fetch, with every request that was made for it. */
  const ask = async () => {
    requests.length = 0;
    const headers = [
      ['Authorization', device.basic],
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ] as const;
    const body = Buffer.from('grant_type=client_credentials');
    const reply = await passThrough({ method: 'POST', target: '/oauth/token', headers, body }, (_, event) =>
      fetchToken.invoke(event),
    );
    return { status: reply.status, body: JSON.parse(reply.body.toString()), requests: [...requests] };
  };

  return {
    ...device,
    table,
    ask,
    async close() {
      await fetchToken.close();
      database.destroy();
      secrets.destroy();
      await Promise.all([aws.close(), close(elsewhere)]);
    },
  };
};

const ONE_READ = ['dynamodb BatchGetItem'];

describe('the hot path of the built fetch-token', () => {
  let broker: Awaited<ReturnType<typeof startFetchToken>>;
  before(async () => {
    broker = await startFetchToken();
  });
  after(() => broker.close());

  it('reads the keys and learns the mailbox with the first fetch of a process', async () => {
    const { status, requests } = await broker.ask();
    assert.equal(status, 200);
    assert.deepEqual(requests.slice(0, 3), [...ONE_READ, ...ONE_READ, 'secretsmanager GetSecretValue']);
    assert.equal(requests.filter((request) => !request.startsWith('dynamodb ')).length, 1);
  });

  it('makes one request to AWS for each fetch from then on, the read of the table', async () => {
    for (let fetched = 0; fetched < 5; fetched++) {
      const { status, body, requests } = await broker.ask();
      assert.equal(status, 200);
      assert.equal(body.access_token, broker.accessToken);
      assert.deepEqual(requests, ONE_READ);
    }
  });

  // The one exception, and why it is rare: what is in use is known to the minute that matters, at a write in ten minutes.
  it('notes once in ten minutes that the token is in use, by writes of its own', async () => {
    const longAgo = Math.floor(Date.now() / 1000) - USE_RECORDED_EVERY_SECONDS;
    await broker.table.write({
      update: keys.binding(broker.clientId, 'scan'),
      changes: { set: { fetchedAt: { smtp: longAgo } } },
      when: { present: true },
    });
    const { status, requests } = await broker.ask();
    assert.equal(status, 200);
    assert.deepEqual(requests.slice(0, 1), ONE_READ);
    assert.ok(requests.length > 1);
    assert.ok(
      requests.every((request) => request.startsWith('dynamodb ')),
      requests.join(),
    );
    assert.deepEqual((await broker.ask()).requests, ONE_READ);
  });

  it('refuses a disabled device on its very next request, at the cost of the same read', async () => {
    assert.equal((await broker.ask()).status, 200);
    await broker.records.devices.update(broker.clientId, { enabled: false });
    const refused = await broker.ask();
    assert.equal(refused.status, 401);
    assert.equal(refused.body.error, 'invalid_client');
    assert.deepEqual(refused.requests, ONE_READ);
    await broker.records.devices.update(broker.clientId, { enabled: true });
    assert.equal((await broker.ask()).status, 200);
  });

  it('refuses a device on the very next request after its organization was disabled', async () => {
    assert.equal((await broker.ask()).status, 200);
    await broker.records.organizations.update(broker.organizationId, { enabled: false });
    const refused = await broker.ask();
    assert.equal(refused.status, 401);
    assert.deepEqual(refused.requests, ONE_READ);
    await broker.records.organizations.update(broker.organizationId, { enabled: true });
    assert.equal((await broker.ask()).status, 200);
  });

  it('refuses a slot on the very next request after its binding was removed', async () => {
    const bound = { clientId: broker.clientId, slot: 'scan' } as const;
    assert.equal((await broker.ask()).status, 200);
    assert.ok(await broker.records.devices.unbind(bound.clientId, bound.slot));
    const refused = await broker.ask();
    assert.equal(refused.status, 400);
    assert.match(refused.body.error_description, /scan/);
    const { organizationId, mailboxId } = broker;
    await broker.records.devices.bind({ ...bound, organizationId, mailboxId, boundAt: 1 });
    assert.equal((await broker.ask()).status, 200);
  });
});
