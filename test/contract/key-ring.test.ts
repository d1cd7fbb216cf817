import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { fileKeyCustody } from '../../shared/adapters/key-ring/file-key-custody.ts';
import { fileKeyRing } from '../../shared/adapters/key-ring/file-key-ring.ts';
import { keyRingOf, sharedReading } from '../../shared/adapters/key-ring/key-ring-of.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { secretsManagerKeyCustody } from '../../shared/adapters/secrets-manager/secrets-manager-key-custody.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import type { KeyCustody } from '../../shared/ports/key-custody.ts';
import { type KeyRing, KeyRingError, keyNamedBy } from '../../shared/ports/key-ring.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { makeGate } from '../fakes/gate.ts';
import { type ManualClock, manualClock } from '../fakes/manual-clock.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';
import { during } from './during.ts';

interface Started {
  /** A ring of a process that starts now. */
  newRing(): KeyRing;
  /** Where an operator changes it. */
  custody(): KeyCustody;
  readonly clock: ManualClock;
  /** Replaces what the ring's file or secret holds. */
  replace(stored: string): Promise<void>;
  close(): Promise<void>;
}

const aKey = () => randomBytes(32).toString('base64');
const bytesOf = (sealed: string) => Buffer.from(sealed.slice(sealed.indexOf('.') + 1), 'base64url');
const ringText = (current: string, keys: Record<string, string>) => JSON.stringify({ current, keys });

const inFile = async (): Promise<Started> => {
  const folder = await mkdtemp(join(tmpdir(), 'key-ring-'));
  const path = join(folder, 'keys.json');
  const clock = manualClock();
  return {
    clock,
    newRing: () => fileKeyRing(path, clock),
    custody: () => fileKeyCustody(path),
    replace: (stored) => writeFile(path, stored, { mode: 0o600 }),
    close: () => rm(folder, { recursive: true }),
  };
};

