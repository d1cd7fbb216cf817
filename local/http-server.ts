import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { Hono } from 'hono';
import { ROUTES } from '../functions/routes.ts';
import { type BrokerEnv, newRequestId } from '../shared/adapters/http/app.ts';
import { systemRandom } from '../shared/adapters/system/system-random.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import type { ErrorKind } from '../shared/domain/errors.ts';
import { problemReply } from '../shared/protocol/error-replies.ts';

/** As much as API Gateway's 10 KB, and some for the proxies in between. */
const HEADER_LIMIT_BYTES = 16 * 1024;

/** A scan over a slow line takes its time; a device that says nothing does not hold a connection for ever. */
const REQUEST_TIMEOUT_MS = 300_000;
const HEADERS_TIMEOUT_MS = 30_000;

/** The reply to what no app sees, in the shape that every reply of the broker has. */
const refusal = (kind: ErrorKind) => {
  const requestId = newRequestId(systemRandom);
  const { status, body, contentType } = problemReply({ error: { kind }, language: 'en', requestId });
  const headers = { 'Content-Type': contentType, 'Cache-Control': 'no-store', 'X-Request-Id': requestId };
  return { status, headers, json: JSON.stringify(body) };
};

/** Answers what is no proper HTTP request before any app sees it. */
const refuseConnection = (server: Server): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) return;
    const overflow = error.code === 'HPE_HEADER_OVERFLOW';
    const { status, headers, json } = refusal(overflow ? 'headers_too_large' : 'invalid_request');
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(
      `HTTP/1.1 ${status} Refused\r\n${lines.join('')}` +
        `Content-Length: ${Buffer.byteLength(json)}\r\nConnection: close\r\n\r\n${json}`,
    );
  });
};

/** Proper HTTP, but no URL can be made of its target and its `Host`. */
const refuseRequest = (error: unknown): Response => {
  const { status, headers, json } = refusal(error instanceof RequestError ? 'invalid_request' : 'internal');
  return new Response(json, { status, headers });
};

/** Ahead of the rest what S3 answers in the cloud. */
const LOCAL_ROUTES = { uploads: ['/v1/uploads/:upload_id'], ...ROUTES } as const;

export type BrokerApps = Readonly<Record<keyof typeof LOCAL_ROUTES, Hono<BrokerEnv>>>;

/** Every function's app on the paths that the list of routes gives it, as API Gateway would have it. */
const gatewayListener = (apps: BrokerApps): RequestListener => {
  const gateway = new Hono();
  for (const [name, paths] of Object.entries(LOCAL_ROUTES)) {
    const app = apps[name as keyof BrokerApps];
    for (const path of paths) gateway.all(path, (c) => app.fetch(c.req.raw, c.env));
  }
  return getRequestListener(gateway.fetch, { errorHandler: refuseRequest });
};

/**
 * Listens before the apps are there, since their own address depends on the port; early requests wait for them. Throws
 * `ConfigError` when the port is taken.
 */
export const listenForApps = async (
  host: string,
  port: number,
  apps: Promise<BrokerApps>,
): Promise<{ readonly server: Server; readonly port: number }> => {
  const listener = apps.then(gatewayListener);
  const server = createServer(
    {
      maxHeaderSize: HEADER_LIMIT_BYTES,
      // Node's own refusal has no body; `refuseRequest` sees to it.
      requireHostHeader: false,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
    },
    async (request, response) => (await listener)(request, response),
  );
  // An expectation that is not understood may be ignored (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  refuseConnection(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const remedy = taken
        ? 'it is taken; set BROKER_PORT to another'
        : `${error.code}; check BROKER_HOST and BROKER_PORT`;
      reject(new ConfigError(`Cannot listen on ${host}, port ${port}: ${remedy}.`));
    });
    server.listen(port, host, resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
};
