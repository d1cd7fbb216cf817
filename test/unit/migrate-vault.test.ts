import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import { migratingTokenVault } from '../../shared/adapters/vaults/migrating-token-vault.ts';
import { type TokenVault, TokenVaultError } from '../../shared/ports/token-vault.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { keys as itemKeys } from '../../shared/records/items.ts';
import { MAILBOXES_PER_SECOND, makeMigrateVault } from '../../shared/usecases/grants/migrate-vault.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';

/** Two organizations with so many mailboxes between them, and a clock that never makes anybody wait. */
const setUp = async (mailboxes = 4) => {
  const clock = manualClock();
  const slept: number[] = [];
  const impatient = {
    now: clock.now,
    async sleep(milliseconds: number) {
      slept.push(milliseconds);
      await clock.advance(milliseconds);
    },
  };
  const table = sqliteTable(openDatabase(':memory:'));
  const keys = memoryKeyRing();
  const records = brokerRecords(table, keys, clock, systemRandom);
  const tables = { from: sqliteTable(openDatabase(':memory:')), to: sqliteTable(openDatabase(':memory:')) };
  const from = envelopeTokenVault(tables.from, keys);
  const to = envelopeTokenVault(tables.to, keys);
  const ids = Array.from({ length: mailboxes }, (_, n) => `mbx_${n}`);
  for (const organizationId of ['org_1', 'org_2']) {
    await records.organizations.create({ id: organizationId, name: 'X', locale: 'en', enabled: true, createdAt: 0 });
  }
  for (const [n, id] of ids.entries()) {
    const organizationId = n % 2 === 0 ? 'org_1' : 'org_2';
    const address = `${id}@contoso.example`;
    await records.mailboxes.create({ id, organizationId, provider: 'microsoft', address, aliases: [], createdAt: 0 });
  }
  const store = async (vault: TokenVault, id: string, refreshToken: string, storedAt: number) => {
    const before = await vault.read(id);
    await vault.store(id, { refreshToken, storedAt }, before?.version ?? 'absent');
  };
  const migrate = (vaults: { from: TokenVault; to: TokenVault } = { from, to }) =>
    makeMigrateVault({ records, ...vaults, clock: impatient })();
  return { clock, slept, keys, records, table, tables, from, to, ids, store, migrate };
};

