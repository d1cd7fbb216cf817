import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import { listenOn } from '../http.ts';
import type { StandInCertificate } from './certificate.ts';

/** Longer than any command; a client that sends more is none. */
const LINE_LIMIT = 64 * 1024;

/** One connection, as the protocol sees it. */
export interface LineClient {
  /** Each line with its end. */
  send(...lines: readonly string[]): void;
  isSecure(): boolean;
  /** What the client sends from now on is TLS. */
  startTls(): void;
  /** After what was sent. */
  hangUp(): void;
  /** At once, and without a word. */
  drop(): void;
}

export interface LineServerOptions {
  readonly host: string;
  /** 0, or one that is taken: any free one. */
  readonly port: number;
  readonly security: 'tls' | 'starttls';
  readonly certificate: StandInCertificate;
}

/** What becomes of each line, one after the other. Called with undefined when the connection is there. */
export type Conversation = (line: string | undefined) => Promise<void> | void;

/** A server for protocols whose commands are lines, over TLS from the first byte or after the client has asked for it. */
export const startLineServer = async (options: LineServerOptions, converse: (client: LineClient) => Conversation) => {
  const { host, security, certificate } = options;
  const pem = { key: certificate.key, cert: certificate.certificate };
  const sockets = new Set<Socket>();

  const serve = (accepted: Socket): void => {
    let socket = accepted;
    let input = '';
    let turn: Promise<void> = Promise.resolve();

    const listen = (): void => {
      const current = socket;
      sockets.add(current);
      current.on('close', () => sockets.delete(current));
      // A client that ends as it likes is the client's matter.
      current.on('error', () => current.destroy());
      current.on('data', (chunk) => {
        input += chunk.toString('latin1');
        if (input.length > LINE_LIMIT) current.destroy();
        const lines = input.split('\r\n');
        input = lines.pop() ?? '';
        for (const line of lines) next(line);
      });
    };
    const client: LineClient = {
      send: (...lines) => void (socket.writable && socket.write(lines.map((line) => `${line}\r\n`).join(''), 'latin1')),
      isSecure: () => socket instanceof TLSSocket,
      startTls: () => {
        // What came in the clear before is not part of the secured talk (RFC 2595 section 4).
        input = '';
        socket.removeAllListeners('data');
        socket = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(pem) });
        listen();
      },
      hangUp: () => socket.end(),
      drop: () => socket.destroy(),
    };
    const take = converse(client);
    const next = (line: string | undefined): void => {
      turn = turn
        .then(() => take(line))
        .catch(() => {
          socket.destroy();
        });
    };
    listen();
    next(undefined);
  };

  const server: Server =
    security === 'tls' ? createTlsServer({ ...pem, minVersion: 'TLSv1.2' }, serve) : createTcpServer(serve);
  // A client that breaks off a handshake.
  server.on('tlsClientError', () => undefined);
  const port = await listenOn(server, host, options.port);
  return {
    port,
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
