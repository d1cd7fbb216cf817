import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { fillKeyRing } from '../../infra/setup.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { AwsError, type Emulator, errorReply, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';

const NO_VALUE = new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret value.");

describe('setup', () => {
  let emulator: Emulator;
  let client: SecretsManagerClient;
  /** Secrets that have no value yet, as CloudFormation makes them; the emulator knows only secrets with one. */
  const empty = new Set<string>();

  before(async () => {
    emulator = await startSecretsManager({
      injectFault({ operation, input }) {
        const secretId = String(input.SecretId);
        if (operation === 'PutSecretValue') empty.delete(secretId);
        return operation === 'GetSecretValue' && empty.has(secretId) ? errorReply(NO_VALUE) : undefined;
      },
    });
    client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  });

  after(async () => {
    client.destroy();
    await emulator.close();
  });

  const secretWith = async (name: string, value: string): Promise<void> => {
    await client.send(new CreateSecretCommand({ Name: name, SecretString: value }));
  };

  const textOf = async (name: string): Promise<string> =>
    (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString ?? '';

  it('makes a key ring that the broker can read', async () => {
    await secretWith('empty', '-');
    empty.add('empty');
    assert.equal(await fillKeyRing(client, 'empty'), 'made');
    const ring = parseKeySet(await textOf('empty'), 'the test');
    assert.equal(ring.keys.get(ring.current)?.length, 32);
    assert.equal(ring.keys.size, 1);
  });

  it('leaves keys alone that are there already', async () => {
    await secretWith('rotated', 'somebody’s keys');
    assert.equal(await fillKeyRing(client, 'rotated'), 'kept');
    assert.equal(await textOf('rotated'), 'somebody’s keys');
  });

  it('lets one of two racing setups win', async () => {
    await secretWith('raced', '-');
    empty.add('raced');
    const outcomes = await Promise.all([fillKeyRing(client, 'raced'), fillKeyRing(client, 'raced')]);
    assert.deepEqual(outcomes.sort(), ['kept', 'made']);
  });
});
