import { type RequestOptions, request as requestPlainly } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { isDirect } from './no-proxy.ts';

/** The way out of this network. Rejects with an error whose `code` and message say who is in the way. */
export type ConnectTo = (host: string, port: number, signal?: AbortSignal) => Promise<Socket>;

export type ProxyTrouble = 'PROXY_UNREACHABLE' | 'PROXY_WANTS_CREDENTIALS' | 'PROXY_REFUSED';

/** Its message never holds the proxy's credentials. */
export class ProxyError extends Error {
  readonly code: ProxyTrouble;
  constructor(code: ProxyTrouble, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ProxyError';
    this.code = code;
  }
}

/** Given up by the signal until it is there; after that the signal has no say, which Node's own option would give it. */
const unlessAborted = <Value>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: Value) => void, reject: (error: unknown) => void) => { destroy(): unknown },
): Promise<Value> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const settle = (): void => signal?.removeEventListener('abort', giveUp);
    const begun = begin(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
    const giveUp = (): void => {
      reject(signal?.reason);
      begun.destroy();
    };
    signal?.addEventListener('abort', giveUp, { once: true });
  });

const directly: ConnectTo = (host, port, signal) =>
  unlessAborted<Socket>(signal, (resolve, reject) => {
    const socket = connect({ host, port });
    // Stays there: whoever takes the socket over listens for its close.
    socket.on('error', reject);
    socket.once('connect', () => resolve(socket));
    return socket;
  });

/** RFC 7617: user and password as they are typed, which a URL has percent-encoded. */
const credentialsOf = ({ username, password }: URL): Readonly<Record<string, string>> => {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
};

const verdictOn = (status: number, place: string, proxy: string): ProxyError =>
  status === 407
    ? new ProxyError(
        'PROXY_WANTS_CREDENTIALS',
        `The proxy ${proxy} wants other credentials: check user and password in its address.`,
      )
    : new ProxyError(
        'PROXY_REFUSED',
        `The proxy ${proxy} does not connect to ${place} (status ${status}): have it allowed there.`,
      );

/** RFC 9110 section 9.3.6. */
const byProxy = (proxy: URL, host: string, port: number, signal: AbortSignal | undefined): Promise<Socket> =>
  unlessAborted<Socket>(signal, (resolve, reject) => {
    const place = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    const isSecure = proxy.protocol === 'https:';
    const options: RequestOptions = {
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (isSecure ? 443 : 80),
      path: place,
      headers: { Host: place, ...credentialsOf(proxy) },
      // Never one of a pool: what is connected stays connected to this place.
      agent: false,
    };
    const request = isSecure ? requestSecurely(options) : requestPlainly(options);
    request.once('connect', ({ statusCode = 0 }, socket, head) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy();
        return reject(verdictOn(statusCode, place, proxy.host));
      }
      socket.on('error', () => undefined);
      if (head.length > 0) socket.unshift(head);
      // Node's HTTP client has no other sockets than these.
      resolve(socket as Socket);
    });
    // What answers as if it were a web server.
    request.once('response', (response) => {
      response.destroy();
      reject(verdictOn(response.statusCode ?? 0, place, proxy.host));
    });
    request.on('error', (error) => {
      reject(
        new ProxyError('PROXY_UNREACHABLE', `The proxy ${proxy.host} cannot be reached: ${error.message}.`, error),
      );
    });
    request.end();
    return request;
  });

/**
 * Through the proxy, by `http://` or `https://` with or without `user:password@`, but for what `noProxy` names and this machine
 * itself; straight there without a proxy.
 */
export const connectThrough = (proxyUrl: string | undefined, noProxy?: string): ConnectTo => {
  if (proxyUrl === undefined || proxyUrl === '') return directly;
  const proxy = new URL(proxyUrl);
  return (host, port, signal) =>
    isDirect(host, port, noProxy) ? directly(host, port, signal) : byProxy(proxy, host, port, signal);
};
