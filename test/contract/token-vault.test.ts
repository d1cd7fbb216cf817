import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { fileKeyRing } from '../../shared/adapters/key-ring/file-key-ring.ts';
import { secretsManagerTokenVault } from '../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { KeyRingError } from '../../shared/ports/key-ring.ts';
import type { TokenVault } from '../../shared/ports/token-vault.ts';
import { type Fault, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { type SecretsManagerOptions, startSecretsManager } from '../fakes/secrets-manager.ts';
import { during } from './during.ts';

interface Started {
  readonly vault: TokenVault;
  /** Loses the answer to the next request of each operation; where there is a network to lose it. */
  loseAnswersOnce?(): void;
  close(): Promise<void>;
}

const inSecretsManager = async (options: SecretsManagerOptions = {}) => {
  /** Each met once, by the operation it is for; `lasting` ones again and again. */
  const faults = new Map<string, Fault>();
  const lasting = new Map<string, Fault>();
  const pauses: number[] = [];
  const emulator = await startSecretsManager({
    injectFault({ operation }) {
      const fault = faults.get(operation);
      faults.delete(operation);
      return fault ?? lasting.get(operation);
    },
    ...options,
  });
  const client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint, maxAttempts: 2 });
  const sleep = async (milliseconds: number) => {
    pauses.push(milliseconds);
  };
  return {
    client,
    pauses,
    faults,
    lasting,
    vault: secretsManagerTokenVault(client, { prefix: 'broker/', sleep }),
    loseAnswersOnce() {
      for (const operation of ['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret']) {
        faults.set(operation, 'lose_answer');
      }
    },
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

const inEnvelopesOnOneMachine = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  const database = openDatabase(':memory:');
  const table = sqliteTable(database);
  return {
    table,
    vault: envelopeTokenVault(table, fileKeyRing(join(folder, 'keys.json'))),
    async close() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
};

const inEnvelopesOnDynamodb = async (): Promise<Started> => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  let losesAnswer = false;
  const emulator = await startDynamodb({
    injectFault({ operation }) {
      if (operation !== 'PutItem' || !losesAnswer) return undefined;
      losesAnswer = false;
      return 'lose_answer';
    },
  });
  await emulator.createTable(tableDefinition('broker'));
  const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  return {
    vault: envelopeTokenVault(dynamodbTable(client, 'broker'), fileKeyRing(join(folder, 'keys.json'))),
    loseAnswersOnce() {
      losesAnswer = true;
    },
    async close() {
      client.destroy();
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
};

/** Stores where that must go through, and gives the version. */
const stored = async (...[vault, ...rest]: [TokenVault, ...Parameters<TokenVault['store']>]): Promise<string> => {
  const result = await vault.store(...rest);
  assert.equal(result.outcome, 'stored');
  return result.outcome === 'stored' ? result.version : '';
};

const contract = (start: () => Promise<Started>) => () => {
  let started: Started;
  let vault: TokenVault;
  before(async () => {
    started = await start();
    vault = started.vault;
  });
  after(() => started.close());

  const newGrant = () => `mbx_${randomUUID()}`;

  it('holds nothing for a grant that never stored', async () => {
    assert.equal(await vault.read(newGrant()), undefined);
  });

  it('gives back what was stored, with the version', async () => {
    const grant = newGrant();
    const token = { refreshToken: '0.AX-größe/鍵🔑+=', previousRefreshToken: 'older' };
    const version = await stored(vault, grant, token, 'absent');
    assert.deepEqual(await vault.read(grant), { ...token, version });
  });

  it('holds a token of 10 KB beside a previous one', async () => {
    const grant = newGrant();
    const token = { refreshToken: 'n'.repeat(10_000), previousRefreshToken: 'p'.repeat(10_000) };
    const version = await stored(vault, grant, token, 'absent');
    assert.deepEqual(await vault.read(grant), { ...token, version });
  });

  it('replaces the version that it is told, and forgets the previous token when there is none', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, { refreshToken: 'r1', previousRefreshToken: 'r0' }, 'absent');
    const second = await stored(vault, grant, { refreshToken: 'r2' }, first);
    assert.notEqual(second, first);
    assert.deepEqual(await vault.read(grant), { refreshToken: 'r2', version: second });
  });

  it('changes nothing when somebody stored in between', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, { refreshToken: 'r1' }, 'absent');
    const second = await stored(vault, grant, { refreshToken: 'r2' }, first);
    const superseded = { outcome: 'superseded' };
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r3' }, first), superseded);
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r3' }, 'absent'), superseded);
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r3' }, randomUUID()), superseded);
    assert.deepEqual(await vault.read(grant), { refreshToken: 'r2', version: second });
    await stored(vault, grant, { refreshToken: 'r3' }, second);
  });

  it('keeps grants apart', async () => {
    const [one, two] = [newGrant(), newGrant()];
    const version = await stored(vault, one, { refreshToken: 'of one' }, 'absent');
    assert.deepEqual(await vault.store(two, { refreshToken: 'of two' }, version), { outcome: 'superseded' });
    await stored(vault, two, { refreshToken: 'of two' }, 'absent');
    assert.equal((await vault.read(one))?.refreshToken, 'of one');
  });

  it('holds nothing after a removal, which does not mind an absent token', async () => {
    const grant = newGrant();
    await vault.remove(grant);
    await stored(vault, grant, { refreshToken: 'r1' }, 'absent');
    await vault.remove(grant);
    await vault.remove(grant);
    assert.equal(await vault.read(grant), undefined);
  });

  it('does not bring back by a late store what was removed', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, { refreshToken: 'r1' }, 'absent');
    await vault.remove(grant);
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r2' }, first), { outcome: 'superseded' });
    assert.equal(await vault.read(grant), undefined);
    await stored(vault, grant, { refreshToken: 'r3' }, 'absent');
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r2' }, first), { outcome: 'superseded' });
    assert.equal((await vault.read(grant))?.refreshToken, 'r3');
  });

  it('knows the repeat of a store for one, and makes no third token of it', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, { refreshToken: 'r1' }, 'absent');
    assert.equal(await stored(vault, grant, { refreshToken: 'r1' }, 'absent'), first);
    const second = await stored(vault, grant, { refreshToken: 'r2' }, first);
    assert.equal(await stored(vault, grant, { refreshToken: 'r2' }, first), second);
    const third = await stored(vault, grant, { refreshToken: 'r3' }, second);
    assert.deepEqual(await vault.store(grant, { refreshToken: 'r2' }, first), { outcome: 'superseded' });
    assert.deepEqual(await vault.read(grant), { refreshToken: 'r3', version: third });
  });

  it('lets exactly one of 20 parallel first stores win', async () => {
    const grant = newGrant();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => vault.store(grant, { refreshToken: `r${n}` }, 'absent')),
    );
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'stored' ? [`r${n}`] : []));
    assert.deepEqual(winners, [(await vault.read(grant))?.refreshToken]);
  });

  it('lets exactly one of 20 parallel stores on one version win', async () => {
    const grant = newGrant();
    const first = await stored(vault, grant, { refreshToken: 'r' }, 'absent');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => vault.store(grant, { refreshToken: `r${n}` }, first)),
    );
    const winners = outcomes.flatMap(({ outcome }, n) => (outcome === 'stored' ? [`r${n}`] : []));
    assert.deepEqual(winners, [(await vault.read(grant))?.refreshToken]);
  });

  it('stores and removes although the answers get lost', async () => {
    const grant = newGrant();
    started.loseAnswersOnce?.();
    const first = await stored(vault, grant, { refreshToken: 'r1' }, 'absent');
    started.loseAnswersOnce?.();
    const second = await stored(vault, grant, { refreshToken: 'r2' }, first);
    assert.deepEqual(await vault.read(grant), { refreshToken: 'r2', version: second });
    started.loseAnswersOnce?.();
    await vault.remove(grant);
    assert.equal(await vault.read(grant), undefined);
  });
};

