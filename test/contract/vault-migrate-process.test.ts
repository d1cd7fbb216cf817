import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import { cloudTokenVaults } from '../../shared/adapters/vaults/cloud-token-vault.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { type AwsRequest, type Fault, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

const MIGRATE = fileURLToPath(new URL('../../scripts/vault-migrate.ts', import.meta.url));
const STORE_TOKENS = fileURLToPath(new URL('crash/store-tokens.ts', import.meta.url));

/** Each run is killed at its first, second or third write, just before or just after it is carried out. */
const KILLS = 6;
const MAILBOXES = 24;
/** Every third is refreshed meanwhile, over and over. */
const isBusy = (_id: string, n: number): boolean => n % 3 === 0;

const WRITES = new Set([
  ...['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret'],
  ...['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'],
]);

/** The migrator signs with a key of its own, so that its requests are told from the broker's (Signature Version 4). */
const MIGRATOR = 'MIGRATOR';

interface Kill {
  readonly atWrite: number;
  readonly moment: 'before' | 'after';
}

/** Kills a process at its nth write, which then is carried out or not. */
const makeExecutioner = () => {
  let sentenced: (Kill & { child: ChildProcess; writes: number }) | undefined;
  return {
    sentence(child: ChildProcess, kill: Kill | undefined) {
      sentenced = kill && { ...kill, child, writes: 0 };
    },
    injectFault({ operation, headers }: AwsRequest): Fault | undefined {
      if (!sentenced || !WRITES.has(operation) || !headers.authorization?.includes(MIGRATOR)) return undefined;
      if (++sentenced.writes < sentenced.atWrite) return undefined;
      sentenced.child.kill('SIGKILL');
      return sentenced.writes > sentenced.atWrite || sentenced.moment === 'before' ? 'break_connection' : undefined;
    },
  };
};

const VARIABLES = {
  BROKER_TABLE: 'broker',
  BROKER_VAULT_PREFIX: 'broker/grant/',
  BROKER_VAULT_KMS_KEY: 'arn:aws:kms:us-east-1:000000000000:key/of-the-secrets',
  BROKER_VAULT_KEYS_SECRET: 'keys',
};

const startCloud = async (t: TestContext) => {
  // So many stores would meet the limit of a hundred versions in 24 hours: here a day is over in two seconds.
  const startedAt = Date.now();
  const now = () => startedAt + (Date.now() - startedAt) * 43_200;
  const { sentence, injectFault } = makeExecutioner();
  const secretsManager = await startSecretsManager({ now, injectFault });
  const dynamodb = await startDynamodb({ injectFault });
  await dynamodb.createTable(tableDefinition('broker'));
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: secretsManager.endpoint });
  const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: dynamodb.endpoint });
  t.after(async () => {
    secrets.destroy();
    client.destroy();
    await secretsManager.close();
    await dynamodb.close();
  });
  const ring = JSON.stringify({ current: 'k1', keys: { k1: randomBytes(32).toString('base64') } });
  await secrets.send(new CreateSecretCommand({ Name: 'keys', SecretString: ring }));
  const table = dynamodbTable(client, 'broker');
  const env = {
    ...VARIABLES,
    PATH: process.env.PATH ?? '',
    NODE_NO_WARNINGS: '1',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
  };
  const records = brokerRecords(table, noKeyRing, clock, systemRandom);
  const keyOf = async (grantId: string) =>
    (await secrets.send(new DescribeSecretCommand({ SecretId: `${VARIABLES.BROKER_VAULT_PREFIX}${grantId}` })))
      .KmsKeyId;
  return { env, sentence, records, keyOf, vaults: cloudTokenVaults(VARIABLES, { table, secrets, clock }) };
};

type Cloud = Awaited<ReturnType<typeof startCloud>>;

