import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createTransport } from 'nodemailer';
import { TLS_PROFILES, type TlsProfile } from '../../../gateway/tls/profiles.ts';
import { testCertificate } from '../../fakes/certificate.ts';
import { type Home, makeHome, missing } from '../clients/home.ts';
import { call, eventually, type Json } from '../support.ts';
import { type GatewayOffice, gatewayOffice } from './office.ts';
import { opensslClient } from './openssl-client.ts';

const SECURITIES = ['starttls', 'tls'] as const;
type Security = (typeof SECURITIES)[number];

const VERSIONS = { '-tls1': 'TLSv1', '-tls1_1': 'TLSv1.1', '-tls1_2': 'TLSv1.2', '-tls1_3': 'TLSv1.3' } as const;
type Flag = keyof typeof VERSIONS;
const FLAGS = Object.keys(VERSIONS) as readonly Flag[];

/** Newer than this only. */
const OLDEST: Readonly<Record<TlsProfile, Flag>> = { legacy: '-tls1', compatible: '-tls1_2', modern: '-tls1_2' };

/** Debian's openssl offers nothing old by itself. */
const ANYTHING = ['-cipher', 'ALL@SECLEVEL=0'];

describe('openssl s_client at the gateway', { skip: missing('openssl') }, () => {
  let office: GatewayOffice;
  let home: Home;
  let root: string;
  let recognizing = 0;
  const ports = new Map<string, number>();

  before(async () => {
    const places = TLS_PROFILES.flatMap((profile) => SECURITIES.map((security) => ({ profile, security })));
    const listeners = [
      ...places.map((place) => ({ protocol: 'smtp', port: 0, ...place })),
      { protocol: 'smtp', port: 0, security: 'plain', profile: 'legacy', recognize_tls: true },
    ];
    office = await gatewayOffice({ settings: { names: ['127.0.0.1'], listeners } });
    const running = office.gateway.ready.listeners;
    for (const [index, { profile, security }] of places.entries()) {
      ports.set(`${profile} ${security}`, running[index]?.port ?? 0);
    }
    recognizing = running.at(-1)?.port ?? 0;
    home = await makeHome();
    await home.write({ 'ca.pem': await (await office.page('/ca.pem')).text() });
    root = join(home.path, 'ca.pem');
  });
  after(async () => {
    await office?.close();
    await home?.remove();
  });

  const portOf = (profile: TlsProfile, security: Security): number => ports.get(`${profile} ${security}`) ?? 0;

  /** The chain must lead to the root that the status page gives out, and the certificate be for this address. */
  const verified = (): readonly string[] => ['-CAfile', root, '-verify_return_error', '-verify_ip', '127.0.0.1'];
  const starting = (security: Security): readonly string[] => (security === 'starttls' ? ['-starttls', 'smtp'] : []);

  const subjects = async (): Promise<readonly unknown[]> => {
    const { body } = await call(new URL('messages.json', office.broker.inbox).href);
    return (body.messages as readonly Json[]).map(({ subject }) => subject);
  };

  /** From EHLO to QUIT, and the provider has it. */
  const deliver = async (port: number, subject: string, options: readonly string[]): Promise<string> => {
    const { device, address } = office;
    const client = opensslClient(port, options);
    try {
      await client.say('EHLO printer', 250);
      const proof = Buffer.from(`\0${device.clientId}\0${device.clientSecret}`).toString('base64');
      await client.say(`AUTH PLAIN ${proof}`, 235);
      await client.say(`MAIL FROM:<${address}>`, 250);
      await client.say('RCPT TO:<ann@example.org>', 250);
      await client.say('DATA', 354);
      await client.say(`From: ${address}\nTo: ann@example.org\nSubject: ${subject}\n\nScan\n.`, 250);
      await client.say('QUIT', 221);
      await client.ended;
    } finally {
      client.kill();
    }
    await eventually(`"${subject}" arrives`, async () => (await subjects()).includes(subject) || undefined);
    return client.output();
  };

  /** The log's word on a handshake that failed since `from`. */
  const failureSince = (from: number): Promise<Json> =>
    eventually('the log tells of the failed handshake', () => {
      const lines = office.gateway.output().slice(from).split('\n');
      const line = lines.find((one) => one.includes('"event":"smtp.tls_failed"') && one.endsWith('}'));
      return line === undefined ? undefined : (JSON.parse(line) as Json);
    });

  const refuse = async (port: number, options: readonly string[]) => {
    const from = office.gateway.output().length;
    const client = opensslClient(port, options);
    assert.notEqual(await client.ended, 0, client.output());
    return { said: client.output(), told: await failureSince(from) };
  };

  for (const profile of TLS_PROFILES) {
    for (const security of SECURITIES) {
      describe(`on a ${profile} port for ${security === 'tls' ? 'TLS from the first byte' : 'STARTTLS'}`, () => {
        for (const flag of FLAGS) {
          const version = VERSIONS[flag];
          if (FLAGS.indexOf(flag) >= FLAGS.indexOf(OLDEST[profile])) {
            it(`delivers a mail by ${version}, and trusts the certificate`, async () => {
              const options = [...starting(security), ...verified(), flag, ...ANYTHING];
              const said = await deliver(portOf(profile, security), `${profile} ${security} ${version}`, options);
              assert.match(said, new RegExp(`^Protocol version: ${version.replaceAll('.', '\\.')}$`, 'm'));
              assert.match(said, /^Verification: OK$/m);
            });
          } else {
            it(`is refused with ${version}, and the log tells what to do`, async () => {
              const options = [...starting(security), flag, ...ANYTHING];
              const { said, told } = await refuse(portOf(profile, security), options);
              assert.match(said, /alert protocol version/i);
              assert.equal(told.offered, version);
              assert.match(
                String(told.reason),
                /^The device offers no version of TLS that this port takes\. Use a port/,
              );
            });
          }
        }
      });
    }
  }

  it('with nothing but RSA key exchange delivers on a compatible port, and is refused on a modern one', async () => {
    const old = ['-tls1_2', '-cipher', 'AES128-SHA'];
    const said = await deliver(portOf('compatible', 'tls'), 'AES128-SHA', [...verified(), ...old]);
    assert.match(said, /^Ciphersuite: AES128-SHA$/m);
    const { told } = await refuse(portOf('modern', 'tls'), old);
    assert.match(String(told.reason), /no cipher or signature in common\. Use a port with an older profile/);
  });

  for (const security of SECURITIES) {
    it(`does not trust the certificate without the gateway's root, where the port is for ${security}`, async () => {
      const port = portOf('compatible', security);
      const { said, told } = await refuse(port, [...starting(security), '-verify_return_error']);
      assert.match(said, /unable to (get local issuer|verify the first) certificate/);
      assert.match(String(told.reason), /^The device does not trust the gateway's certificate\. Install the root/);
    });
  }

  it('does not trust it with the root of somebody else, or by a name that it is not for', async () => {
    const port = portOf('compatible', 'tls');
    await home.write({ 'other.pem': (await testCertificate()).cert });
    const others = await refuse(port, ['-CAfile', join(home.path, 'other.pem'), '-verify_return_error']);
    assert.match(others.said, /certificate verify failed/);
    const named = await refuse(port, ['-CAfile', root, '-verify_return_error', '-verify_hostname', 'other.example']);
    assert.match(named.said, /hostname mismatch/i);
  });

  it('can have the root for devices that want it in DER, which is the same', async () => {
    const der = new X509Certificate(Buffer.from(await (await office.page('/ca.crt')).arrayBuffer()));
    const pem = new X509Certificate(await (await office.page('/ca.pem')).text());
    assert.equal(der.fingerprint256, pem.fingerprint256);
    assert.ok(der.ca);
  });

  it('begins with TLS on a port that has none and recognizes it, by TLS 1.0 and by TLS 1.3', async () => {
    for (const flag of ['-tls1', '-tls1_3'] as const) {
      const subject = `recognized ${VERSIONS[flag]}`;
      const said = await deliver(recognizing, subject, [...verified(), flag, ...ANYTHING]);
      assert.match(said, /^Verification: OK$/m);
    }
  });

  it('leaves such a port to those without TLS as well', async () => {
    const { device, address: from } = office;
    const transport = createTransport({
      ...{ host: '127.0.0.1', port: recognizing, ignoreTLS: true },
      auth: { user: device.clientId, pass: device.clientSecret },
    });
    const { response } = await transport.sendMail({ from, to: 'ann@example.org', subject: 'clear', text: 'Scan' });
    assert.match(response, /^250 2\.0\.0 Accepted/);
  });
});