describe('envelopeTokenVault on sqliteTable', contract(inEnvelopesOnOneMachine));
describe('envelopeTokenVault on dynamodbTable', contract(inEnvelopesOnDynamodb));
describe('secretsManagerTokenVault', contract(inSecretsManager));
describe(
  'secretsManagerTokenVault, with forced deletions in the background,',
  contract(() => inSecretsManager({ forcedDeletionRequests: 2 })),
);

describe('envelopeTokenVault', () => {
  it('keeps only ciphertext in the table, which opens for its own grant alone', async (t) => {
    const { vault, table } = during(t, await inEnvelopesOnOneMachine());
    await vault.store('one', { refreshToken: 'SECRET-ONE' }, 'absent');
    await vault.store('two', { refreshToken: 'SECRET-TWO' }, 'absent');
    const item = await table.get({ pk: 'vault#one', sk: 'refresh_token' });
    assert.ok(item !== undefined && !JSON.stringify(item).includes('SECRET'));
    await table.write({ put: { ...item, pk: 'vault#two' } });
    await assert.rejects(vault.read('two'), KeyRingError);
  });
});

describe('secretsManagerTokenVault', () => {
  const token = (refreshToken: string) => ({ refreshToken });

  it('moves AWSCURRENT and AWSPREVIOUS from version to version', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const second = await stored(vault, 'g', token('r2'), first);
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: 'broker/g' }));
    assert.deepEqual(VersionIdsToStages?.[first], ['AWSPREVIOUS']);
    assert.deepEqual(VersionIdsToStages?.[second]?.toSorted(), ['AWSCURRENT', 'AWSPENDING']);
  });

  it('waits for a forced deletion to be over before it takes the name again', async (t) => {
    const { vault, pauses } = during(t, await inSecretsManager({ forcedDeletionRequests: 3 }));
    const old = await stored(vault, 'g', token('r1'), 'absent');
    await vault.remove('g');
    const fresh = await stored(vault, 'g', token('r2'), 'absent');
    assert.deepEqual(pauses, [200, 400, 800]);
    assert.deepEqual(await vault.read('g'), { refreshToken: 'r2', version: fresh });
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

  it('goes on after a crash between putting a version and moving the label', async (t) => {
    const { vault, faults } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    faults.set('UpdateSecretVersionStage', { status: 400, body: { __type: 'AccessDeniedException', message: 'no' } });
    await assert.rejects(vault.store('g', token('r2'), first), { name: 'AccessDeniedException' });
    assert.deepEqual(await vault.read('g'), { refreshToken: 'r1', version: first });
    const second = await stored(vault, 'g', token('r2'), first);
    assert.deepEqual(await vault.read('g'), { refreshToken: 'r2', version: second });
  });

  it('throws what nobody in the broker can mend, and changes nothing', async (t) => {
    const { vault, lasting } = during(t, await inSecretsManager());
    const first = await stored(vault, 'g', token('r1'), 'absent');
    const refusing = async (operation: string, type: string, act: () => Promise<unknown>, expected: object) => {
      lasting.set(operation, { status: 400, body: { __type: type, message: 'no' } });
      await assert.rejects(act, expected);
      lasting.clear();
    };
    const store = () => vault.store('g', token('r2'), first);
    await refusing('PutSecretValue', 'LimitExceededException', store, { name: 'LimitExceededException' });
    await refusing('UpdateSecretVersionStage', 'InvalidParameterException', store, /would not move AWSCURRENT/);
    await refusing('GetSecretValue', 'DecryptionFailure', () => vault.read('g'), { name: 'DecryptionFailure' });
    await refusing('DeleteSecret', 'InvalidRequestException', () => vault.remove('g'), {
      name: 'InvalidRequestException',
    });
    await assert.rejects(vault.store('g', token('x'.repeat(65_536)), first));
    assert.deepEqual(await vault.read('g'), { refreshToken: 'r1', version: first });
  });

  it('meets the limit of about a hundred versions a day', async (t) => {
    let now = Date.UTC(2026, 11, 1);
    const { vault } = during(t, await inSecretsManager({ now: () => now }));
    let version = 'absent';
    for (let n = 0; n < 100; n++) version = await stored(vault, 'g', token(`r${n}`), version);
    await assert.rejects(vault.store('g', token('one more'), version), { name: 'LimitExceededException' });
    assert.equal((await vault.read('g'))?.refreshToken, 'r99');
    now += 86_400_000;
    await stored(vault, 'g', token('one more'), version);
  });

  it('names the secret by prefix and grant', async (t) => {
    const { vault, client } = during(t, await inSecretsManager());
    await stored(vault, 'g', token('r1'), 'absent');
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'broker/g' }));
    assert.deepEqual(JSON.parse(SecretString ?? ''), { refreshToken: 'r1' });
  });
});
