import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { SOURCE_IP, toEvent } from '../fakes/api-gateway.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import type { Emulators } from './emulators.ts';
import { signedInDevice } from './signed-in-device.ts';

const TABLE = 'bench';
const KEYS_SECRET = 'bench/access-token-keys';
/** Nothing listens there, and nothing may be asked: the token is fresh. */
const NOWHERE = 'http://127.0.0.1:9';

/**
 * A signed-in device in dynalite, with the event of its fetch, the bare BatchGetItem of the same keys, and the environment
 * in which `fetch-token` finds it all.
 */
export const startServedDevice = async () => {
  const program = fork(fileURLToPath(new URL('emulators.ts', import.meta.url)));
  const [{ dynamodb, secretsManager }] = (await once(program, 'message')) as [Emulators];
  const table = sqliteTable(openDatabase(':memory:'));
  const { seen, records, keySetText, clientId, basic } = await signedInDevice(table);
  // The second time the mailbox is known, and everything is read at once.
  for (let times = 0; times < 2; times++)
    await records.deviceAccess.read({ clientId, slot: 'scan', audience: 'smtp', place: SOURCE_IP });
  const keys = seen.lastKeys;

  const database = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: dynamodb });
  await database.send(new CreateTableCommand(tableDefinition(TABLE)));
  const served = dynamodbTable(database, TABLE);
  // What is not there, as no wrong secret was ever presented, is read all the same.
  for (const item of await table.getMany(keys)) if (item) await served.write({ put: item });
  database.destroy();
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: secretsManager });
  await secrets.send(new CreateSecretCommand({ Name: KEYS_SECRET, SecretString: keySetText }));
  secrets.destroy();

  return {
    keyCount: keys.length,
    bareRead: {
      RequestItems: {
        [TABLE]: { Keys: keys.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } })), ConsistentRead: true },
      },
    },
    fetchEvent: toEvent({
      method: 'POST',
      target: '/oauth/token',
      headers: [
        ['Authorization', basic],
        ['Content-Type', 'application/x-www-form-urlencoded'],
      ],
      body: Buffer.from('grant_type=client_credentials'),
    }),
    environment: {
      BROKER_PUBLIC_URL: 'http://localhost',
      BROKER_NAME: 'token-broker',
      BROKER_TABLE: TABLE,
      BROKER_ACCESS_KEYS_SECRET: KEYS_SECRET,
      BROKER_GRANT_QUEUE_URL: `${NOWHERE}/1/grants`,
      BROKER_REFRESH_FUNCTION: 'refresh',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL: NOWHERE,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager,
    },
    close: () => program.disconnect(),
  };
};
