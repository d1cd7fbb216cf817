import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, mock } from 'node:test';
import { certificateNames } from '../../../gateway/tls/names.ts';
import { boughtPair, DAY_MS, listen, NAMES, type Office, office, visit } from './tls-support.ts';

const rootOf = ({ authority }: { readonly authority: { readonly certificate: string } | undefined }): string => {
  assert.ok(authority, 'there is no local authority');
  return authority.certificate;
};

const opensslVersion = (): string | undefined => {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
};
const skip = opensslVersion() === undefined ? 'openssl is not installed' : false;

const inFolder = ({ folder }: Office, name: string): string => join(folder, name);

describe('the certificate that the gateway makes', () => {
  it('is trusted, by name and by address, by a device that was given the root and nothing else', async () => {
    await using place = office();
    const certificates = await place.start();
    await using server = await listen(certificates, 'modern');
    for (const name of ['gateway.office.example', 'localhost']) {
      const socket = await visit(server, rootOf(certificates.current()), name);
      assert.equal(socket.authorized, true);
      socket.destroy();
    }
    const byAddress = await visit(server, rootOf(certificates.current()), '');
    assert.equal(byAddress.authorized, true);
    byAddress.destroy();
    await assert.rejects(visit(server, rootOf(certificates.current()), 'bank.example'), /altnames/);
    await assert.rejects(visit(server, undefined, 'localhost'), /unable to (get|verify)/);
  });

  it('is what old devices can read: RSA 2048 and SHA-256, 397 days; the root 10 years, for no further authority', {
    skip,
  }, async () => {
    await using place = office();
    const served = (await place.start()).current();
    writeFileSync(inFolder(place, 'root.crt'), rootOf(served));
    writeFileSync(inFolder(place, 'server.crt'), served.certificate);
    const openssl = (...options: string[]): string =>
      execFileSync('openssl', options, { cwd: place.folder, encoding: 'utf8' });
    const verified = openssl('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'root.crt', 'server.crt');
    assert.equal(verified, 'server.crt: OK\n');

    const root = openssl('x509', '-in', 'root.crt', '-noout', '-text');
    assert.match(root, /Subject: CN = MFP gateway gateway.office.example local CA/);
    assert.match(root, /Public-Key: \(2048 bit\)/);
    assert.match(root, /critical\s+CA:TRUE, pathlen:0/);
    const { validFromDate, validToDate } = new X509Certificate(rootOf(served));
    assert.equal(Math.round((validToDate.getTime() - validFromDate.getTime()) / DAY_MS / 365), 10);

    const server = openssl('x509', '-in', 'server.crt', '-noout', '-text');
    assert.match(server, /Signature Algorithm: sha256WithRSAEncryption/);
    assert.match(server, /Public-Key: \(2048 bit\)/);
    assert.match(server, /critical\s+CA:FALSE/);
    assert.match(server, /critical\s+Digital Signature, Key Encipherment/);
    assert.match(server, /TLS Web Server Authentication/);
    assert.match(
      server,
      /DNS:gateway.office.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n/,
    );
    assert.equal(served.notAfter - served.notBefore, 397 * 86_400);
    assert.equal(served.notBefore, Math.floor(place.clock.now() / 1000) - 86_400);
  });

  it('lies with its key where only the owner can read it, and nothing else stays behind', async () => {
    await using place = office();
    await place.start();
    assert.deepEqual(readdirSync(place.folder).sort(), ['local-ca.pem', 'server.pem']);
    for (const name of readdirSync(place.folder)) assert.equal(statSync(inFolder(place, name)).mode & 0o777, 0o600);
    assert.equal(statSync(place.folder).mode & 0o777, 0o700);
  });

  it("never shows the root's key", async () => {
    await using place = office();
    const certificates = await place.start();
    const [key = ''] =
      /-----BEGIN PRIVATE KEY-----[^-]+/.exec(readFileSync(inFolder(place, 'local-ca.pem'), 'utf8')) ?? [];
    assert.ok(key.length > 1000);
    assert.ok(!JSON.stringify(certificates.current()).includes(JSON.stringify(key).slice(1, -1)));
    assert.doesNotMatch(certificates.current().certificate, /PRIVATE/);
    assert.doesNotMatch(rootOf(certificates.current()), /PRIVATE/);
  });

  it('is the same after a restart', async () => {
    await using place = office();
    const { fingerprint, authority } = (await place.start()).current();
    await place.clock.advance(200 * DAY_MS);
    const again = (await place.start()).current();
    assert.equal(again.fingerprint, fingerprint);
    assert.equal(again.authority?.fingerprint, authority?.fingerprint);
  });

  it('is made anew from the same root when the machine is called otherwise', async () => {
    await using place = office();
    const before = (await place.start()).current();
    for (const names of [[...NAMES, '192.168.7.9'], NAMES.slice(0, 2), ['other.example', ...NAMES.slice(1)]]) {
      const after = (await place.start({ names })).current();
      assert.notEqual(after.fingerprint, before.fingerprint);
      assert.equal(after.authority?.fingerprint, before.authority?.fingerprint);
      const named = new X509Certificate(after.certificate).subjectAltName?.split(', ') ?? [];
      assert.equal(named.length, names.length);
    }
  });

  it('renews itself in its last third, without a restart, for whoever connects from then on', async () => {
    await using place = office(Date.now() - 265 * DAY_MS);
    const certificates = await place.start();
    await using server = await listen(certificates, 'legacy');
    const former = certificates.current();
    const root = rootOf(former);
    const early = await visit(server, root, 'localhost');
    assert.equal(early.getPeerCertificate().fingerprint256, former.fingerprint);

    await place.clock.advance(262 * DAY_MS);
    await certificates.reload();
    assert.equal(certificates.current().fingerprint, former.fingerprint, 'a third and a day are left');

    await place.clock.advance(3 * DAY_MS);
    await certificates.reload();
    const renewed = certificates.current();
    assert.notEqual(renewed.fingerprint, former.fingerprint);
    assert.equal(rootOf(renewed), root);
    assert.equal(renewed.notAfter, Math.floor(place.clock.now() / 1000) + 396 * 86_400);

    early.write('still here');
    assert.equal(String((await once(early, 'data'))[0]), 'still here');
    early.destroy();
    const late = await visit(server, root, 'localhost');
    assert.equal(late.getPeerCertificate().fingerprint256, renewed.fingerprint);
    late.destroy();
    assert.equal((await place.start()).current().fingerprint, renewed.fingerprint);
  });

  it('is looked after every half minute', async () => {
    await using place = office();
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const certificates = await place.start();
      const renewed = new Promise<string>((resolve) => certificates.onRenewal((served) => resolve(served.fingerprint)));
      await place.clock.advance(390 * DAY_MS);
      mock.timers.tick(30_000);
      assert.equal(await renewed, certificates.current().fingerprint);
    } finally {
      mock.timers.reset();
    }
  });

  it('ends no later than its root; then there are a new root and a certificate from it, and the log says so', async () => {
    await using place = office();
    const certificates = await place.start();
    const first = certificates.current();
    const end = (first.authority?.notAfter ?? 0) * 1000;
    await place.clock.advance(end - 100 * DAY_MS - place.clock.now());
    await certificates.reload();
    const last = certificates.current();
    assert.equal(rootOf(last), rootOf(first));
    assert.equal(last.notAfter * 1000, end);

    await place.clock.advance(90 * DAY_MS);
    await certificates.reload();
    assert.equal(certificates.current().fingerprint, last.fingerprint, 'a new one would end no later');
    assert.match(String(place.log.of('certificate.expires')[0]?.fields.reason), /trust a new one/);

    await place.clock.advance(10 * DAY_MS - 31_000);
    await certificates.reload();
    const anew = certificates.current();
    assert.notEqual(anew.authority?.fingerprint, first.authority?.fingerprint);
    assert.ok(anew.notAfter * 1000 > place.clock.now() + 390 * DAY_MS);
    assert.equal(new X509Certificate(anew.certificate).verify(new X509Certificate(rootOf(anew)).publicKey), true);
    assert.match(
      String(place.log.of('certificate.authority_made').at(-1)?.fields.root_certificate),
      /^-----BEGIN CERTIFICATE/,
    );
    assert.equal(place.log.of('certificate.authority_made').at(-1)?.level, 'warn');
  });
});

