import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretText } from '../../shared/adapters/secrets-manager/secret-text.ts';
import { AwsError, type Emulator, errorReply, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

const NO_VALUE = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";

describe('a secret that is a text', () => {
  let emulator: Emulator;
  let client: SecretsManagerClient;
  before(async () => {
    emulator = await startSecretsManager({
      injectFault: ({ operation, input }) =>
        operation === 'GetSecretValue' && input.SecretId === 'without-value'
          ? errorReply(new AwsError('ResourceNotFoundException', NO_VALUE))
          : undefined,
    });
    client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
    await client.send(new CreateSecretCommand({ Name: 'with-value', SecretString: 'text' }));
  });
  after(async () => {
    client.destroy();
    await emulator.close();
  });

  it('is what was stored', async () => {
    assert.equal(await secretText(client, 'with-value', { unlessSet: '{}' }), 'text');
  });

  it('is what its reader says while nothing was stored, as CloudFormation makes it', async () => {
    assert.equal(await secretText(client, 'without-value', { unlessSet: '{}' }), '{}');
    await assert.rejects(secretText(client, 'without-value'), { name: 'ResourceNotFoundException' });
  });

  it('is missed where there is no such secret, whatever its reader says', async () => {
    await assert.rejects(secretText(client, 'gone', { unlessSet: '{}' }), { name: 'ResourceNotFoundException' });
  });
});
