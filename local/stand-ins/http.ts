import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';

/** Nothing that a stand-in takes by form is near this. */
const FORM_LIMIT_BYTES = 64 * 1024;

/** The whole body, or undefined when it is too large. */
export const readBody = async (request: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= FORM_LIMIT_BYTES) chunks.push(chunk);
  }
  return size <= FORM_LIMIT_BYTES ? Buffer.concat(chunks) : undefined;
};

/** The same request with another body, for a handler that reads the stream itself. */
export const withBody = (request: IncomingMessage, body: string): IncomingMessage => {
  const copy = new IncomingMessage(request.socket);
  const content = Buffer.from(body);
  Object.assign(copy, {
    method: request.method,
    url: request.url,
    httpVersion: request.httpVersion,
    httpVersionMajor: request.httpVersionMajor,
    httpVersionMinor: request.httpVersionMinor,
    complete: true,
  });
  copy.headers = { ...request.headers, 'content-length': String(content.length) };
  delete copy.headers['transfer-encoding'];
  copy.push(content);
  copy.push(null);
  return copy;
};

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

export const sendHtml = (
  response: ServerResponse,
  status: number,
  headers: { readonly [name: string]: string },
  body: string,
): void => {
  response.writeHead(status, headers);
  response.end(body);
};

/** Listens on `port`; on any free one where that is taken. */
export const listenOn = async (server: TcpServer, host: string, port: number): Promise<number> => {
  const attempt = (wanted: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, host, () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  try {
    return await attempt(port);
  } catch (error) {
    if (port !== 0 && error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return attempt(0);
    throw error;
  }
};

export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    // A hung request would keep it open for good.
    server.closeAllConnections();
  });

/** Where a client on this machine reaches what listens on `host`. */
export const clientHost = (host: string): string => (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host);

/** What a person's browser calls it: cookies and secure contexts work on `localhost`. */
export const localUrl = (host: string, port: number): string => {
  const reached = clientHost(host);
  return `http://${reached === '127.0.0.1' || reached === '::1' ? 'localhost' : reached}:${port}`;
};
