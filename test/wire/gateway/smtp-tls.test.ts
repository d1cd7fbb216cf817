import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, type SecureVersion, TLSSocket } from 'node:tls';
import { testCertificate } from '../../fakes/certificate.ts';
import { helloOf } from '../../fakes/tls-hello.ts';
import {
  assertServes,
  certificate,
  connectByTls,
  connectTo,
  converse,
  SIGN_IN,
  until,
  withListener,
} from './smtp-client.ts';

/** As the profiles of a listener have it. */
const LEGACY = { ...certificate, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
const MODERN = { ...certificate, minVersion: 'TLSv1.2' } as const;

const VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });

const WHOLE = `C: EHLO printer
  S: 250 *
  C: ${SIGN_IN}
  S: 235 *
  C: MAIL FROM:<scan@office.example>
  S: 250 *
  C: RCPT TO:<anna@customer.example>
  S: 250 *
  C: DATA
  S: 354 *
  C: Subject: scan
  C: .
  S: 250 2.0.0 Accepted *
  C: QUIT
  S: 221 *`;

/** What `openssl s_client` says, which speaks for stacks other than Node's. Its own input is the session. */
const openssl = async (port: number, options: readonly string[]): Promise<string> => {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-quiet', '-ign_eof', '-crlf', ...options];
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const killer = setTimeout(() => child.kill(), 10_000);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.write(`EHLO printer\n${SIGN_IN}\nNOOP\nQUIT\n`);
  await once(child, 'close');
  clearTimeout(killer);
  return text;
};

describe('a legacy port', () => {
  for (const version of VERSIONS) {
    it(`takes mail by ${version} after STARTTLS, and says so`, () =>
      withListener({ tls: () => LEGACY }, async ({ port, intake, log, metrics }) => {
        const client = await (await connectTo(port)).startTls(only(version));
        assert.ok(client.socket instanceof TLSSocket);
        assert.equal(client.socket.getProtocol(), version);
        await client.converse(WHOLE);
        assert.equal(intake.accepted.length, 1);
        assert.equal(log.of('smtp.signed_in')[0]?.fields.tls, version);
        assert.equal(metrics.count(`handshake ${version}`), 1);
        client.close();
      }));

    it(`takes mail by ${version} from the first byte`, () =>
      withListener({ security: 'tls', tls: () => LEGACY }, async ({ port, intake, log }) => {
        const client = await connectByTls(port, only(version));
        await client.converse(`S: 220 *\n${WHOLE}`);
        assert.equal(intake.accepted.length, 1);
        assert.equal(log.of('smtp.signed_in')[0]?.fields.tls, version);
        client.close();
      }));
  }

  const flags = [
    ['-tls1', 'TLSv1'],
    ['-tls1_1', 'TLSv1.1'],
    ['-tls1_2', 'TLSv1.2'],
    ['-tls1_3', 'TLSv1.3'],
  ] as const;
  for (const [flag, version] of flags) {
    it(`serves openssl s_client ${flag}`, () =>
      withListener({ tls: () => LEGACY }, async ({ port, log }) => {
        const text = await openssl(port, ['-starttls', 'smtp', flag, '-cipher', 'ALL@SECLEVEL=0']);
        assert.match(text, /^235 2\.7\.0 /m, text);
        assert.match(text, /^221 2\.0\.0 /m, text);
        assert.equal(log.of('smtp.signed_in')[0]?.fields.tls, version);
      }));
  }
});

