import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { secretsManagerClient } from '../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { secretsManagerTokenVault } from '../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { TokenVaultError } from '../../shared/ports/token-vault.ts';
import type { Fault } from '../fakes/aws-json.ts';
import { during } from './during.ts';
import { inSecretsManager, stored, token } from './vaults.ts';

/** The client of a process that is held up between putting a version and moving the label, while something happens. */
const beforeMoving = (client: SecretsManagerClient, happens: () => Promise<unknown>): SecretsManagerClient => {
  const send = async (command: Parameters<SecretsManagerClient['send']>[0]) => {
    if (command instanceof UpdateSecretVersionStageCommand) await happens();
    return client.send(command);
  };
  return { send } as unknown as SecretsManagerClient;
};

describe('secretsManagerTokenVault', () => {
  it('moves AWSCURRENT and AWSPREVIOUS from version to version', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const second = await stored(vault, 'g', token('r2'), first);
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: 'broker/g' }));
    assert.deepEqual(VersionIdsToStages?.[first], ['AWSPREVIOUS']);
    assert.deepEqual(VersionIdsToStages?.[second]?.toSorted(), ['AWSCURRENT', 'AWSPENDING']);
  });

  it('makes secrets under the key that it was given, and leaves those that exist under theirs', async (t) => {
    const key = 'arn:aws:kms:us-east-1:000000000000:key/of-the-secrets';
    const { vault: keyless, client } = during(t, await inSecretsManager());
    const vault = secretsManagerTokenVault(client, { prefix: 'broker/', kmsKeyId: key });
    const keyOf = async (grantId: string) =>
      (await client.send(new DescribeSecretCommand({ SecretId: `broker/${grantId}` }))).KmsKeyId;
    const fresh = await stored(vault, 'fresh', token('r1'), 'absent');
    await stored(vault, 'fresh', token('r2'), fresh);
    assert.equal(await keyOf('fresh'), key);
    const old = await stored(keyless, 'old', token('r1'), 'absent');
    await stored(vault, 'old', token('r2'), old);
    assert.equal(await keyOf('old'), undefined);
  });

  it('waits for a forced deletion to be over before it takes the name again', async (t) => {
    const { vault, pauses } = during(t, await inSecretsManager({ forcedDeletionRequests: 3 }));
    const old = await stored(vault, 'g', token('r1'), 'absent');
    await vault.remove('g');
    const fresh = await stored(vault, 'g', token('r2'), 'absent');
    assert.deepEqual(pauses, [200, 400, 800]);
    assert.deepEqual(await vault.read('g'), { ...token('r2'), version: fresh });
    assert.deepEqual(await vault.store('g', token('r3'), old), { outcome: 'superseded' });
  });

  it('takes back a name that was scheduled for deletion by hand, and one of ten wins', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const old = await stored(vault, 'g', token('r0'), 'absent');
    await client.send(new DeleteSecretCommand({ SecretId: 'broker/g', RecoveryWindowInDays: 30 }));
    assert.equal(await vault.read('g'), undefined);
    assert.deepEqual(await vault.store('g', token('late'), old), { outcome: 'superseded' });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => vault.store('g', token(`r${n + 1}`), 'absent')),
    );
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'stored' ? [`r${n + 1}`] : []));
    assert.deepEqual(winners, [(await vault.read('g'))?.refreshToken]);
  });

  const refusing = (type: string): Fault => ({ status: 400, body: { __type: type, message: 'no' } });

  it('keeps a token whose store was cut off after the put, and finishes that store at the next reading', async (t) => {
    const { vault, client, faults } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    faults.set('UpdateSecretVersionStage', refusing('AccessDeniedException'));
    await assert.rejects(vault.store('g', token('r2'), first), { name: 'AccessDeniedException' });
    const found = await vault.read('g');
    assert.equal(found?.refreshToken, 'r2');
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: 'broker/g' }));
    assert.deepEqual(VersionIdsToStages?.[found.version]?.toSorted(), ['AWSCURRENT', 'AWSPENDING']);
    await stored(vault, 'g', token('r3'), found.version);
    assert.deepEqual(await vault.store('g', token('late'), first), { outcome: 'superseded' });
  });

  it('keeps the token before when a store was cut off ahead of the put', async (t) => {
    const { vault, faults } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    faults.set('PutSecretValue', refusing('AccessDeniedException'));
    await assert.rejects(vault.store('g', token('r2'), first), { name: 'AccessDeniedException' });
    assert.deepEqual(await vault.read('g'), { ...token('r1'), version: first });
  });

  it('knows a store for one that a reader finished between its two requests', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const slow = secretsManagerTokenVault(
      beforeMoving(client, () => vault.read('g')),
      { prefix: 'broker/' },
    );
    const second = await stored(slow, 'g', token('r2'), first);
    assert.deepEqual(await vault.read('g'), { ...token('r2'), version: second });
  });

  it('lets one of two stores win that both stand between put and move, whoever of them is read first', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const inner = secretsManagerTokenVault(
      beforeMoving(client, () => vault.read('g')),
      { prefix: 'broker/' },
    );
    const outer = secretsManagerTokenVault(
      beforeMoving(client, () => inner.store('g', token('b'), first)),
      {
        prefix: 'broker/',
      },
    );
    assert.deepEqual(await outer.store('g', token('a'), first), { outcome: 'superseded' });
    assert.equal((await vault.read('g'))?.refreshToken, 'b');
  });

  it('ignores what a superseded store left pending', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const second = await stored(vault, 'g', token('r2'), first);
    assert.deepEqual(await vault.store('g', token('late'), first), { outcome: 'superseded' });
    const pending = await client.send(new GetSecretValueCommand({ SecretId: 'broker/g', VersionStage: 'AWSPENDING' }));
    assert.notEqual(pending.VersionId, second);
    assert.deepEqual(await vault.read('g'), { ...token('r2'), version: second });
  });

  it('reads a token that an earlier version of the broker stored', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    await client.send(new CreateSecretCommand({ Name: 'broker/g', SecretString: '{"refreshToken":"old"}' }));
    const { version, ...rest } = (await vault.read('g')) ?? {};
    assert.deepEqual(rest, { refreshToken: 'old', storedAt: 0 });
    await stored(vault, 'g', token('new', 'old'), version ?? '');
  });

  it('takes one request to read what was stored to its end', async (t) => {
    let readings = 0;
    const { vault } = during(
      t,
      await inSecretsManager({
        injectFault({ operation }) {
          if (operation === 'GetSecretValue') readings++;
          return undefined;
        },
      }),
    );
    await stored(vault, 'g', token('r2'), await stored(vault, 'g', token('r1'), 'absent'));
    await vault.read('g');
    assert.equal(readings, 1);
  });

  for (const fault of [
    refusing('ThrottlingException'),
    refusing('TooManyRequestsException'),
    { status: 500, body: { __type: 'InternalServiceError', message: 'no' } },
    { status: 503, body: {} },
    'break_connection',
  ] as const) {
    it(`is busy, and no more, at ${typeof fault === 'string' ? fault : JSON.stringify(fault)}`, async (t) => {
      const { vault, lasting } = during(t, await inSecretsManager());
      const first = await stored(vault, 'g', token('r1'), 'absent');
      const busy = { name: 'TokenVaultError', reason: 'busy' };
      for (const operation of [
        'GetSecretValue',
        'PutSecretValue',
        'UpdateSecretVersionStage',
        'CreateSecret',
        'DeleteSecret',
      ]) {
        lasting.set(operation, fault);
      }
      await assert.rejects(vault.read('g'), busy);
      await assert.rejects(vault.store('g', token('r2'), first), busy);
      await assert.rejects(vault.store('new', token('r2'), 'absent'), busy);
      await assert.rejects(vault.remove('g'), busy);
      lasting.clear();
      assert.deepEqual(await vault.read('g'), { ...token('r1'), version: first });
    });
  }

  it('throws what nobody in the broker can mend, and changes nothing', async (t) => {
    const { vault, lasting } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const meeting = async (operation: string, type: string, act: () => Promise<unknown>, expected: object) => {
      lasting.set(operation, refusing(type));
      await assert.rejects(act, expected);
      lasting.clear();
    };
    const store = () => vault.store('g', token('r2'), first);
    await meeting('PutSecretValue', 'AccessDeniedException', store, { name: 'AccessDeniedException' });
    await meeting('GetSecretValue', 'DecryptionFailure', () => vault.read('g'), { name: 'DecryptionFailure' });
    await meeting('DeleteSecret', 'InvalidRequestException', () => vault.remove('g'), {
      name: 'InvalidRequestException',
    });
    await assert.rejects(vault.store('g', token('x'.repeat(65_536)), first));
    assert.deepEqual(await vault.read('g'), { ...token('r1'), version: first });
  });

  it('meets the limit of about a hundred versions a day', async (t) => {
    let now = Date.UTC(2026, 11, 1);
    const { vault } = during(t, await inSecretsManager({ now: () => now }));
    const full = { name: 'TokenVaultError', reason: 'full', message: /^the secret of g has had as many versions/ };
    let version = 'absent';
    for (let n = 0; n < 100; n++) version = await stored(vault, 'g', token(`r${n}`), version);
    await assert.rejects(vault.store('g', token('one more'), version), full);
    assert.equal((await vault.read('g'))?.refreshToken, 'r99');
    now += 86_400_000;
    await stored(vault, 'g', token('one more'), version);
  });

  it('promises fewer stores a day than there may be versions', async (t) => {
    const { vault } = during(t, await inSecretsManager());
    assert.ok(vault.storesPerDay !== undefined && vault.storesPerDay <= 90);
  });

  it('says that it is busy where AWSCURRENT does not move although it should', async (t) => {
    const { vault, lasting } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    lasting.set('UpdateSecretVersionStage', refusing('InvalidParameterException'));
    const busy = { name: 'TokenVaultError', reason: 'busy', message: /would not move AWSCURRENT/ };
    await assert.rejects(vault.store('g', token('r2'), first), busy);
  });

  it('calls a text that is no token unreadable, without quoting it, and lets it be stored over', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    await client.send(
      new CreateSecretCommand({ Name: 'broker/g', SecretString: '{"refreshToken":"SECRET","storedAt":"x"}' }),
    );
    const error = await vault.read('g').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TokenVaultError && error.reason === 'unreadable');
    assert.doesNotMatch(inspect(error, { depth: 9 }), /SECRET/);
    await stored(vault, 'g', token('new'), error.version ?? '');
  });

  it('names the secret by prefix and grant', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    await stored(vault, 'g', token('r1'), 'absent');
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'broker/g' }));
    assert.deepEqual(JSON.parse(SecretString ?? ''), token('r1'));
  });
});

describe('secretsManagerClient', () => {
  it('gives up on a silent Secrets Manager in time for the lease', async (t) => {
    const server = createServer(() => undefined);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
      server.close();
    });
    Object.assign(process.env, {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${port}`,
    });
    const client = secretsManagerClient();
    t.after(() => client.destroy());
    const vault = secretsManagerTokenVault(client, { prefix: 'broker/' });
    const startedAt = performance.now();
    await assert.rejects(vault.read('g'), { name: 'TokenVaultError', reason: 'busy' });
    const seconds = (performance.now() - startedAt) / 1000;
    assert.ok(seconds > 3 && seconds < 5, `${seconds} s for one request; a store is two, and has ten`);
  });
});