describe('migrateVault', () => {
  it('moves every token, of every organization, and says how many', async () => {
    const { from, to, ids, store, migrate } = await setUp(5);
    for (const id of ids.slice(1)) await store(from, id, `token of ${id}`, 7);
    const { mailboxes, moved, nothing, failed, signedOut } = await migrate();
    assert.deepEqual([mailboxes, moved, nothing, failed, signedOut], [5, 4, 1, [], []]);
    for (const id of ids.slice(1)) {
      assert.equal(await from.read(id), undefined);
      const { version: _version, ...token } = (await to.read(id)) ?? {};
      assert.deepEqual(token, { refreshToken: `token of ${id}`, storedAt: 7 });
    }
    assert.deepEqual((await migrate()).moved, 0);
  });

  it('keeps the newer one where both vaults hold a token', async () => {
    const { from, to, store, migrate } = await setUp(3);
    await store(from, 'mbx_0', 'newer', 9);
    await store(to, 'mbx_0', 'older', 8);
    await store(from, 'mbx_1', 'older', 8);
    await store(to, 'mbx_1', 'newer', 9);
    await store(from, 'mbx_2', 'source', 0);
    await store(to, 'mbx_2', 'newer', 0);
    await migrate();
    for (const id of ['mbx_0', 'mbx_1', 'mbx_2']) {
      assert.equal((await to.read(id))?.refreshToken, 'newer');
      assert.equal(await from.read(id), undefined);
    }
  });

  it('may die at any write, and loses nothing: the broker has the token, and the next run finishes', async () => {
    for (let atWrite = 1; ; atWrite++) {
      for (const moment of ['before', 'after'] as const) {
        const { keys, tables, from, to, ids, store, migrate } = await setUp(2);
        for (const id of ids) await store(from, id, `token of ${id}`, 7);
        const fuse = makeFuse(atWrite, moment);
        const dying = [tables.from, tables.to].map((table) => envelopeTokenVault(fuse.table(table), keys));
        const run = migrate({ from: dying[0] ?? from, to: dying[1] ?? to }).catch((error: unknown) => error);
        if (!((await run) instanceof Crash)) return assert.ok(atWrite > 4, 'two writes for each of two mailboxes');
        const broker = migratingTokenVault(from, to);
        for (const id of ids) assert.equal((await broker.read(id))?.refreshToken, `token of ${id}`);
        await migrate();
        for (const id of ids) assert.equal((await to.read(id))?.refreshToken, `token of ${id}`);
        for (const id of ids) assert.equal(await from.read(id), undefined);
      }
    }
  });

  it('deletes nothing that it cannot read back', async () => {
    const { from, to, store, migrate } = await setUp(1);
    await store(from, 'mbx_0', 'only', 7);
    const forgetful: TokenVault = { ...to, store: async () => ({ outcome: 'stored', version: 'v' }) };
    const { failed } = await migrate({ from, to: forgetful });
    assert.deepEqual(
      failed.map(({ mailbox }) => mailbox.id),
      ['mbx_0'],
    );
    assert.equal((await from.read('mbx_0'))?.refreshToken, 'only');
  });

  it('waits out a busy vault, and names at the end what it could not move, with the others moved', async () => {
    const { from, to, store, slept, migrate } = await setUp(2);
    for (const id of ['mbx_0', 'mbx_1']) await store(from, id, `token of ${id}`, 7);
    let refusals = 3;
    const throttled: TokenVault = {
      ...to,
      store: async (...given) => {
        if (refusals-- > 0) throw new TokenVaultError('busy', 'throttled');
        return to.store(...given);
      },
    };
    assert.equal((await migrate({ from, to: throttled })).moved, 2);
    assert.ok(slept.includes(4000));

    await store(from, 'mbx_0', 'again', 9);
    const lost: TokenVault = {
      ...from,
      read: () => Promise.reject(new TokenVaultError('unreadable', 'key k1 is gone')),
    };
    const { failed } = await migrate({ from: lost, to });
    assert.deepEqual(
      failed.map(({ mailbox, why }) => [mailbox.id, why]),
      [
        ['mbx_0', 'key k1 is gone'],
        ['mbx_1', 'key k1 is gone'],
      ],
    );
    assert.equal((await from.read('mbx_0'))?.refreshToken, 'again');
  });

  it('brings back nothing that a person signs out while it moves, and names what is left', async () => {
    const { table, from, to, store, migrate } = await setUp(2);
    const signedOutGrant = { state: 'signed_out', signedOutAt: 1, generation: 1, revision: 1 };
    const signOut = (id: string) => table.write({ put: { ...itemKeys.grant(id), ...signedOutGrant } });
    await store(from, 'mbx_0', 'left', 7);
    await signOut('mbx_0');
    await store(from, 'mbx_1', 'raced', 7);
    const raced: TokenVault = {
      ...to,
      async store(id, ...given) {
        await signOut(id);
        await migratingTokenVault(from, to).remove(id);
        return to.store(id, ...given);
      },
    };
    const { moved, signedOut } = await migrate({ from, to: raced });
    assert.equal(moved, 0);
    assert.deepEqual(signedOut.map(({ id }) => id).sort(), ['mbx_0', 'mbx_1']);
  });

  it('deletes the copy of a mailbox that was deleted while it moved', async () => {
    const { records, from, to, store, migrate } = await setUp(1);
    await store(from, 'mbx_0', 'r1', 7);
    const mailbox = await records.mailboxes.get('mbx_0');
    const raced: TokenVault = {
      ...to,
      async store(...given) {
        if (mailbox) await records.mailboxes.remove(mailbox);
        return to.store(...given);
      },
    };
    await migrate({ from, to: raced });
    assert.deepEqual([await from.read('mbx_0'), await to.read('mbx_0')], [undefined, undefined]);
  });

  it('counts every mailbox, though several are under way at once', async () => {
    const { from, to, ids, store, migrate } = await setUp(20);
    for (const id of ids) await store(from, id, 'r', 7);
    let underWay = 0;
    let most = 0;
    const slow: TokenVault = {
      ...from,
      async read(id) {
        most = Math.max(most, ++underWay);
        for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
        underWay--;
        return from.read(id);
      },
    };
    const { mailboxes, moved } = await migrate({ from: slow, to });
    assert.ok(most > 1);
    assert.deepEqual([mailboxes, moved], [20, 20]);
  });

  it('leaves more than half of 50 writes a second to the broker', async () => {
    const { clock, from, ids, store, migrate } = await setUp(60);
    for (const id of ids) await store(from, id, 'r', 7);
    const startedAt = clock.now();
    await migrate();
    const perSecond = ids.length / ((clock.now() - startedAt) / 1000);
    assert.ok(perSecond < 12, `${perSecond} a second`);
    assert.ok(MAILBOXES_PER_SECOND * 2 < 25);
  });
});
