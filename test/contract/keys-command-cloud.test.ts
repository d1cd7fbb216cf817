import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { newKeySetText } from '../../shared/adapters/key-ring/key-set.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import { noKeyRing } from '../../shared/ports/key-ring.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

const KEYS = fileURLToPath(new URL('../../scripts/keys.ts', import.meta.url));

describe('npm run keys, in the cloud', () => {
  it('looks at the rings that are named, and calls no key of another one missing', async (t) => {
    const secretsManager = await startSecretsManager();
    const dynamodb = await startDynamodb();
    await dynamodb.createTable(tableDefinition('broker'));
    const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: secretsManager.endpoint });
    const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: dynamodb.endpoint });
    t.after(async () => {
      for (const one of [secrets, client]) one.destroy();
      await Promise.all([secretsManager.close(), dynamodb.close()]);
    });
    for (const Name of ['access', 'vault'])
      await secrets.send(new CreateSecretCommand({ Name, SecretString: newKeySetText() }));

    const table = dynamodbTable(client, 'broker');
    const records = brokerRecords(table, noKeyRing, clock, systemRandom);
    await records.organizations.create({ id: 'org', name: 'X', locale: 'en', enabled: true, createdAt: 0 });
    const address = 'scan@contoso.example';
    const mailbox = {
      id: 'mbx',
      organizationId: 'org',
      provider: 'google',
      address,
      aliases: [],
      createdAt: 0,
    } as const;
    await records.mailboxes.create(mailbox);
    const vault = envelopeTokenVault(table, secretsManagerKeyRing(secrets, { secretId: 'vault', clock }));
    await vault.store('mbx', { refreshToken: 'made up', storedAt: 1 }, 'absent');

    const status = async (variables: Record<string, string>) => {
      const env = {
        ...{ PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1', BROKER_TABLE: 'broker', ...variables },
        ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.endpoint,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
      };
      const child = spawn(process.execPath, [KEYS, 'status'], { env });
      let said = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text) => (said += text));
      const [code] = await once(child, 'close');
      return { code, said };
    };

    const access = { BROKER_ACCESS_KEYS_SECRET: 'access' };
    const one = await status(access);
    assert.match(one.said, /^access-tokens\n {2}k\w+ {2}current {2}needed by 0 mailboxes\n/);
    assert.match(one.said, /refresh-tokens\n {2}in use, but not looked at: set BROKER_VAULT_KEYS_SECRET\n$/);
    assert.equal(one.code, 0);
    const both = await status({ ...access, BROKER_VAULT_KEYS_SECRET: 'vault' });
    assert.match(both.said, /refresh-tokens\n {2}k\w+ {2}current {2}needed by 1 mailbox\n$/);
    const wrong = await status({ ...access, BROKER_VAULT_KEYS_SECRET: 'access' });
    assert.match(wrong.said, /MISSING {2}needed by 1 mailbox; restore/);
    assert.equal(wrong.code, 1);
  });
});
