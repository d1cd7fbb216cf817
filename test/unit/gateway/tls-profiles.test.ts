import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, createServer, type SecureVersion, type Server } from 'node:tls';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { TLS_PROFILES, type TlsProfile, tlsOptions } from '../../../gateway/tls/profiles.ts';

const run = promisify(execFile);

/** What a device offers, and the profiles that take it. */
interface Offer {
  readonly device: string;
  readonly version: SecureVersion;
  /** In OpenSSL's spelling; without it, all that the client has. */
  readonly ciphers?: string;
  readonly sigalgs?: string;
  readonly accepted: readonly TlsProfile[];
}

const ALL = TLS_PROFILES;

const OFFERS: readonly Offer[] = [
  { device: 'TLS 1.3', version: 'TLSv1.3', accepted: ALL },
  { device: 'TLS 1.2', version: 'TLSv1.2', accepted: ALL },
  { device: 'TLS 1.1', version: 'TLSv1.1', accepted: ['legacy'] },
  { device: 'TLS 1.0', version: 'TLSv1', accepted: ['legacy'] },
  { device: 'ECDHE and GCM', version: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', accepted: ALL },
  { device: 'ECDHE and ChaCha20', version: 'TLSv1.2', ciphers: 'ECDHE-RSA-CHACHA20-POLY1305', accepted: ALL },
  { device: 'ECDHE and CBC', version: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES256-SHA', accepted: ['compatible', 'legacy'] },
  { device: 'RSA and GCM', version: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256', accepted: ['compatible', 'legacy'] },
  { device: 'RSA and CBC', version: 'TLSv1.2', ciphers: 'AES128-SHA', accepted: ['compatible', 'legacy'] },
  { device: 'RSA and CBC of TLS 1.0', version: 'TLSv1', ciphers: 'AES128-SHA', accepted: ['legacy'] },
  { device: 'DHE alone', version: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-SHA', accepted: [] },
  { device: 'SHA-1 signatures alone', version: 'TLSv1.2', sigalgs: 'RSA+SHA1', accepted: ['legacy'] },
];

/** The client's own floor is out of the way: what is tested is the server's. */
const clientCiphers = ({ ciphers = 'ALL' }: Offer): string => `${ciphers}:@SECLEVEL=0`;

type Handshake = { readonly protocol: string; readonly cipher: string } | 'refused';

const byNode = (port: number, offer: Offer): Promise<Handshake> =>
  new Promise((resolve) => {
    const { version, sigalgs } = offer;
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ciphers: clientCiphers(offer),
      ...(sigalgs === undefined ? {} : { sigalgs }),
    });
    socket.once('secureConnect', () => {
      resolve({ protocol: socket.getProtocol() ?? '', cipher: socket.getCipher().name });
      socket.destroy();
    });
    socket.once('error', () => resolve('refused'));
  });

const OPENSSL_VERSIONS: Readonly<Record<SecureVersion, string>> = {
  TLSv1: '-tls1',
  'TLSv1.1': '-tls1_1',
  'TLSv1.2': '-tls1_2',
  'TLSv1.3': '-tls1_3',
};

const byOpenssl = async (port: number, offer: Offer): Promise<Handshake> => {
  const { version, sigalgs } = offer;
  const options = [OPENSSL_VERSIONS[version], '-cipher', clientCiphers(offer)];
  if (sigalgs !== undefined) options.push('-sigalgs', sigalgs);
  const child = run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...options]);
  child.child.stdin?.end();
  const output = await child.then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const [, protocol, cipher = ''] = /^New, (\S+), Cipher is (\S+)$/m.exec(output) ?? [];
  const shown = /^\s*Protocol\s*: (\S+)$/m.exec(output)?.[1] ?? protocol;
  return shown === undefined || cipher === '(NONE)' ? 'refused' : { protocol: shown, cipher };
};

const hasOpenssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
);

const PEERS = [
  ['Node', byNode, false],
  ['openssl s_client', byOpenssl, hasOpenssl ? false : 'openssl is not installed'],
] as const;

describe('the TLS profiles', () => {
  const servers: Server[] = [];
  const ports = new Map<TlsProfile, number>();
  const portOf = (profile: TlsProfile): number => ports.get(profile) ?? 0;

  before(async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
    });
    for (const profile of TLS_PROFILES) {
      const server = createServer({ ...tlsOptions(profile), key, cert }, (socket) => socket.end());
      server.on('tlsClientError', () => undefined); // each refusal is one
      await once(server.listen(0, '127.0.0.1'), 'listening');
      servers.push(server);
      ports.set(profile, (server.address() as AddressInfo).port);
    }
  });

  after(() => {
    for (const server of servers) server.close();
  });

  for (const [peer, shakeHands, skip] of PEERS) {
    for (const profile of TLS_PROFILES) {
      for (const offer of OFFERS) {
        const verb = offer.accepted.includes(profile) ? 'accepts' : 'refuses';
        it(`${profile} ${verb} ${offer.device}, by ${peer}`, { skip }, async () => {
          const handshake = await shakeHands(portOf(profile), offer);
          if (verb === 'refuses') return assert.equal(handshake, 'refused');
          assert.ok(handshake !== 'refused', 'it was refused');
          assert.equal(handshake.protocol, offer.version);
          if (offer.ciphers !== undefined) assert.equal(handshake.cipher, offer.ciphers);
        });
      }
    }
  }

  it('choose forward secrecy though the device would rather not', async () => {
    const weakestFirst = 'AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384';
    for (const profile of TLS_PROFILES) {
      const offer: Offer = { device: '', version: 'TLSv1.2', ciphers: weakestFirst, accepted: [] };
      const handshake = await byNode(portOf(profile), offer);
      assert.ok(handshake !== 'refused');
      assert.equal(handshake.cipher, 'ECDHE-RSA-AES256-GCM-SHA384', profile);
    }
  });

  it('offer none without a name for who is at the other end', async () => {
    for (const profile of TLS_PROFILES) {
      const offer: Offer = { device: '', version: 'TLSv1.2', ciphers: 'aNULL', accepted: [] };
      assert.equal(await byNode(portOf(profile), offer), 'refused', profile);
    }
  });
});
