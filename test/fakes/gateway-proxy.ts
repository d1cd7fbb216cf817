import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlainly, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls';
import type { Devices, SignInAttempt } from '../../gateway/access/devices.ts';
import { byteReader } from '../../gateway/proxy/byte-reader.ts';
import type { ProxyDeps, ProxyMetrics, ProxyOptions } from '../../gateway/proxy/options.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import type { Audience, MailServer } from '../../shared/domain/provider.ts';
import { fail, ok } from '../../shared/domain/result.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import { type MemoryLog, memoryLog } from './memory-log.ts';

export const DEVICE = { user: 'faxdevice2ab', password: 'made-up-secret-of-fax' } as const;
export const ADDRESS = 'scanner@contoso.example';

export const servedDevice = (changes: { readonly address?: string; readonly locale?: string } = {}): ServedDevice => ({
  clientId: DEVICE.user,
  organizationId: 'org_1',
  metadata: { clientName: 'Fax at reception', ...(changes.locale !== undefined && { locale: changes.locale }) },
  slot: 'receive',
  mailbox: {
    id: 'mbx_1',
    organizationId: 'org_1',
    provider: 'microsoft',
    address: changes.address ?? ADDRESS,
    aliases: [],
  },
});

/** Knows one device, and keeps what was presented. */
export const fakeDevices = (device: ServedDevice = servedDevice()) => {
  const attempts: SignInAttempt[] = [];
  const devices: Pick<Devices, 'signIn'> = {
    async signIn(attempt) {
      attempts.push(attempt);
      const [user] = attempt.user.toLowerCase().split('+');
      const isIt = user === DEVICE.user && attempt.password === DEVICE.password;
      return isIt ? ok(device) : fail(brokerError('invalid_client'));
    },
  };
  return { devices, attempts };
};

export interface TokenWish {
  readonly mailboxId: string;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** Gives the tokens in their order, and the last for good; an error in a token's place is what it is. */
export const fakeTokens = (server: MailServer | undefined, given: readonly (string | BrokerError)[]) => {
  const wishes: TokenWish[] = [];
  const token: GatewayLink['token'] = async (wish) => {
    const next = given[Math.min(wishes.length, given.length - 1)] ?? brokerError('internal');
    wishes.push(wish);
    if (typeof next !== 'string') return fail(next);
    return ok({ accessToken: next, expiresAt: 4_000_000_000, server, apiUrl: undefined });
  };
  return { token, wishes };
};

export const countingMetrics = () => {
  const counts = {
    signedIn: 0,
    refused: [] as string[],
    turnedAway: 0,
    ended: [] as { bytes: number; reconnects: number }[],
  };
  const metrics: ProxyMetrics = {
    signedIn: () => {
      counts.signedIn += 1;
    },
    refused: (kind) => counts.refused.push(kind),
    turnedAway: () => {
      counts.turnedAway += 1;
    },
    ended: (session) => counts.ended.push(session),
  };
  return { metrics, counts };
};

export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Options for a listener in the clear on loopback, for one provider's server. */
export const proxyOptions = (
  deps: Pick<ProxyDeps, 'token'> & Partial<ProxyDeps>,
  changes: Partial<Omit<ProxyOptions, 'deps'>> = {},
): ProxyOptions & { readonly log: MemoryLog } => {
  const log = memoryLog();
  return {
    host: '127.0.0.1',
    port: 0,
    security: 'plain',
    tls: () => ({}),
    cleartextSignIn: true,
    connections: { overall: 100, perAddress: 50 },
    ...changes,
    deps: { devices: fakeDevices().devices, log, clock: realClock, metrics: countingMetrics().metrics, ...deps },
    log,
  };
};

/** A device that says one line after the other. */
export interface LineDevice {
  readonly socket: Socket;
  /** Without its end; undefined: the connection is over. */
  line(): Promise<string | undefined>;
  /** Says it, and what is answered on one line. */
  say(text: string): Promise<string | undefined>;
  /** Says it, and all that is answered up to a line like this. */
  ask(text: string, last: RegExp): Promise<string>;
  /** What has come; undefined: the connection is over. Until it is asked for, little is read. */
  chunk(): Promise<Buffer | undefined>;
  /** All that still comes until the end. */
  rest(): Promise<string>;
  /** All that has come. */
  heard(): string;
  /** The same device, over TLS from now on. */
  startTls(options?: ConnectionOptions): Promise<LineDevice>;
}

const lineDevice = (socket: Socket): LineDevice => {
  const reader = byteReader(socket);
  let heard = '';
  const line = async (): Promise<string | undefined> => {
    const read = await reader.line(100_000, 20_000);
    assert.notEqual(read.kind, 'late', 'nothing was answered');
    if (read.kind !== 'line') return undefined;
    heard += read.bytes.toString('latin1');
    return read.bytes.toString('latin1').replace(/\r?\n$/, '');
  };
  const send = (text: string): void => {
    socket.write(`${text}\r\n`, 'latin1');
  };
  return {
    socket,
    line,
    async say(text) {
      send(text);
      return line();
    },
    async ask(text, last) {
      send(text);
      const lines: string[] = [];
      for (;;) {
        const next = await line();
        if (next !== undefined) lines.push(next);
        if (next === undefined || last.test(next)) return lines.join('\n');
      }
    },
    chunk: () => reader.chunk(20_000),
    async rest() {
      let all = '';
      for (let chunk = await reader.chunk(20_000); chunk !== undefined; chunk = await reader.chunk(20_000))
        all += chunk.toString('latin1');
      heard += all;
      return all;
    },
    heard: () => heard,
    async startTls(options = {}) {
      const secure = connectSecurely({ socket: reader.release(), rejectUnauthorized: false, ...options });
      await once(secure, 'secureConnect');
      return lineDevice(secure);
    },
  };
};

/** `tls`: from the first byte. */
export const dial = async (port: number, tls?: ConnectionOptions): Promise<LineDevice> => {
  if (tls === undefined) {
    const socket = connectPlainly(port, '127.0.0.1');
    await once(socket, 'connect');
    return lineDevice(socket);
  }
  const secure = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false, ...tls });
  await once(secure, 'secureConnect');
  return lineDevice(secure);
};