describe('a modern port', () => {
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    it(`refuses ${version}, and says in words what the device offered and what to do`, () =>
      withListener({ tls: () => MODERN }, async (running) => {
        const plainClient = await connectTo(running.port);
        await assert.rejects(plainClient.startTls(only(version)));
        await until(() => running.log.of('smtp.tls_failed').length === 1, 'the failure is told');
        const [failed] = running.log.of('smtp.tls_failed');
        assert.equal(failed?.level, 'warn');
        assert.equal(failed?.fields.address, '127.0.0.1');
        assert.equal(failed?.fields.offered, version);
        assert.match(String(failed?.fields.reason), /offers no version of TLS that this port takes.*older profile/);
        assert.equal(running.metrics.count('handshake failed'), 1);
        // What is said of the handshake is enough.
        assert.deepEqual(running.log.of('smtp.not_signed_in'), []);
        await assertServes(running);
      }));

    it(`refuses ${version} from the first byte in the same words`, () =>
      withListener({ security: 'tls', tls: () => MODERN }, async ({ port, log }) => {
        await assert.rejects(connectByTls(port, only(version)));
        await until(() => log.of('smtp.tls_failed').length === 1, 'the failure is told');
        assert.equal(log.of('smtp.tls_failed')[0]?.fields.offered, version);
        assert.match(String(log.of('smtp.tls_failed')[0]?.fields.reason), /offers no version/);
      }));
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`takes ${version}`, () =>
      withListener({ tls: () => MODERN }, async ({ port }) => {
        const client = await (await connectTo(port)).startTls({ minVersion: version, maxVersion: version });
        await client.converse(WHOLE);
        client.close();
      }));
  }

  for (const security of ['starttls', 'tls'] as const) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`tells, on a port for ${security}, of a device that does not trust its certificate, by ${version}`, () =>
        withListener({ security, tls: () => MODERN }, async ({ port, log }) => {
          const starttls = security === 'starttls' ? ['-starttls', 'smtp'] : [];
          const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
          await openssl(port, [...starttls, flag, '-verify_return_error']);
          await until(() => log.of('smtp.tls_failed').length === 1, 'the failure is told');
          assert.match(String(log.of('smtp.tls_failed')[0]?.fields.reason), /does not trust the gateway's certificate/);
          assert.match(String(log.of('smtp.tls_failed')[0]?.fields.error_code), /UNKNOWN_CA|BAD_CERTIFICATE/);
        }));
    }

    it(`tells, on a port for ${security}, of a device that goes without a word after the handshake`, () =>
      withListener({ security, tls: () => MODERN }, async ({ port, log }) => {
        const distrust: ConnectionOptions = { ca: [], maxVersion: 'TLSv1.2' };
        const client = security === 'tls' ? connectByTls(port, distrust) : (await connectTo(port)).startTls(distrust);
        await assert.rejects(client);
        await until(() => log.of('smtp.tls_failed').length === 1, 'the failure is told');
        assert.match(String(log.of('smtp.tls_failed')[0]?.fields.reason), /hung up.*Often it does not trust/);
      }));
  }
});

describe('STARTTLS', () => {
  it('makes the server forget who has signed in, and what has begun (RFC 3207 section 4.2)', () =>
    withListener({}, async ({ port }) => {
      const client = await connectTo(port);
      await client.converse(`S: 220 *
        C: EHLO printer
        S: 250 *
        C: ${SIGN_IN}
        S: 235 *
        C: MAIL FROM:<scan@office.example>
        S: 250 *
        C: HELP`);
      const secure = await client.startTls();
      await secure.converse(`C: MAIL FROM:<scan@office.example>
        S: 503 5.5.1 *
        C: EHLO printer
        S: 250 *
        C: MAIL FROM:<scan@office.example>
        S: 530 5.7.0 *
        C: RCPT TO:<anna@customer.example>
        S: 530 5.7.0 *
        ${WHOLE}`);
      secure.close();
    }));

  it('drops what was sent in clear text behind it', () =>
    withListener({}, async ({ port, intake, devices }) => {
      const client = await connectTo(port);
      await client.converse(`S: 220 *
        C: EHLO printer
        S: 250 *`);
      const injected = `${SIGN_IN}\r\nMAIL FROM:<evil@office.example>\r\nRCPT TO:<anna@customer.example>\r\n`;
      await client.send(`STARTTLS\r\n${injected}${'NOOP\r\n'.repeat(300)}`);
      assert.equal(await client.reply(), '220 2.0.0 Ready for TLS');
      client.socket.removeAllListeners();
      const secure = new TLSSocket(client.socket, { isServer: false });
      const heard: Buffer[] = [];
      secure.on('data', (chunk: Buffer) => heard.push(chunk));
      secure.on('error', () => undefined);
      secure.write('EHLO printer\r\nMAIL FROM:<scan@office.example>\r\nQUIT\r\n');
      await once(secure, 'close');
      const text = Buffer.concat(heard).toString();
      // Either the handshake failed, as the clear text came within it, or the session is one that has not begun.
      assert.doesNotMatch(text, /^235|^250 2\.1\.[05]/m);
      assert.deepEqual(devices.attempts, []);
      assert.deepEqual(intake.accepted, []);
    }));

  it('is refused the second time, with an argument, and where the port has none', async () => {
    await withListener({}, async ({ port }) => {
      await converse(
        port,
        `S: 220 *
         C: STARTTLS now
         S: 501 5.5.4 *`,
      );
      const secure = await (await connectTo(port)).startTls();
      assert.doesNotMatch(await secure.command('EHLO printer'), /STARTTLS/);
      await secure.converse(`C: STARTTLS
        S: 503 5.5.1 *`);
      secure.close();
    });
    await withListener({ security: 'plain' }, async ({ port }) => {
      const client = await connectTo(port);
      await client.reply();
      assert.doesNotMatch(await client.command('EHLO printer'), /STARTTLS/);
      await client.converse(`C: STARTTLS
        S: 500 5.5.1 *`);
      client.close();
    });
  });

  it('followed by nothing ends with the time for signing in, and is told of', () =>
    withListener({ limits: { signInSeconds: 0.3 } }, async ({ port, log }) => {
      const client = await connectTo(port);
      await client.converse(`S: 220 *
        C: EHLO printer
        S: 250 *
        C: STARTTLS
        S: 220 *
        S: -`);
      assert.match(String(log.of('smtp.tls_failed')[0]?.fields.reason), /sent nothing/);
    }));
});

