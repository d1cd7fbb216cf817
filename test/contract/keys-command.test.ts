import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { fileKeyRing } from '../../shared/adapters/key-ring/file-key-ring.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import { brokerRecords } from '../../shared/records/index.ts';

const KEYS = fileURLToPath(new URL('../../scripts/keys.ts', import.meta.url));

/** The command over one data folder, while this process plays the broker that runs on it. */
describe('npm run keys', () => {
  let folder: string;
  const ringFile = () => join(folder, 'keys', 'refresh-tokens.json');
  const ring = () => parseKeySet(readFileSync(ringFile(), 'utf8'), 'the file');

  const start = (...args: string[]) => {
    const env = { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1', BROKER_DATA_DIR: folder };
    const child = spawn(process.execPath, [KEYS, ...args], { env });
    const shown = { text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        shown.text += text;
      });
    }
    return { child, shown, closed: once(child, 'close') };
  };

  const keys = async (...args: string[]) => {
    const { shown, closed } = start(...args);
    const [code] = await closed;
    return { code, said: shown.text };
  };

  const setUp = () => {
    const table = sqliteTable(openDatabase(join(folder, 'broker.sqlite')));
    const vault = envelopeTokenVault(table, fileKeyRing(ringFile()));
    const records = brokerRecords(table, fileKeyRing(join(folder, 'keys', 'access-tokens.json')), clock, systemRandom);
    return { table, vault, records };
  };
  let broker: ReturnType<typeof setUp>;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keys-'));
    broker = setUp();
    await broker.records.organizations.create({ id: 'org', name: 'X', locale: 'en', enabled: true, createdAt: 0 });
    for (const id of ['mbx_1', 'mbx_2']) {
      const address = `${id}@contoso.example`;
      const mailbox = { id, organizationId: 'org', provider: 'google', address, aliases: [], createdAt: 0 } as const;
      await broker.records.mailboxes.create(mailbox);
      await broker.vault.store(id, { refreshToken: `token of ${id}`, storedAt: 1 }, 'absent');
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  let first: string;

  it('shows the keys, and how many mailboxes need each', async () => {
    first = ring().current;
    const { code, said } = await keys('status');
    assert.equal(code, 0);
    assert.match(said, new RegExp(`^refresh-tokens\\n  ${first}  current  needed by 2 mailboxes$`, 'm'));
  });

  it('takes a new key into use while the broker runs, in two steps that survive a kill between them', async () => {
    const killed = start('rotate', 'refresh-tokens');
    while (!killed.shown.text.includes('it seals in 3 seconds')) await sleep(20);
    killed.child.kill('SIGKILL');
    await killed.closed;
    const { current, next, keys: held } = ring();
    assert.deepEqual([current, held.size], [first, 2], 'added, and not sealing yet');
    assert.match((await keys('status')).said, new RegExp(`^  ${next?.keyId}  next  needed by 0 mailboxes$`, 'm'));

    const { code, said } = await keys('rotate', 'refresh-tokens');
    assert.equal(code, 0, said);
    assert.equal(ring().current, next?.keyId, 'the same key: nothing begins anew');
    assert.equal(ring().keys.size, 2);
    assert.equal(statSync(ringFile()).mode & 0o777, 0o600);
    await sleep(1_100);
    await broker.vault.store(
      'mbx_1',
      { refreshToken: 'r2', storedAt: 2 },
      (await broker.vault.read('mbx_1'))?.version ?? '',
    );
    const { said: status } = await keys('status');
    assert.match(status, new RegExp(`^  ${first}  older  needed by 1 mailbox$`, 'm'));
    assert.match(status, new RegExp(`^  ${next?.keyId}  current  needed by 1 mailbox$`, 'm'));
  });

  it('refuses to retire the current key, one that was current a moment ago, one that is needed, and an unknown one', async () => {
    const refused = async (why: RegExp, ...args: string[]) => {
      const { code, said } = await keys('retire', ...args);
      assert.equal(code, 1);
      assert.match(said, why);
    };
    await refused(/stays: it is the current one\nhint: npm run keys -- rotate/, ring().current);
    await refused(/stays: no ring holds it/, 'k-unknown');
    if ((await keys('retire', first)).said.includes('a moment ago')) await sleep(3_000);
    await refused(/stays: 1 mailbox needs it\nhint: npm run keys -- reseal/, first);
    assert.ok(ring().keys.has(first));
  });

  it('seals anew what older keys sealed, and retires the key then', async () => {
    assert.match((await keys('reseal')).said, /1 token sealed anew/);
    const { code, said } = await keys('retire', first);
    assert.equal(code, 0, said);
    assert.deepEqual([...ring().keys.keys()], [ring().current]);
    for (const id of ['mbx_1', 'mbx_2']) assert.ok(await broker.vault.read(id));
  });

  it('names every mailbox that must be signed in again when its key is gone', async () => {
    const lost = ring().current;
    rmSync(ringFile());
    const gone = await keys('status');
    assert.equal(gone.code, 1);
    assert.match(
      gone.said,
      new RegExp(`${lost}  MISSING  needed by 2 mailboxes; restore .*sign these mailboxes in again`),
    );
    assert.match(gone.said, /mbx_1 {2}mbx_1@contoso\.example\n\s+mbx_2 {2}mbx_2@contoso\.example/);
    // A broker that starts now makes a new ring, whose key has another name.
    const restarted = setUp();
    await assert.rejects(restarted.vault.read('mbx_1'), {
      reason: 'unreadable',
      message: new RegExp(`mbx_1 is sealed under the key ${lost}, which is gone`),
    });
    assert.match((await keys('status')).said, new RegExp(`${lost}  MISSING  needed by 2 mailboxes`));
  });

  it('gives up a key that is needed only by force, and names what is lost', async () => {
    const { vault } = setUp();
    const error = await vault.read('mbx_1').catch((thrown: { version: string }) => thrown);
    await vault.store('mbx_1', { refreshToken: 'anew', storedAt: 3 }, (error as { version: string }).version);
    const needed = ring().current;
    assert.equal((await keys('rotate', 'refresh-tokens')).code, 0);
    const { code, said } = await keys('retire', 'refresh-tokens', needed, '--force');
    assert.equal(code, 0, said);
    assert.match(said, /1 mailbox needed it; restore .*\n\s+mbx_1 {2}mbx_1@contoso\.example/);
    assert.ok(!ring().keys.has(needed));
  });

  it('says what it understands, and where it finds no data', async () => {
    assert.match((await keys('turn')).said, /^error: Say status, .*\nhint: npm run keys -- status/);
    const empty = mkdtempSync(join(tmpdir(), 'keys-'));
    const before = folder;
    folder = empty;
    const { code, said } = await keys('status');
    folder = before;
    assert.equal(code, 2);
    assert.match(said, /^error: .* holds no broker's data; set BROKER_DATA_DIR/);
    assert.ok(!existsSync(join(empty, 'broker.sqlite')));
    rmSync(empty, { recursive: true });
  });
});
