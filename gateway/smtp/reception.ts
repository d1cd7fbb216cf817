import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { firstBytes, isTlsHello, offeredVersion } from './client-hello.ts';
import { type FailedHandshake, HELLO_ON_PLAIN_PORT, handshakeFailure, SILENT } from './handshake-failure.ts';
import type { SmtpDeps, SmtpLimits, SmtpPort } from './options.ts';
import { isVersion2, readVersion2, trustedProxies } from './proxy-header.ts';
import { protocolReply } from './replies.ts';
import { textOf } from './session.ts';
import { makeVisits, plainAddress, type Visit } from './visits.ts';

/** So long a greeting waits for a TLS hello: devices send one at once, and no client minds (RFC 5321 section 4.5.3.2.1). */
const RECOGNITION_MS = 500;

/** RFC 4954 section 4 has room for tickets of any kind; a name and a password need less. */
const LINE_LIMIT_BYTES = 4096;

/** Jokes, and what lets a client say that it is another. */
const NOT_OFFERED = ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'];

/** The way of a connection until it is a session: load balancers, limits, recognition of TLS, handshake. */
export abstract class Reception extends SMTPServer {
  protected readonly port: SmtpPort;
  protected readonly deps: SmtpDeps;
  protected limits: SmtpLimits;
  readonly #isTrustedProxy: (address: string) => boolean;
  readonly #visits = makeVisits();

  constructor(port: SmtpPort, deps: SmtpDeps, limits: SmtpLimits) {
    super({
      name: port.name,
      heloResponse: '%s',
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: port.cleartextSignIn,
      hideSTARTTLS: port.security !== 'starttls',
      disabledCommands: port.security === 'plain' ? [...NOT_OFFERED, 'STARTTLS'] : NOT_OFFERED,
      hideENHANCEDSTATUSCODES: false,
      disableReverseLookup: true,
      lenientAddressParsing: true,
      maxCommandLength: LINE_LIMIT_BYTES,
      logger: false,
    });
    this.port = port;
    this.deps = deps;
    this.limits = limits;
    this.#isTrustedProxy = trustedProxies(port.trustedProxies);
    this.setLimits(limits);
    // Until a session listens, nobody else does, and a client that goes away must not end the program.
    this.server.on('connection', (socket) => socket.on('error', () => undefined));
  }

  /** From here on it is a session, which ends the visit. */
  protected abstract begin(socket: Socket, options: SMTPConnectionOptions, visit: Visit): void;

  /** Times count for who comes from now on; sizes and numbers for all. */
  setLimits(limits: SmtpLimits): void {
    this.limits = limits;
    this.options.socketTimeout = limits.idleSeconds * 1000;
    this.options.maxAllowedUnauthenticatedCommands = limits.unauthenticatedCommands;
  }

  /** The library's constructor calls it without a certificate, to fall back on a public one of its own: that is never used. */
  override updateSecureContext(tls?: SecureContextOptions | null): void {
    this.secureContext = new Map(tls ? [['*', createSecureContext(tls)]] : []);
  }

  /** Takes nobody in any more. After the deadline whoever is still there is sent away. */
  protected shut(deadlineSeconds: number): Promise<void> {
    this.options.closeTimeout = Math.max(1, deadlineSeconds * 1000);
    return new Promise((resolve) => {
      this.close(() => {
        this.#visits.cutAll();
        resolve();
      });
    });
  }

  /** A connection that broke: clients do that. */
  override _onError(error: Error & { code?: string; remoteAddress?: string; syscall?: string }): void {
    const { remoteAddress: address, code, message, syscall } = error;
    // Whoever started the listener is told of that.
    if (syscall !== 'listen') this.deps.log.info('smtp.connection_failed', { address, error_code: code ?? message });
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.#isTrustedProxy(plainAddress(socket.remoteAddress));
  }