describe('a port that recognizes TLS', () => {
  for (const security of ['starttls', 'plain'] as const) {
    it(`serves a TLS hello, and clear text after a short wait, where it is for ${security}`, () =>
      withListener({ security, recognizesTls: true }, async (running) => {
        const client = await connectByTls(running.port);
        await client.converse('S: 220 *');
        const offer = await client.command('EHLO printer');
        assert.doesNotMatch(offer, /STARTTLS/);
        assert.match(offer, /^250-AUTH PLAIN LOGIN$/m);
        await client.converse(WHOLE);
        client.close();
        const startedAt = Date.now();
        await assertServes(running);
        const waitedMs = Date.now() - startedAt;
        assert.ok(waitedMs > 400 && waitedMs < 1500, `${waitedMs} ms`);
      }));
  }

  it('serves at once who does not wait for the greeting', () =>
    withListener({ recognizesTls: true }, async ({ port }) => {
      const client = await connectTo(port);
      const startedAt = Date.now();
      await client.converse(`C: EHLO printer
        S: 220 *
        S: 250 *`);
      assert.ok(Date.now() - startedAt < 400);
      client.close();
    }));

  it('serves a hello that comes byte by byte', () =>
    withListener({ recognizesTls: true }, async ({ port }) => {
      const hello = await helloOf({});
      const raw = connect({ port, host: '127.0.0.1', noDelay: true });
      const answered = once(raw, 'data');
      for (const byte of hello.subarray(0, 8)) {
        raw.write(Buffer.from([byte]));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      raw.write(hello.subarray(8));
      const [answer]: Buffer[] = await answered;
      // A record of type handshake: the hello of the server.
      assert.equal(answer?.[0], 0x16);
      raw.destroy();
    }));

  it('refuses by TLS what its profile refuses', () =>
    withListener({ recognizesTls: true, tls: () => MODERN }, async ({ port, log }) => {
      await assert.rejects(connectByTls(port, only('TLSv1.1')));
      await until(() => log.of('smtp.tls_failed').length === 1, 'the failure is told');
      assert.equal(log.of('smtp.tls_failed')[0]?.fields.offered, 'TLSv1.1');
    }));
});

describe('the wrong port', () => {
  it('is told of to whoever set up a device for TLS on a port without', () =>
    withListener({ security: 'starttls' }, async (running) => {
      await assert.rejects(connectByTls(running.port));
      await until(() => running.log.of('smtp.tls_failed').length === 1, 'it is told');
      assert.match(
        String(running.log.of('smtp.tls_failed')[0]?.fields.reason),
        /began with TLS on a port that does not/,
      );
      await assertServes(running);
    }));

  it('is told of to whoever set up a device without TLS on a port for it', () =>
    withListener({ security: 'tls', limits: { signInSeconds: 0.3 } }, async ({ port, log }) => {
      await converse(port, 'S: -');
      const hasty = connect(port, '127.0.0.1');
      hasty.on('error', () => undefined);
      hasty.write('EHLO printer\r\n');
      await once(hasty, 'close');
      await until(() => log.of('smtp.tls_failed').length === 2, 'both are told');
      const [silent, spoke] = log.of('smtp.tls_failed').map(({ fields }) => String(fields.reason));
      assert.match(silent ?? '', /sent nothing where TLS should have begun/);
      assert.match(spoke ?? '', /did not speak TLS/);
    }));
});

describe('a certificate', () => {
  it('is renewed for new handshakes, while sessions under way go on', async () => {
    const next = await testCertificate();
    let current = certificate;
    await withListener({ security: 'tls', tls: () => current }, async ({ port, listener }) => {
      const before = await connectByTls(port);
      await before.converse('S: 220 *');
      current = next;
      listener.renew();
      await assert.rejects(connectByTls(port));
      const later = await connectByTls(port, { ca: next.cert });
      await later.converse(`S: 220 *\n${WHOLE}`);
      await before.converse(WHOLE);
      before.close();
      later.close();
    });
  });

  it('is never the one that everybody knows: without one of its own a port for TLS does not start', async () => {
    await assert.rejects(
      withListener(
        {
          security: 'tls',
          tls: () => {
            throw new Error('no certificate');
          },
        },
        async () => undefined,
      ),
      /no certificate/,
    );
    await withListener({ security: 'tls', tls: () => ({}) }, async ({ port }) => {
      await assert.rejects(connectByTls(port, { rejectUnauthorized: false }));
    });
  });
});
