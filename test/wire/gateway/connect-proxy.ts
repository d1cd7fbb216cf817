import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TestCertificate } from '../../fakes/certificate.ts';

/** The only way out of an office: a proxy that knows CONNECT (RFC 9110 section 9.3.6), and names that nobody else knows. */
export interface ConnectProxy {
  /** With user and password, for HTTPS_PROXY. */
  readonly url: string;
  /** `host:port`, as often as it was asked for it. */
  readonly asked: string[];
  /** From here on `place` is this port of this machine; undefined: it is not allowed. */
  lead(place: string, port: number | undefined): void;
  /** Nobody answers, and who is connected is cut off. */
  stop(): Promise<void>;
  /** At the same address. */
  start(): Promise<void>;
}

const [USER, PASSWORD] = ['gateway', 'p@ss:word'];
const EXPECTED = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

export const startConnectProxy = async (): Promise<ConnectProxy> => {
  const places = new Map<string, number>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  // What is not CONNECT is not served.
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(405).end();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, client: Socket, head) => {
    if (request.headers['proxy-authorization'] !== EXPECTED) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\n\r\n');
      return;
    }
    const place = request.url ?? '';
    asked.push(place);
    const port = places.get(place);
    if (port === undefined) {
      client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const there = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      there.write(head);
      client.pipe(there).pipe(client);
    });
    there.on('error', () => client.destroy());
    client.on('close', () => there.destroy());
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    asked,
    lead(place, to) {
      if (to === undefined) places.delete(place);
      else places.set(place, to);
    },
    async stop() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    start: () => listen(port),
  };
};

/** HTTPS in front of a server that has none. Resolves with its port. */
export const startTlsFront = async (certificate: TestCertificate, to: () => number) => {
  const sockets = new Set<Socket>();
  const server = createTlsServer(certificate, (client) => {
    const there = connect(to(), '127.0.0.1');
    for (const [one, other] of [[client, there] as const, [there, client] as const]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
