import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { migratingTokenVault } from '../../shared/adapters/vaults/migrating-token-vault.ts';
import { type TokenVault, TokenVaultError } from '../../shared/ports/token-vault.ts';
import { during } from './during.ts';
import { betweenVaults, STORED_AT, stored, token } from './vaults.ts';

/** What the migrator does, in one go. */
const copy = async (from: TokenVault, to: TokenVault): Promise<void> => {
  const found = await from.read('g');
  if (found) await stored(to, 'g', token(found.refreshToken, found.previousRefreshToken, found.storedAt), 'absent');
};

for (const direction of ['to_envelopes', 'to_secrets'] as const) {
  describe(`migratingTokenVault ${direction.replace('_', ' ')}`, () => {
    const start = betweenVaults(direction);

    it('reads what only the source holds, and stores over it in the target', async (t) => {
      const { vault, from, to } = during(t, await start());
      await stored(from, 'g', token('r1', 'r0'), 'absent');
      const found = await vault.read('g');
      assert.deepEqual(found, { ...token('r1', 'r0'), version: found?.version });
      await stored(vault, 'g', token('r2', 'r1', STORED_AT + 1), found?.version ?? '');
      assert.equal((await vault.read('g'))?.refreshToken, 'r2');
      assert.equal((await to.read('g'))?.refreshToken, 'r2');
      assert.equal((await from.read('g'))?.refreshToken, 'r1', 'the migrator takes it away');
    });

    it('takes the token that was stored later, and the target where both were stored at once', async (t) => {
      const { vault, from, to } = during(t, await start());
      const inSource = await stored(from, 'g', token('source', undefined, 20), 'absent');
      const inTarget = await stored(to, 'g', token('target', undefined, 10), 'absent');
      assert.equal((await vault.read('g'))?.refreshToken, 'source');
      const later = await stored(to, 'g', token('target', undefined, 20), inTarget);
      assert.equal((await vault.read('g'))?.refreshToken, 'target');
      await stored(to, 'g', token('target', undefined, 30), later);
      await stored(from, 'g', token('source', undefined, 29), inSource);
      assert.equal((await vault.read('g'))?.refreshToken, 'target');
    });

    it('stores although the very token it replaces was copied in the middle', async (t) => {
      const { vault, from, to } = during(t, await start());
      await stored(from, 'g', token('r1'), 'absent');
      const { version = '' } = (await vault.read('g')) ?? {};
      const raced: TokenVault = {
        ...to,
        async store(...given) {
          if ((await to.read('g')) === undefined) await copy(from, to);
          return to.store(...given);
        },
      };
      await stored(migratingTokenVault(from, raced), 'g', token('r2', 'r1', STORED_AT + 9), version);
      assert.equal((await vault.read('g'))?.refreshToken, 'r2');
    });

    it('finds a token that moves between its look into the one vault and into the other', async (t) => {
      const { from, to } = during(t, await start());
      await stored(from, 'g', token('r1'), 'absent');
      let looks = 0;
      const movingMeanwhile = (vault: TokenVault): TokenVault => ({
        ...vault,
        async read(id) {
          const found = await vault.read(id);
          if (looks++ > 0) return found;
          await copy(from, to);
          await from.remove('g');
          return found;
        },
      });
      const vault = migratingTokenVault(movingMeanwhile(from), movingMeanwhile(to));
      assert.equal((await vault.read('g'))?.refreshToken, 'r1');
      assert.equal(looks, 2);
    });

    it('lets what it stores count, also by a clock that is behind', async (t) => {
      const { vault, from } = during(t, await start());
      await stored(from, 'g', token('r1', undefined, STORED_AT), 'absent');
      const { version = '' } = (await vault.read('g')) ?? {};
      await stored(vault, 'g', token('r2', 'r1', STORED_AT - 60), version);
      assert.equal((await vault.read('g'))?.refreshToken, 'r2');
    });

    it('removes from both', async (t) => {
      const { vault, from, to } = during(t, await start());
      await stored(from, 'g', token('r1'), 'absent');
      await stored(to, 'g', token('r2'), 'absent');
      await vault.remove('g');
      assert.deepEqual([await from.read('g'), await to.read('g')], [undefined, undefined]);
    });

    it('promises as many stores a day as the target does', async (t) => {
      const { vault, to } = during(t, await start());
      assert.equal(vault.storesPerDay, to.storesPerDay);
    });
  });
}

describe('migratingTokenVault', () => {
  const unreadable = new TokenVaultError('unreadable', 'the refresh token of g is lost', { version: 'v' });

  it('passes on what is unreadable, so that a new sign-in stores over it', async (t) => {
    const { to } = during(t, await betweenVaults('to_secrets')());
    const from: TokenVault = { ...to, read: () => Promise.reject(unreadable) };
    const vault = migratingTokenVault(from, to);
    const error = await vault.read('g').catch((thrown: unknown) => thrown);
    assert.ok(error instanceof TokenVaultError && error.reason === 'unreadable');
    await stored(vault, 'g', token('signed in again'), error.version ?? '');
    assert.equal((await vault.read('g'))?.refreshToken, 'signed in again');
  });

  it('gives no older token while one of the two is busy', async (t) => {
    const { from, to } = during(t, await betweenVaults('to_envelopes')());
    await stored(from, 'g', token('r1'), 'absent');
    const busy = new TokenVaultError('busy', 'throttled');
    const failing = (vault: TokenVault): TokenVault => ({ ...vault, read: () => Promise.reject(busy) });
    await assert.rejects(migratingTokenVault(from, failing(to)).read('g'), busy);
    await assert.rejects(migratingTokenVault(failing(from), to).read('g'), busy);
  });
});
