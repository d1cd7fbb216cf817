import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { generate } from 'selfsigned';
import type { Certificates } from '../../../gateway/tls/certificates.ts';
import { checkPair, type Pair } from '../../../gateway/tls/pair.ts';
import { boughtPair, DAY_MS, type Office, office } from './tls-support.ts';

const NOW = Date.UTC(2026, 11, 1);

const encrypted = (key: KeyObject): string =>
  key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'made up' }).toString();

describe("the operator's own certificate", () => {
  let good: Pair;
  let next: Pair;
  let expired: Pair;
  let later: Pair;
  before(async () => {
    good = await boughtPair(NOW - 100 * DAY_MS);
    next = await boughtPair(NOW);
    expired = await boughtPair(NOW - 400 * DAY_MS);
    later = await boughtPair(NOW + 10 * DAY_MS);
  });

  const started = async (place: Office, pair: Pair): Promise<Certificates> => {
    place.put(pair);
    return place.start({ own: true });
  };

  it('is served as it is, and no local authority is made', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    assert.equal(certificates.current().certificate, good.certificate);
    assert.equal(certificates.current().authority, undefined);
    assert.equal(existsSync(place.folder), false);
  });

  it('is served with its chain, and without whatever else lies in the files', async () => {
    await using place = office(NOW);
    const both = `${good.certificate}${next.certificate}`;
    const { certificate, key } = (
      await started(place, { certificate: `${both}${good.key}`, key: `${good.key}${both}` })
    ).current();
    assert.equal(certificate, both);
    assert.doesNotMatch(key, /CERTIFICATE/);
  });

  const refusals: readonly (readonly [
    what: string,
    pair: () => Partial<Pair> | Promise<Partial<Pair>>,
    says: RegExp,
  ])[] = [
    [
      'a file that is not there',
      () => ({ certificate: good.certificate }),
      /own\.key cannot be read \(ENOENT\); check the path/,
    ],
    [
      'the key of another certificate',
      () => ({ ...good, key: next.key }),
      /key does not belong to the certificate; set the two/,
    ],
    ['one that has expired', () => expired, /expired on 2026-11-\d\dT.*; have it renewed, or remove the setting/],
    [
      'a chain in the wrong order',
      () => ({ certificate: `${next.certificate}${good.certificate}`, key: good.key }),
      /not the first in its file; put it first/,
    ],
    [
      'a key with a passphrase',
      () => ({ ...good, key: encrypted(createPrivateKey(good.key)) }),
      /passphrase; store it without one/,
    ],
    ['what is no certificate', () => ({ ...good, certificate: '\u0000\u0001' }), /no certificate in PEM; convert it/],
    ['what is no key', () => ({ ...good, key: good.certificate }), /no private key in PEM; convert it/],
    ['half a certificate', () => ({ ...good, certificate: good.certificate.slice(0, 600) }), /no certificate in PEM/],
    [
      'a chain that is cut off',
      () => ({
        ...good,
        certificate: `${good.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      }),
      /no certificate in PEM/,
    ],
    [
      'a key that is too short for TLS',
      async () => {
        const { private: key, cert: certificate } = await generate(undefined, { keySize: 1024, algorithm: 'sha256' });
        return { certificate, key };
      },
      /RSA key of 2048 bits/,
    ],
  ];

  for (const [what, pair, says] of refusals) {
    it(`ends the start, in words, with ${what}`, async () => {
      await using place = office(NOW);
      place.put(await pair());
      await assert.rejects(place.start({ own: true }), (error: Error) => {
        assert.equal(error.name, 'ConfigError');
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /PRIVATE|BEGIN/);
        return true;
      });
    });
  }

  it('may have a key on an elliptic curve', async () => {
    const { private: key, cert: certificate } = await generate(undefined, { keyType: 'ec' });
    assert.equal(checkPair({ certificate, key }).ok, true);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.equal(
      checkPair({ certificate, key: privateKey.export({ type: 'sec1', format: 'pem' }).toString() }).ok,
      false,
    );
  });

  it('starts before its time, since the clock may be wrong, and says so', async () => {
    await using place = office(NOW);
    const certificates = await started(place, later);
    assert.equal(certificates.current().certificate, later.certificate);
    assert.match(String(place.log.of('certificate.not_valid_yet')[0]?.fields.remedy), /clock/);
  });

  it('is said to be open where others can read its key', { skip: process.platform === 'win32' }, async () => {
    await using place = office(NOW);
    await started(place, good);
    assert.equal(place.log.of('certificate.key_open_to_others').length, 0);
    chmodSync(place.own.keyFile, 0o644);
    await place.start({ own: true });
    assert.equal(place.log.of('certificate.key_open_to_others').length, 1);
  });

  it('is exchanged once both files are new; until then the former serves, and the log says why, once', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    const heard: string[] = [];
    const stop = certificates.onRenewal(({ certificate }) => heard.push(certificate));
    const halves: readonly Partial<Pair>[] = [
      { certificate: next.certificate.slice(0, 700) },
      { certificate: next.certificate },
      { key: next.key.slice(0, 700) },
    ];
    for (const half of halves) {
      place.put(half);
      await certificates.reload();
      await certificates.reload();
      assert.equal(certificates.current().certificate, good.certificate);
    }
    assert.equal(place.log.of('certificate.former_kept').length, halves.length);
    place.put(next);
    await certificates.reload();
    await certificates.reload();
    assert.equal(certificates.current().certificate, next.certificate);
    assert.deepEqual(heard, [next.certificate]);
    stop();
    place.put(good);
    await certificates.reload();
    assert.equal(certificates.current().certificate, good.certificate);
    assert.equal(heard.length, 1);
  });

  it('is not exchanged for one that has expired, or is not valid yet, until it is', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    for (const worse of [expired, later]) {
      place.put(worse);
      await certificates.reload();
      assert.equal(certificates.current().certificate, good.certificate);
    }
    await place.clock.advance(10 * DAY_MS);
    await certificates.reload();
    assert.equal(certificates.current().certificate, later.certificate);
  });

  it('serves on though its files are gone', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    rmSync(place.own.certificateFile);
    await certificates.reload();
    assert.equal(certificates.current().certificate, good.certificate);
  });

  it('is spoken of in the log from two weeks before its end, once, and once when it has ended', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    const left = certificates.current().notAfter * 1000 - NOW;
    const reasons = () => place.log.of('certificate.expires').map(({ fields }) => String(fields.reason));
    await place.clock.advance(left - 15 * DAY_MS);
    await certificates.reload();
    assert.deepEqual(reasons(), []);
    await place.clock.advance(2 * DAY_MS);
    await certificates.reload();
    await certificates.reload();
    assert.equal(reasons().length, 1);
    await place.clock.advance(14 * DAY_MS);
    await certificates.reload();
    await certificates.reload();
    assert.equal(reasons().length, 2);
    assert.match(reasons()[1] ?? '', /expired on/);
  });

  it('is taken up by every listener though one of them fails', async () => {
    await using place = office(NOW);
    const certificates = await started(place, good);
    const heard: string[] = [];
    certificates.onRenewal(() => {
      throw new Error('a listener that is broken');
    });
    certificates.onRenewal(({ fingerprint }) => heard.push(fingerprint));
    place.put(next);
    await certificates.reload();
    assert.equal(heard.length, 1);
    assert.equal(place.log.of('certificate.not_taken_up').length, 1);
  });

  it('is, whatever happens to its files, never one that does not fit, nor an expired one while a valid one lies there', async () => {
    const pool = [good, next, expired, later];
    const part = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.nat({ max: pool.length - 1 }).map((index) => ({ index, length: Number.POSITIVE_INFINITY })),
      },
      { weight: 1, arbitrary: fc.record({ index: fc.nat({ max: pool.length - 1 }), length: fc.nat({ max: 1500 }) }) },
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constant('certificate' as const), part }),
      fc.record({ kind: fc.constant('key' as const), part }),
      fc.record({ kind: fc.constant('both' as const), index: fc.nat({ max: pool.length - 1 }) }),
      fc.record({ kind: fc.constant('time' as const), days: fc.integer({ min: -60, max: 250 }) }),
    );
    const world = async (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
      await using place = office(NOW);
      const certificates = await started(place, good);
      const there: { certificate: string; key: string } = { ...good };
      for (const one of steps) {
        if (one.kind === 'time') await place.clock.advance(one.days * DAY_MS);
        else if (one.kind === 'both') Object.assign(there, pool[one.index]);
        else there[one.kind] = (pool[one.part.index]?.[one.kind] ?? '').slice(0, one.part.length);
        place.put(there);
        const before = certificates.current();
        await certificates.reload();
        const now = Math.floor(place.clock.now() / 1000);
        const served = certificates.current();
        assert.equal(checkPair(served).ok, true);
        const found = checkPair(there);
        if (found.ok && found.value.notBefore <= now && found.value.notAfter > now) {
          assert.equal(served.fingerprint, found.value.fingerprint);
        } else if (before.notBefore <= now && before.notAfter > now) {
          assert.equal(served.fingerprint, before.fingerprint);
        }
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), world), { numRuns: 60 });
  });
});