const inSecretsManager = async () => {
  const clock = manualClock();
  let requests = 0;
  let isFailing = false;
  const emulator = await startSecretsManager({
    injectFault({ operation }) {
      if (operation !== 'GetSecretValue') return undefined;
      requests++;
      return isFailing ? { status: 400, body: { __type: 'AccessDeniedException', message: 'no' } } : undefined;
    },
  });
  const client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  await client.send(new CreateSecretCommand({ Name: 'ring', SecretString: ringText('k1', { k1: aKey() }) }));
  return {
    clock,
    newRing: () => secretsManagerKeyRing(client, { secretId: 'ring', clock }),
    custody: () => secretsManagerKeyCustody(client, 'ring'),
    async replace(stored: string) {
      await client.send(new PutSecretValueCommand({ SecretId: 'ring', SecretString: stored }));
    },
    delete: () => client.send(new DeleteSecretCommand({ SecretId: 'ring', ForceDeleteWithoutRecovery: true })),
    requests: () => requests,
    fail(failing: boolean) {
      isFailing = failing;
    },
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

const contract = (start: () => Promise<Started>) => () => {
  let started: Started;
  let ring: KeyRing;
  before(async () => {
    started = await start();
    ring = started.newRing();
  });
  after(() => started.close());

  it('opens what it sealed, in this process and in the next', async () => {
    for (const plaintext of ['', 'token', 'Schlüssel 鍵 🔑 \u0000', 'x'.repeat(100_000)]) {
      const sealed = await ring.seal(plaintext, 'context');
      assert.equal(await ring.open(sealed, 'context'), plaintext);
      assert.equal(await started.newRing().open(sealed, 'context'), plaintext);
    }
  });

  it('names its key in the sealed text, hides the plaintext, and never seals twice alike', async () => {
    const [one, two] = [await ring.seal('plaintext', 'c'), await ring.seal('plaintext', 'c')];
    assert.match(one, /^k[0-9a-f]*\.[A-Za-z0-9_-]+$/);
    assert.notEqual(one, two);
    assert.ok(!bytesOf(one).includes('plaintext'));
    assert.equal(bytesOf(one).length, 12 + 16 + 'plaintext'.length);
  });

  it('does not open in another context', async () => {
    const sealed = await ring.seal('token', 'grant#1');
    for (const context of ['grant#2', 'grant#', '', 'grant#1 ']) {
      await assert.rejects(ring.open(sealed, context), KeyRingError);
    }
  });

  it('does not open when any byte was changed, cut off or added', async () => {
    const sealed = await ring.seal('token', 'c');
    const bytes = bytesOf(sealed);
    const asText = (changed: Uint8Array) => `${keyNamedBy(sealed)}.${Buffer.from(changed).toString('base64url')}`;
    assert.equal(await ring.open(asText(bytes), 'c'), 'token');
    for (let n = 0; n < bytes.length; n++) {
      const flipped = Uint8Array.from(bytes, (byte, at) => (at === n ? byte ^ 1 : byte));
      await assert.rejects(ring.open(asText(flipped), 'c'), KeyRingError);
      await assert.rejects(ring.open(asText(bytes.subarray(0, n)), 'c'), KeyRingError);
    }
    await assert.rejects(ring.open(asText(Buffer.concat([bytes, Buffer.alloc(1)])), 'c'), KeyRingError);
  });

  it('does not open what is no sealed text, or names a key that it does not hold', async () => {
    for (const text of [
      '',
      'k1',
      'k1.',
      '.abc',
      'plain text',
      'k1.a b',
      `${keyNamedBy(await ring.seal('', 'c'))}.YWJj`,
    ]) {
      await assert.rejects(ring.open(text, 'c'), KeyRingError);
    }
    const sealed = await ring.seal('token', 'c');
    await assert.rejects(ring.open(sealed.replace(/^\w+/, 'k9'), 'c'), {
      reason: 'key_gone',
      keyId: 'k9',
      message: /no key named k9/,
    });
    await assert.rejects(ring.open(sealed, 'another'), { reason: 'altered', keyId: keyNamedBy(sealed) });
  });

  it('seals with the current key after a rotation, and still opens what older keys sealed', async () => {
    const [k1, k2] = [aKey(), aKey()];
    await started.replace(ringText('k1', { k1 }));
    const old = await started.newRing().seal('old', 'c');
    const known = started.newRing();
    assert.equal(await known.open(old, 'c'), 'old');
    await started.replace(ringText('k2', { k1, k2 }));
    const fresh = await started.newRing().seal('new', 'c');
    assert.match(fresh, /^k2\./);
    assert.equal(await started.newRing().open(old, 'c'), 'old');
    assert.equal(await known.open(fresh, 'c'), 'new', 'a ring that did not know the new key reads again');
    await started.replace(ringText('k2', { k2 }));
    await assert.rejects(started.newRing().open(old, 'c'), KeyRingError);
  });

  it('knows what the current key sealed, and looks again before it calls anything old', async () => {
    const [k1, k2] = [aKey(), aKey()];
    await started.replace(ringText('k1', { k1 }));
    const known = started.newRing();
    const old = await known.seal('old', 'c');
    assert.equal(await known.isCurrent(old), true);
    await started.replace(ringText('k2', { k1, k2 }));
    const fresh = await started.newRing().seal('new', 'c');
    assert.equal(await known.isCurrent(fresh), true, 'a ring behind the times');
    assert.equal(await known.isCurrent(old), false);
  });

  it('lets an operator add a key, make it current, and remove the old one, each once', async () => {
    await started.replace(ringText('k1', { k1: aKey() }));
    const custody = started.custody();
    const old = await started.newRing().seal('old', 'c');
    const added = await custody.addNext(100);
    const next = added.next?.keyId ?? '';
    assert.deepEqual(added, { current: 'k1', currentSince: 0, all: ['k1', next], next: { keyId: next, addedAt: 100 } });
    assert.deepEqual(await custody.addNext(200), added, 'the rotation that is under way goes on');
    assert.equal(keyNamedBy(await started.newRing().seal('x', 'c')), 'k1');
    assert.deepEqual(await custody.makeCurrent('k1', 300), added);
    const rotated = { current: next, currentSince: 400, all: ['k1', next], next: undefined };
    assert.deepEqual(await custody.makeCurrent(next, 400), rotated);
    const ring = started.newRing();
    assert.equal(keyNamedBy(await ring.seal('x', 'c')), next);
    assert.equal(await ring.open(old, 'c'), 'old');
    assert.deepEqual(await custody.remove(next), rotated, 'never the current one');
    assert.deepEqual(await custody.remove('k1'), { ...rotated, all: [next] });
    assert.deepEqual(await custody.names(), { ...rotated, all: [next] });
    await assert.rejects(started.newRing().open(old, 'c'), { reason: 'key_gone', keyId: 'k1' });
  });

  it('loses no key when operators rotate at once', async () => {
    await started.replace(ringText('k1', { k1: aKey() }));
    const added = await Promise.all(Array.from({ length: 4 }, () => started.custody().addNext(1)));
    assert.equal(new Set(added.map(({ next }) => next?.keyId)).size, 1);
    assert.equal((await started.custody().names()).all.length, 2);
  });

  it('has every ring hold a new key within the time that a rotation waits', async () => {
    await started.replace(ringText('k1', { k1: aKey() }));
    const [known, custody] = [started.newRing(), started.custody()];
    await known.seal('x', 'c');
    const { next } = await custody.addNext(1);
    await custody.makeCurrent(next?.keyId ?? '', 2);
    await started.clock.advance(custody.uptakeSeconds * 1000);
    assert.equal(keyNamedBy(await known.seal('x', 'c')), next?.keyId);
  });

  it('says what is malformed without quoting it', async () => {
    const secret = aKey();
    const malformed = [
      secret,
      '[]',
      'null',
      JSON.stringify({ current: 'k1' }),
      ringText('k2', { k1: secret }),
      ringText('k1', { k1: secret.slice(4) }),
      ringText('k.1', { 'k.1': secret }),
    ];
    for (const stored of malformed) {
      await started.replace(stored);
      await assert.rejects(started.newRing().seal('x', 'c'), (error: Error) => {
        assert.match(error.message, /key ring in .* is malformed/);
        assert.ok(!error.message.includes(secret.slice(4, 20)));
        return error instanceof KeyRingError;
      });
    }
  });
};

describe('keyRingOf', () => {
  it('opens what was sealed under a key that was added while the ring was being read for somebody else', async () => {
    const k1 = aKey();
    const before = parseKeySet(ringText('k1', { k1 }), 'the test');
    const after = parseKeySet(ringText('k2', { k1, k2: aKey() }), 'the test');
    let now = before;
    let readings = 0;
    const gate = makeGate();
    const { joined, fresh } = sharedReading(async () => {
      readings++;
      const read = now;
      await gate.pass();
      return read;
    });
    const ring = keyRingOf({ load: async () => before, reload: fresh });
    gate.close();
    const early = [joined(), joined()];
    now = after;
    const sealed = await keyRingOf({ load: async () => after, reload: fresh }).seal('new', 'c');
    const opened = [ring.open(sealed, 'c'), ring.open(sealed, 'c')];
    await new Promise(setImmediate);
    gate.open();
    assert.deepEqual(await Promise.all(opened), ['new', 'new']);
    assert.deepEqual(await Promise.all(early), [before, before]);
    assert.equal(readings, 2, 'however many wait');
  });
});

describe('fileKeyRing', () => {
  describe('as a KeyRing', contract(inFile));

  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'key-ring-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('makes the file at first use, for its owner alone, and leaves nothing else behind', async () => {
    const path = join(folder, 'new', 'deeper', 'keys.json');
    await fileKeyRing(path).seal('x', 'c');
    if (process.platform !== 'win32') {
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await stat(join(folder, 'new'))).mode & 0o777, 0o700);
    }
    assert.deepEqual(await readdir(join(folder, 'new', 'deeper')), ['keys.json']);
    const { current, keys } = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(Buffer.from(keys[current], 'base64').length, 32);
  });

  it('makes one key when many make it at once, however their steps fall between each other', async () => {
    for (let turnsApart = 0; turnsApart < 10; turnsApart++) {
      const path = join(folder, `raced-${turnsApart}.json`);
      const sealed: Promise<string>[] = [];
      for (let n = 0; n < 20; n++) {
        sealed.push(fileKeyRing(path).seal('x', 'c'));
        for (let turn = 0; turn < turnsApart; turn++) await new Promise(setImmediate);
      }
      for (const text of sealed) assert.equal(await fileKeyRing(path).open(await text, 'c'), 'x');
    }
  });

  it('looks at the file every second, and takes a new key into use without a restart', async () => {
    const path = join(folder, 'rotated.json');
    const clock = manualClock();
    await writeFile(path, ringText('k1', { k1: aKey() }), { mode: 0o600 });
    const ring = fileKeyRing(path, clock);
    assert.match(await ring.seal('x', 'c'), /^k1\./);
    await writeFile(path, ringText('k2', { k2: aKey() }));
    await clock.advance(999);
    assert.match(await ring.seal('x', 'c'), /^k1\./);
    await clock.advance(1);
    assert.match(await ring.seal('x', 'c'), /^k2\./);
  });

  it('goes on with the keys it knows while the file is gone or makes no sense, and never makes it anew', async () => {
    const path = join(folder, 'lost.json');
    const clock = manualClock();
    const ring = fileKeyRing(path, clock);
    const sealed = await ring.seal('x', 'c');
    const kept = await readFile(path, 'utf8');
    await rm(path);
    await clock.advance(5_000);
    assert.equal(await ring.open(sealed, 'c'), 'x');
    await assert.rejects(ring.open('k9.AAAA', 'c'), { reason: 'unavailable', message: /is gone; restore it/ });
    assert.ok(!(await readdir(folder)).includes('lost.json'));
    await writeFile(path, 'half of it', { mode: 0o600 });
    await clock.advance(5_000);
    assert.equal(await ring.open(sealed, 'c'), 'x');
    await writeFile(path, kept);
    await clock.advance(5_000);
    assert.equal(await fileKeyRing(path).open(await ring.seal('y', 'c'), 'c'), 'y');
  });

  it('refuses a file that is open to others, and says how to mend it', {
    skip: process.platform === 'win32',
  }, async () => {
    const path = join(folder, 'open.json');
    const ring = fileKeyRing(path);
    await fileKeyRing(path).seal('x', 'c');
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      await chmod(path, mode);
      await assert.rejects(ring.seal('x', 'c'), { name: 'KeyRingError', message: /open to others.*hint: chmod 600/ });
    }
    await chmod(path, 0o400);
    await ring.seal('x', 'c');
  });
});

