import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import type { Table } from '../../shared/ports/table.ts';
import { TokenVaultError } from '../../shared/ports/token-vault.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import { during } from './during.ts';
import { inEnvelopesOnOneMachine, stored, token } from './vaults.ts';

const GRANT = { pk: 'vault#mbx_1', sk: 'refresh_token' };

const setUp = () => {
  const keys = memoryKeyRing('old');
  const table = sqliteTable(openDatabase(':memory:'));
  return { keys, table, vault: envelopeTokenVault(table, keys) };
};

describe('envelopeTokenVault', () => {
  it('keeps only ciphertext in the table, which opens for its own grant alone', async (t) => {
    const { vault, table } = during(t, await inEnvelopesOnOneMachine());
    await vault.store('one', token('SECRET-ONE'), 'absent');
    await vault.store('two', token('SECRET-TWO'), 'absent');
    const item = await table.get({ pk: 'vault#one', sk: 'refresh_token' });
    assert.ok(item !== undefined && !JSON.stringify(item).includes('SECRET'));
    await table.write({ put: { ...item, pk: 'vault#two' } });
    await assert.rejects(vault.read('two'), { name: 'TokenVaultError', reason: 'unreadable' });
  });

  it('seals anew, under the current key, what an older key sealed, when it is read', async () => {
    const { keys, table, vault } = setUp();
    const version = await stored(vault, 'mbx_1', token('r1', 'r0'), 'absent');
    const fresh = keys.rotate();
    assert.deepEqual(await vault.read('mbx_1'), { ...token('r1', 'r0'), version });
    assert.ok(String((await table.get(GRANT))?.sealed).startsWith(`${fresh}.`));
    keys.destroy('old');
    assert.deepEqual(
      await vault.read('mbx_1'),
      { ...token('r1', 'r0'), version },
      'nothing needs the old key any more',
    );
    await stored(vault, 'mbx_1', token('r2'), version);
  });

  it('writes nothing when it reads what the current key sealed', async () => {
    const { table, vault } = setUp();
    await stored(vault, 'mbx_1', token('r1'), 'absent');
    const before = await table.get(GRANT);
    await vault.read('mbx_1');
    assert.deepEqual(await table.get(GRANT), before);
  });

  it('never puts an older token, sealed anew, over one that was stored meanwhile', async () => {
    const { keys, table, vault } = setUp();
    const version = await stored(vault, 'mbx_1', token('r1'), 'absent');
    keys.rotate();
    const raced: Table = {
      ...table,
      async write(write) {
        await vault.store('mbx_1', token('r2'), version);
        return table.write(write);
      },
    };
    assert.equal((await envelopeTokenVault(raced, keys).read('mbx_1'))?.refreshToken, 'r1');
    assert.equal((await vault.read('mbx_1'))?.refreshToken, 'r2');
  });

  it('reads although it cannot seal anew', async () => {
    const { keys, table, vault } = setUp();
    await stored(vault, 'mbx_1', token('r1'), 'absent');
    keys.rotate();
    const readOnly: Table = { ...table, write: () => Promise.reject(new Error('no right to write')) };
    assert.equal((await envelopeTokenVault(readOnly, keys).read('mbx_1'))?.refreshToken, 'r1');
  });

  it('says of what grant and key a token is lost, and what to do, and lets it be stored over', async () => {
    const { keys, vault } = setUp();
    await stored(vault, 'mbx_1', token('SECRET'), 'absent');
    keys.rotate();
    keys.destroy('old');
    const error = await vault.read('mbx_1').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TokenVaultError && error.reason === 'unreadable');
    assert.match(error.message, /mbx_1 .* key old, .*restore the key ring, or sign this mailbox in again/);
    assert.doesNotMatch(inspect(error, { depth: 9 }), /SECRET/);
    await stored(vault, 'mbx_1', token('signed in again'), error.version ?? '');
    assert.equal((await vault.read('mbx_1'))?.refreshToken, 'signed in again');
  });

  it('is busy while the table throttles', async () => {
    const { keys, table } = setUp();
    const throttled = Object.assign(new Error('no'), { name: 'ProvisionedThroughputExceededException' });
    const busyTable: Table = { ...table, get: () => Promise.reject(throttled), write: () => Promise.reject(throttled) };
    const vault = envelopeTokenVault(busyTable, keys);
    const busy = { name: 'TokenVaultError', reason: 'busy' };
    await assert.rejects(vault.read('mbx_1'), busy);
    await assert.rejects(vault.store('mbx_1', token('r1'), 'absent'), busy);
    await assert.rejects(vault.remove('mbx_1'), busy);
  });

  it('throws on what is a bug or a missing right', async () => {
    const { keys, table } = setUp();
    const refused = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    const vault = envelopeTokenVault({ ...table, get: () => Promise.reject(refused) }, keys);
    await assert.rejects(vault.read('mbx_1'), refused);
  });
});
