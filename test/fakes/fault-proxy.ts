import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { TestCertificate } from './certificate.ts';
import { proxiedSession } from './proxied-session.ts';

/**
 * The steps of a submission, in order. `connect`: the greeting. `EHLO`: in the clear; `secure EHLO`: inside TLS. `tls`: the
 * handshake. `content`: between the `354` and the message's end. `.`: the end of the message, and the reply to it.
 */
export const PROXY_STEPS = [
  'connect',
  'EHLO',
  'STARTTLS',
  'tls',
  'secure EHLO',
  'AUTH',
  'MAIL',
  'RCPT',
  'DATA',
  'content',
  '.',
  'RSET',
  'QUIT',
] as const;

export type ProxyStep = (typeof PROXY_STEPS)[number];

export type ProxyFault =
  /** Ends both connections. `before`: the server never hears of the step; `after`: it has answered, and nobody hears that. */
  | { readonly kind: 'drop'; readonly side: 'before' | 'after' }
  /** Silence until the client goes. Sides as above. */
  | { readonly kind: 'hang'; readonly side: 'before' | 'after' }
  /** In the server's place, which hears nothing of the step. A `421` ends the connection, as it says. */
  | { readonly kind: 'reply'; readonly text: string }
  /** The server's own answer, later. */
  | { readonly kind: 'delay'; readonly milliseconds: number };

export interface FaultOptions {
  /** Default: once. */
  readonly times?: number;
  /** Only for who signed in as this: no step before AUTH. */
  readonly user?: string;
  /** At `content`: once so many octets of it have passed. */
  readonly afterBytes?: number;
  /** Called as it strikes, before anybody can notice. */
  readonly onStrike?: () => void;
}

/** A fault that is due at the step where it was asked for. */
export interface DueFault {
  readonly fault: ProxyFault;
  readonly afterBytes: number;
  strike(): void;
}

export interface SetFault {
  /** Resolves when it strikes for the first time. */
  readonly struck: Promise<void>;
  strikes(): number;
}

export interface Upstream {
  readonly host: string;
  readonly port: number;
  /** PEM of its authority. */
  readonly ca: string;
}

export interface FaultProxy {
  readonly port: number;
  /** Connections of clients so far. */
  connections(): number;
  at(step: ProxyStep, fault: ProxyFault, options?: FaultOptions): SetFault;
  clear(): void;
  close(): Promise<void>;
}

interface Rule extends FaultOptions {
  readonly step: ProxyStep;
  readonly fault: ProxyFault;
  left: number;
  strikes: number;
  resolve(): void;
}

/**
 * Between a client and a real submission server with STARTTLS: ends TLS on both sides, and misbehaves at any step as it is
 * told. A rule strikes the first who comes to its step.
 */
export const startFaultProxy = async (upstream: Upstream, certificate: TestCertificate): Promise<FaultProxy> => {
  let rules: Rule[] = [];
  let connections = 0;
  const sockets = new Set<Socket>();

  const take = (step: ProxyStep, user: string | undefined, passedBytes = 0): DueFault | undefined => {
    const rule = rules.find(
      (one) =>
        one.step === step &&
        one.left > 0 &&
        (one.user === undefined || one.user === user) &&
        passedBytes >= (one.afterBytes ?? 0),
    );
    if (rule === undefined) return undefined;
    rule.left -= 1;
    const strike = (): void => {
      rule.strikes += 1;
      rule.onStrike?.();
      rule.resolve();
    };
    return { fault: rule.fault, afterBytes: rule.afterBytes ?? 0, strike };
  };

  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    proxiedSession({ socket, upstream, certificate, take }).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    at(step, fault, options = {}) {
      const { promise: struck, resolve } = Promise.withResolvers<void>();
      const rule: Rule = { ...options, step, fault, left: options.times ?? 1, strikes: 0, resolve };
      rules.push(rule);
      return { struck, strikes: () => rule.strikes };
    },
    clear() {
      rules = [];
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