  override _handleProxy(...[socket, callback]: Parameters<SMTPServer['_handleProxy']>): void {
    if (this._expectsProxyHeader(socket)) void this.#readProxyHeader(socket, callback);
    else super._handleProxy(socket, callback);
  }

  async #readProxyHeader(...[socket, callback]: Parameters<SMTPServer['_handleProxy']>): Promise<void> {
    const bytes = await firstBytes(socket, this.limits.signInSeconds * 1000);
    if (!isVersion2(bytes)) {
      super._handleProxy(socket, callback);
      return;
    }
    const header = await readVersion2(socket);
    const id = randomUUID();
    if (header.kind === 'client') callback(null, { id, remoteAddress: header.address, remotePort: header.port });
    else if (header.kind === 'itself') callback(null, { id });
    else {
      socket.destroy();
      callback(new Error('Invalid PROXY header'));
    }
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    if (socket.destroyed) return;
    const address = plainAddress(options?.remoteAddress ?? socket.remoteAddress);
    const visit = this.#visits.begin(address, this.deps.clock.now(), this.limits);
    this.deps.metrics.connection(visit ? 'accepted' : 'refused');
    if (visit === undefined) {
      this.#turnAway(socket, address);
      return;
    }
    // The library's list of those whom its `close` ends, as they are no session yet.
    this._pendingSockets.set(socket, socket);
    visit.cut = () => this._pendingSockets.get(socket)?.destroy();
    const end = (): void => {
      this._pendingSockets.delete(socket);
      visit.end();
    };
    socket.once('close', end);
    void this.#receive(socket, visit).then((ready) => {
      this._pendingSockets.delete(socket);
      if (ready === undefined || ready.destroyed) {
        socket.destroy();
        return;
      }
      socket.off('close', end);
      this.begin(ready, options ?? {}, visit);
      if (ready === socket) this.#watchForHello(socket, address);
    });
  }

  #turnAway(socket: Socket, address: string): void {
    this.deps.log.warn('smtp.connection_refused', { address, reason: 'too many connections' });
    const reply = protocolReply('tooManyConnections');
    if (this.port.security === 'tls') socket.destroy();
    else socket.end(`${reply.code} ${textOf(reply)}\r\n`, () => socket.destroy());
  }

  /** The socket that the session speaks on; undefined: it has come to an end. */
  async #receive(socket: Socket, visit: Visit): Promise<Socket | undefined> {
    const isTls = this.port.security === 'tls';
    if (!isTls && !this.port.recognizesTls) return socket;
    const bytes = await firstBytes(socket, isTls ? this.limits.signInSeconds * 1000 : RECOGNITION_MS);
    if (!isTls && !isTlsHello(bytes)) return socket;
    if (bytes instanceof Buffer && !socket.destroyed) return this.#encrypt(socket, visit, offeredVersion(bytes));
    if (bytes === 'silence') this.tlsFailed({ address: visit.address, offered: undefined, reason: SILENT });
    socket.destroy();
    return undefined;
  }

  /** Where it comes too late, or is not served: a garbled session is no help to whoever set up the device. */
  #watchForHello(socket: Socket, address: string): void {
    socket.once('data', (bytes: Buffer) => {
      if (!isTlsHello(bytes)) return;
      this.tlsFailed({ address, offered: offeredVersion(bytes), reason: HELLO_ON_PLAIN_PORT });
      socket.destroy();
    });
  }

  #encrypt(socket: Socket, { address, cut }: Visit, offered: string | undefined): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(cut, this.limits.signInSeconds * 1000).unref();
      this._upgrade(socket, (error, encrypted) => {
        clearTimeout(timer);
        if (error) {
          this.tlsFailed({ address, offered, error });
          socket.destroy();
        }
        resolve(encrypted);
      });
    });
  }

  protected tlsFailed(failed: FailedHandshake): void {
    this.deps.metrics.handshake('failed');
    this.deps.log.warn('smtp.tls_failed', handshakeFailure(failed));
  }
}