describe('a start of the gateway after a crash', () => {
  it('goes on from whatever was finished, and keeps the root', async () => {
    await using place = office();
    const { authority } = (await place.start()).current();
    const halves = ['', '-----BEGIN CERT', readFileSync(inFolder(place, 'server.pem'), 'utf8').slice(0, 900)];
    for (const half of halves) {
      writeFileSync(inFolder(place, 'server.pem'), half);
      writeFileSync(inFolder(place, 'server.pem.new'), half);
      writeFileSync(inFolder(place, 'local-ca.pem.new'), half);
      const served = (await place.start()).current();
      assert.equal(served.authority?.fingerprint, authority?.fingerprint);
      rmSync(inFolder(place, 'server.pem'));
      assert.equal((await place.start()).current().authority?.fingerprint, authority?.fingerprint);
    }
    rmSync(inFolder(place, 'local-ca.pem.new'));
    assert.deepEqual(readdirSync(place.folder).sort(), ['local-ca.pem', 'server.pem']);
  });

  it('never serves a certificate from another root', async () => {
    await using place = office();
    const foreign = await boughtPair(place.clock.now());
    const { authority } = (await place.start()).current();
    writeFileSync(inFolder(place, 'server.pem'), `${foreign.certificate}${foreign.key}`);
    const served = (await place.start()).current();
    assert.equal(served.authority?.fingerprint, authority?.fingerprint);
    assert.notEqual(served.certificate, foreign.certificate);
  });

  it('refuses a root that cannot be read rather than have every device trust another', async () => {
    await using place = office();
    await place.start();
    writeFileSync(inFolder(place, 'local-ca.pem'), 'torn');
    await assert.rejects(place.start(), { name: 'ConfigError', message: /local-ca\.pem.*backup; or remove it/ });
    assert.equal(readFileSync(inFolder(place, 'local-ca.pem'), 'utf8'), 'torn');
  });

  it('says in words that the folder cannot be used', async () => {
    await using place = office();
    writeFileSync(place.folder, 'a file');
    await assert.rejects(place.start(), { name: 'ConfigError', message: /cannot be kept in .*EEXIST|ENOTDIR/ });
  });

  it('serves a new certificate from memory where it cannot be written down', async () => {
    await using place = office();
    const certificates = await place.start();
    const former = certificates.current();
    mkdirSync(inFolder(place, 'server.pem.new')); // nothing of that name can be written now
    await place.clock.advance(400 * DAY_MS);
    await certificates.reload();
    assert.notEqual(certificates.current().fingerprint, former.fingerprint);
    assert.ok(certificates.current().notAfter * 1000 > place.clock.now());
    assert.equal(place.log.of('certificate.not_stored').length, 1);
  });

  it('keeps root and certificate though the clock has lost its time', async () => {
    await using place = office();
    const { fingerprint } = (await place.start()).current();
    await place.clock.advance(-20 * 365 * DAY_MS);
    assert.equal((await place.start()).current().fingerprint, fingerprint);
    assert.equal(place.log.of('certificate.not_valid_yet').length, 1);
  });

  it('gets over a first start with a clock that had not been set yet', async () => {
    await using place = office(0);
    const certificates = await place.start();
    await place.clock.advance(Date.now());
    await certificates.reload();
    const { notAfter, authority } = certificates.current();
    assert.ok(notAfter * 1000 > Date.now());
    assert.ok((authority?.notAfter ?? 0) * 1000 > Date.now());
  });
});

describe('the names in a certificate', () => {
  const spelt = (...names: string[]) => certificateNames(names);

  it('are spelt as certificates spell them, each once', () => {
    assert.deepEqual(spelt('Gateway.Office.example.', 'gateway.office.example'), ['gateway.office.example']);
    assert.deepEqual(spelt('0:0:0:0:0:0:0:1', '::1', 'fe80::1%eth0'), ['::1', 'fe80::1']);
    assert.deepEqual(spelt('büro.example', 'SCAN_PC'), ['xn--bro-hoa.example', 'scan_pc']);
  });

  it('may be digits alone, as those of containers', () => {
    assert.deepEqual(spelt('123456789012'), ['123456789012']);
  });

  it('are refused, in words, where they are none', () => {
    for (const name of ['', 'a b', '*.office.example', 'a..b', 'https://gateway', `${'a'.repeat(64)}.example`]) {
      assert.throws(() => spelt(name), { name: 'ConfigError', message: /no host name and no address/ });
    }
    assert.throws(() => spelt(), { name: 'ConfigError', message: /set at least one/ });
  });
});