describe('secretsManagerKeyRing', () => {
  describe('as a KeyRing', contract(inSecretsManager));

  it('asks once for many, and again after five minutes', async (t) => {
    const { newRing, requests, clock } = during(t, await inSecretsManager());
    const ring = newRing();
    await Promise.all(Array.from({ length: 20 }, () => ring.seal('x', 'c')));
    await clock.advance(299_000);
    await ring.seal('x', 'c');
    assert.equal(requests(), 1);
    await clock.advance(1_000);
    await ring.seal('x', 'c');
    assert.equal(requests(), 2);
  });

  it('asks once, and no more, for a key that it does not know', async (t) => {
    const { newRing, requests } = during(t, await inSecretsManager());
    const ring = newRing();
    const unknown = (await ring.seal('x', 'c')).replace('k1.', 'k9.');
    await assert.rejects(ring.open(unknown, 'c'), KeyRingError);
    assert.equal(requests(), 2);
  });

  it('takes up a rotated key within five minutes', async (t) => {
    const { newRing, replace, clock } = during(t, await inSecretsManager());
    const ring = newRing();
    assert.match(await ring.seal('x', 'c'), /^k1\./);
    await replace(ringText('k2', { k2: aKey() }));
    await clock.advance(300_000);
    assert.match(await ring.seal('x', 'c'), /^k2\./);
  });

  it('serves known keys for an hour while Secrets Manager fails, asking twice a minute', async (t) => {
    const { newRing, requests, fail, clock } = during(t, await inSecretsManager());
    const ring = newRing();
    const sealed = await ring.seal('x', 'c');
    fail(true);
    await assert.rejects(newRing().seal('x', 'c'));
    await clock.advance(300_000);
    const before = requests();
    assert.equal(await ring.open(sealed, 'c'), 'x');
    assert.equal(await ring.open(sealed, 'c'), 'x');
    assert.equal(requests(), before + 1);
    await clock.advance(30_000);
    assert.equal(await ring.open(sealed, 'c'), 'x');
    assert.equal(requests(), before + 2);
    await clock.advance(3_270_000);
    await assert.rejects(ring.open(sealed, 'c'));
    fail(false);
    assert.equal(await ring.open(sealed, 'c'), 'x');
  });

  it('stays silent about nothing: a deleted secret is an error', async (t) => {
    const { newRing, delete: remove } = during(t, await inSecretsManager());
    await remove();
    await assert.rejects(newRing().seal('x', 'c'), { name: 'ResourceNotFoundException' });
  });
});
