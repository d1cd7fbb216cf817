import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type SecureContext, TLSSocket } from 'node:tls';
import { type ByteReader, byteReader, type LineRead } from './byte-reader.ts';

/** Sixteen times what RFC 2449 section 4 allows a command of POP3; RFC 9051 has no limit. No sign-in is longer. */
export const COMMAND_LIMIT = 4096;

/** A device before it has signed in. */
export interface DeviceConnection {
  readonly address: string;
  readonly reader: ByteReader;
  readonly isSecure: boolean;
  /** For the log: `TLSv1.2`. */
  readonly tlsVersion: string | undefined;
  /** The next line, without its end, as long as the device's time for the whole sign-in lasts. */
  line(): Promise<LineRead>;
  /** Of a literal (RFC 9051 section 4.3). */
  bytes(count: number): Promise<Buffer | undefined>;
  say(...lines: readonly string[]): void;
  /**
   * From now on it is TLS. What came in the clear before is not part of that (RFC 2595 section 4). False: it came to nothing, and
   * there is nobody to be told.
   */
  startTls(): Promise<boolean>;
  /** After what was said. Resolves when the connection is gone. */
  hangUp(): Promise<void>;
}

export interface ConnectionOptions {
  readonly address: string;
  readonly secureContext: () => SecureContext;
  readonly signInMs: number;
  /** A handshake that came to nothing; the code of OpenSSL, where there is one. */
  readonly onTlsFailure: (error: Error) => void;
}

const withoutEnd = (bytes: Buffer): Buffer => {
  const end = bytes.at(-2) === 0x0d ? 2 : 1;
  return bytes.subarray(0, bytes.length - end);
};

/** So long an end that the device does not answer is waited for. */
const LINGER_MS = 5_000;

/** Nothing is written before: where a handshake fails, it is the reason that is told, and not that the write did. */
const secured = (secure: TLSSocket, limitMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs, false);
    const settle = (isSecured: boolean) => (): void => {
      clearTimeout(timer);
      resolve(isSecured);
    };
    secure.once('secure', settle(true));
    secure.once('close', settle(false));
  });

export const deviceConnection = (accepted: Socket, options: ConnectionOptions): DeviceConnection => {
  let reader = byteReader(accepted);
  let leftMs = options.signInMs;

  /** Only the time in which the device is waited for counts: looking after the provider is not its matter. */
  const timed = async <Value>(read: (limitMs: number) => Promise<Value>): Promise<Value> => {
    const began = performance.now();
    const value = await read(leftMs);
    leftMs = Math.max(0, leftMs - (performance.now() - began));
    return value;
  };

  return {
    address: options.address,
    get reader() {
      return reader;
    },
    get isSecure() {
      return reader.socket instanceof TLSSocket;
    },
    get tlsVersion() {
      const { socket } = reader;
      return socket instanceof TLSSocket ? (socket.getProtocol() ?? undefined) : undefined;
    },
    async line() {
      const read = await timed((limitMs) => reader.line(COMMAND_LIMIT, limitMs));
      return read.kind === 'line' ? { kind: 'line', bytes: withoutEnd(read.bytes) } : read;
    },
    bytes: (count) => timed((limitMs) => reader.bytes(count, limitMs)),
    say(...lines) {
      if (reader.socket.writable) reader.socket.write(lines.map((line) => `${line}\r\n`).join(''));
    },
    async startTls() {
      const bare = reader.release();
      const secure = new TLSSocket(bare, { isServer: true, secureContext: options.secureContext() });
      // The event by which Node's own TLS server learns of a failed handshake; the close that follows says nothing.
      secure.on('_tlsError', options.onTlsFailure);
      reader = byteReader(secure);
      const isSecured = await timed((limitMs) => secured(secure, limitMs));
      if (!isSecured) secure.destroy();
      return isSecured;
    },
    hangUp: () =>
      new Promise((resolve) => {
        const { socket } = reader;
        if (socket.destroyed) return resolve();
        const timer = setTimeout(() => socket.destroy(), LINGER_MS);
        socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        socket.end();
        // The other side's end is noticed by who reads.
        socket.resume();
      }),
  };
};
