import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type Certificates, openCertificates } from '../../../gateway/tls/certificates.ts';
import { issueCertificate, makeAuthority } from '../../../gateway/tls/local-authority.ts';
import type { Pair } from '../../../gateway/tls/pair.ts';
import { type TlsProfile, tlsOptions } from '../../../gateway/tls/profiles.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';

export const DAY_MS = 86_400_000;

/** As the machine of the gateway is called in these tests. */
export const NAMES = ['gateway.office.example', 'localhost', '127.0.0.1', '::1'];

/** The server's key signed by a root of its own, as if bought; valid from a day before `issuedAt` on, for 397 days. */
export const boughtPair = async (issuedAt: number, names: readonly string[] = NAMES): Promise<Pair> =>
  issueCertificate(await makeAuthority('elsewhere', issuedAt), names, issuedAt);

export interface Office extends AsyncDisposable {
  readonly folder: string;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly own: { readonly certificateFile: string; readonly keyFile: string };
  /** A start of the gateway: with its own certificate, or the one in the files. */
  start(options?: { readonly own?: boolean; readonly names?: readonly string[] }): Promise<Certificates>;
  put(pair: Partial<Pair>): void;
}

export const office = (now = Date.now()): Office => {
  const home = mkdtempSync(join(tmpdir(), 'gateway-tls-'));
  const folder = join(home, 'certificates');
  const own = { certificateFile: join(home, 'own.crt'), keyFile: join(home, 'own.key') };
  const clock = manualClock(now);
  const log = memoryLog();
  const opened: Certificates[] = [];
  return {
    folder,
    clock,
    log,
    own,
    async start({ own: withOwn = false, names = NAMES } = {}) {
      const certificates = await openCertificates({ folder, names, clock, log, ...(withOwn ? { own } : {}) });
      opened.push(certificates);
      return certificates;
    },
    put({ certificate, key }) {
      if (certificate !== undefined) writeFileSync(own.certificateFile, certificate, { mode: 0o600 });
      if (key !== undefined) writeFileSync(own.keyFile, key, { mode: 0o600 });
    },
    async [Symbol.asyncDispose]() {
      for (const certificates of opened) certificates.close();
      rmSync(home, { recursive: true });
    },
  };
};

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** Says back what it hears, and takes up each renewal. */
export const listen = async (certificates: Certificates, profile: TlsProfile): Promise<Listener> => {
  const secure = () => {
    const { certificate: cert, key } = certificates.current();
    return { cert, key, ...tlsOptions(profile) };
  };
  const sockets = new Set<TLSSocket>();
  const server = createServer(secure(), (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // a client that hangs up
    socket.pipe(socket);
  });
  certificates.onRenewal(() => server.setSecureContext(secure()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** A device that trusts the root, and nothing else. Rejects where it does not trust the server. */
export const visit = async ({ port }: Listener, root: string | undefined, servername: string): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', port, servername, ...(root === undefined ? {} : { ca: root }) });
  await once(socket, 'secureConnect');
  return socket;
};
