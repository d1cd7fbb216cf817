import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { ConfigError } from '../../shared/config/config-document.ts';
import type { Certificates } from '../tls/certificates.ts';
import { type TlsProfile, tlsOptions } from '../tls/profiles.ts';

/** As with the broker. */
const HEADER_LIMIT_BYTES = 16 * 1024;

/** Requests here are small: who takes longer holds a connection for its own sake. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;

/** A page, monitoring, and some browsers that keep theirs open. */
const CONNECTIONS = 100;

/** For who is in the middle of a request when the gateway stops. */
const GRACE_MS = 2_000;

export interface StatusServerOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  readonly app: Hono;
  /** Without it the pages, and the password, go in the clear. */
  readonly tls?: { readonly certificates: Certificates; readonly profile: TlsProfile } | undefined;
}

export interface StatusServer {
  readonly port: number;
  close(): Promise<void>;
}

const LIMITS = {
  maxHeaderSize: HEADER_LIMIT_BYTES,
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: HEADERS_TIMEOUT_MS,
};

const httpsServer = (
  { certificates, profile }: NonNullable<StatusServerOptions['tls']>,
  listener: RequestListener,
): { readonly server: HttpsServer; readonly end: () => void } => {
  const secure = () => {
    const { certificate: cert, key } = certificates.current();
    return { ...tlsOptions(profile), cert, key };
  };
  const server = createHttpsServer({ ...LIMITS, ...secure() }, listener);
  return { server, end: certificates.onRenewal(() => server.setSecureContext(secure())) };
};

/** Throws `ConfigError` where the port cannot be had. */
const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const remedy = code === 'EADDRINUSE' ? 'it is taken; choose another' : `${code}; check host and port`;
      reject(new ConfigError(`Cannot show the status page on ${host}, port ${port}: ${remedy}.`));
    });
    server.listen(port, host, resolve);
  });

export const startStatusServer = async ({ host, port, app, tls }: StatusServerOptions): Promise<StatusServer> => {
  const listener = getRequestListener(app.fetch);
  const { server, end } =
    tls === undefined
      ? { server: createHttpServer(LIMITS, listener), end: () => undefined }
      : httpsServer(tls, listener);
  server.maxConnections = CONNECTIONS;
  try {
    await listen(server, host, port);
  } catch (error) {
    end();
    throw error;
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        end();
        const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
};
