import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { OWN_NAMES } from '../../scripts/cloud/functions-switch.ts';
import { fillKeyRing } from '../../scripts/cloud-setup/key-rings.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { AwsError, type Emulator, errorReply, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';
import { synthesize } from './deployment.ts';

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

describe('what cloud:setup and its like go by', () => {
  const { stateful, stateless } = synthesize({ name: 'broker' });

  it('is what the stacks tell', () => {
    const told = [...Object.keys(stateful.toJSON().Outputs), ...Object.keys(stateless.toJSON().Outputs)];
    for (const output of ['KeyRingSecrets', 'ProviderConfigSecret', 'AdminKeySecret', 'PublicUrl']) {
      assert.ok(told.includes(output), output);
    }
  });

  it('names each secret that is deployed empty: the key rings, and where the provider document goes', () => {
    const empty = Object.entries(stateful.findResources('AWS::SecretsManager::Secret')).filter(
      ([, { Properties }]) => Properties.SecretString === undefined && Properties.GenerateSecretString === undefined,
    );
    const { KeyRingSecrets, ProviderConfigSecret } = stateful.toJSON().Outputs;
    const named = JSON.stringify([KeyRingSecrets.Value, ProviderConfigSecret.Value]);
    assert.equal(empty.length, 4);
    for (const [logicalId] of empty) assert.ok(named.includes(logicalId), logicalId);
  });

  it('is one table, and functions by the names that the switch knows', () => {
    assert.equal(Object.keys(stateful.findResources('AWS::DynamoDB::Table')).length, 1);
    const functions = Object.values(stateless.findResources('AWS::Lambda::Function'));
    const names = functions.map(({ Properties }) => String(Properties.FunctionName).replace(/^broker-/, ''));
    assert.deepEqual(names.toSorted(), OWN_NAMES.toSorted());
  });
});