const fill = async ({ records }: Cloud): Promise<readonly string[]> => {
  await records.organizations.create({ id: 'org', name: 'X', locale: 'en', enabled: true, createdAt: 0 });
  const ids = Array.from({ length: MAILBOXES }, (_, n) => `mbx_${n}`);
  for (const id of ids) {
    const address = `${id}@contoso.example`;
    const mailbox = { id, organizationId: 'org', provider: 'microsoft', address, aliases: [], createdAt: 0 } as const;
    await records.mailboxes.create(mailbox);
  }
  return ids;
};

/** Runs the command, until it is done or killed. */
const migrate = async (
  { env, sentence }: Pick<Cloud, 'env' | 'sentence'>,
  [from, to]: readonly [string, string],
  kill?: Kill,
) => {
  const child = spawn(process.execPath, [MIGRATE, '--from', from, '--to', to], {
    env: { ...env, AWS_ACCESS_KEY_ID: MIGRATOR },
  });
  sentence(child, kill);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, said };
};

/** The broker beside it. `stop` gives the last token that was stored for each grant. */
const startBroker = (env: Cloud['env'], choice: string, grants: readonly string[]) => {
  const child = spawn(process.execPath, [STORE_TOKENS, choice, ...grants], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const newest = new Map<string, string>();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) newest.set(line.split(' ')[0] ?? '', line);
  });
  const closed = once(child, 'close');
  return {
    newest,
    async stop() {
      child.stdin.write('stop');
      const [code] = await closed;
      assert.equal(code, 0, 'the broker never lost a token, and never was superseded by a copy');
    },
  };
};

describe('vault:migrate', () => {
  for (const direction of [
    ['secrets-manager', 'envelope'],
    ['envelope', 'secrets-manager'],
  ] as const) {
    it(`killed again and again, moves every token from ${direction.join(' to ')} while the broker refreshes`, async (t) => {
      const cloud = await startCloud(t);
      const { env, vaults } = cloud;
      const [from, to] =
        direction[0] === 'envelope'
          ? [vaults.envelopes(), vaults.secretsManager()]
          : [vaults.secretsManager(), vaults.envelopes()];
      const ids = await fill(cloud);
      for (const id of ids) await from.store(id, { refreshToken: `${id} first`, storedAt: 1 }, 'absent');
      const busy = ids.filter(isBusy);
      const broker = startBroker(env, direction.join('-to-'), busy);

      for (let n = 0; n < KILLS; n++) {
        const kill = { atWrite: 1 + (Math.floor(n / 2) % 3), moment: n % 2 === 0 ? 'before' : 'after' } as const;
        const { signal, said } = await migrate(cloud, direction, kill);
        assert.equal(signal, 'SIGKILL', said);
      }
      const last = await migrate(cloud, direction);
      assert.equal(last.code, 0, last.said);
      assert.match(last.said, /24 mailboxes: \d+ moved, \d+ had nothing to move, 0 signed out, 0 failed\n/);
      await sleep(100);
      await broker.stop();

      assert.equal(broker.newest.size, busy.length);
      for (const id of ids) {
        assert.equal((await to.read(id))?.refreshToken, broker.newest.get(id) ?? `${id} first`);
        assert.equal(await from.read(id), undefined, 'nothing is left in the source');
        if (direction[1] === 'secrets-manager') assert.equal(await cloud.keyOf(id), VARIABLES.BROKER_VAULT_KMS_KEY);
      }
    });
  }

  it('says what is missing, and what it wants to be told', async (t) => {
    const cloud = await startCloud(t);
    const misused = await migrate(cloud, ['envelope', 'envelope']);
    assert.equal(misused.code, 2);
    assert.match(misused.said, /^error: --from and --to must be secrets-manager and envelope.*\nhint: /);
    const { BROKER_TABLE: _table, ...env } = cloud.env;
    const missing = await migrate({ ...cloud, env: env as Cloud['env'] }, ['envelope', 'secrets-manager']);
    assert.equal(missing.code, 2);
    assert.match(missing.said, /^error: BROKER_TABLE is missing/);
  });
});
