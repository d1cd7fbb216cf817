import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import type { AnyContext } from './app.ts';

/** What `hono/aws-lambda` and `@hono/node-server` hand to an app. */
interface Bindings {
  readonly requestContext?: {
    readonly http?: { readonly sourceIp?: string };
    /** Of a REST API (payload 1.0). */
    readonly identity?: { readonly sourceIp?: string };
  };
  readonly incoming?: Pick<IncomingMessage, 'socket' | 'headers'>;
}

const UNKNOWN = 'unknown';

/** The first half of an IPv6 address: what one subscriber is given, who has 2^64 addresses in it (RFC 6177 section 2). */
const subscriberOf = (address: string): string => {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
};

/** An address as a place that is counted: IPv4 as it is, also where it is written as IPv6 (RFC 4291 section 2.5.5.2). */
export const placeOfAddress = (address: string): string => {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(plain) && !plain.includes('.') ? subscriberOf(plain) : plain;
};

const LOOPBACK = new Set(['127.0.0.1', '0:0:0:0::/64']);

/** The last address is the one that the proxy saw itself; those before it are hearsay. */
const lastForwarded = (header: string | string[] | undefined): string | undefined => {
  const last = [header].flat().join(',').split(',').at(-1)?.trim() ?? '';
  return isIP(last) === 0 ? undefined : last;
};

/**
 * Where on the network a request came from: as API Gateway saw it, or the socket's other end; or, where that is a proxy on
 * this very machine, whom the proxy names, lest all of its clients be one place.
 */
export const placeOf = (c: AnyContext): string => {
  const { requestContext, incoming } = (c.env ?? {}) as Bindings;
  const { http, identity } = requestContext ?? {};
  const address = (http ?? identity)?.sourceIp ?? incoming?.socket.remoteAddress;
  if (address === undefined || address === '') return UNKNOWN;
  const place = placeOfAddress(address);
  const forwarded = LOOPBACK.has(place) ? lastForwarded(incoming?.headers['x-forwarded-for']) : undefined;
  return forwarded === undefined ? place : placeOfAddress(forwarded);
};
