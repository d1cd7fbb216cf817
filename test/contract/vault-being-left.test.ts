import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keySetText, newKey, newKeySetText, parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { cloudTokenVault } from '../../shared/adapters/vaults/cloud-token-vault.ts';
import type { Table, Write } from '../../shared/ports/table.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';
import { stored, token } from './vaults.ts';

const VARIABLES = { BROKER_VAULT_PREFIX: 'b/grant/', BROKER_VAULT_KMS_KEY: 'key', BROKER_VAULT_KEYS_SECRET: 'ring' };

describe('an envelope vault that tokens leave', () => {
  it('is read without being written to, which no role may then, also after its key was rotated', async (t) => {
    const emulator = await startSecretsManager();
    const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
    t.after(async () => {
      secrets.destroy();
      await emulator.close();
    });
    const ring = newKeySetText();
    await secrets.send(new CreateSecretCommand({ Name: 'ring', SecretString: ring }));
    const writes: Write[] = [];
    const kept = sqliteTable(openDatabase(':memory:'));
    const table: Table = {
      ...kept,
      write(write) {
        writes.push(write);
        return kept.write(write);
      },
    };
    const vaultOf = (BROKER_VAULT: 'envelope' | 'envelope-to-secrets-manager') =>
      cloudTokenVault({ ...VARIABLES, BROKER_VAULT }, { table, secrets, clock });
    await stored(vaultOf('envelope'), 'mbx_1', token('r1'), 'absent');
    const { keys } = parseKeySet(ring, 'the test');
    const [current, key] = newKey();
    const rotated = keySetText({ current, keys: new Map([...keys, [current, key]]) });
    await secrets.send(new PutSecretValueCommand({ SecretId: 'ring', SecretString: rotated }));

    writes.length = 0;
    assert.equal((await vaultOf('envelope-to-secrets-manager').read('mbx_1'))?.refreshToken, 'r1');
    assert.deepEqual(writes, []);
    assert.equal((await vaultOf('envelope').read('mbx_1'))?.refreshToken, 'r1');
    assert.equal(writes.length, 1, 'one that tokens stay in seals them anew');
  });
});
