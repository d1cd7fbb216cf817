import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Verdict } from '../../domain/connection-test.ts';
import type { MailServer } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Deadline, within } from './deadline.ts';
import type { Outcome, Trouble } from './steps.ts';
import { certificateFacts, codeOf, tlsTrouble } from './tls-troubles.ts';

export type Resolve = (host: string) => Promise<readonly string[]>;

/** As every client on this machine would: `hosts` file, resolver and all. */
export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/** More than any provider has behind one name; each costs time where none answers. */
const ADDRESSES_TRIED = 4;

/** The name has no address (getaddrinfo, RFC 3493 section 6.1); other codes are of the resolver. */
const UNKNOWN_NAME = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

export const lookUpName = async (
  host: string,
  resolve: Resolve,
  deadline: Deadline,
  limitMs: number,
): Promise<Outcome<readonly string[]>> => {
  if (isIP(host) !== 0) return ok({ seen: 'name_is_address', value: [host] });
  const patience = deadline.wait(limitMs);
  const found = await within(
    resolve(host).then(
      (addresses): Result<readonly string[], Trouble> =>
        addresses.length > 0 ? ok(addresses) : fail({ why: 'name_unknown' }),
      (error: unknown): Result<readonly string[], Trouble> => {
        const code = codeOf(error);
        return fail({ why: UNKNOWN_NAME.has(code) ? 'name_unknown' : 'name_lookup_failed', said: code });
      },
    ),
    patience,
  );
  if (found === undefined) return fail({ why: patience.why === 'silent' ? 'name_lookup_failed' : patience.why });
  return found.ok ? ok({ seen: 'name', facts: { addresses: found.value.join(', ') }, value: found.value }) : found;
};

const CONNECTION_VERDICTS: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: 'tcp_refused',
  ECONNRESET: 'tcp_refused',
  ETIMEDOUT: 'tcp_silent',
  ENETUNREACH: 'tcp_unreachable',
  EHOSTUNREACH: 'tcp_unreachable',
  EADDRNOTAVAIL: 'tcp_unreachable',
};

/** Of several addresses the trouble that tells most: a refusal shows that the way there is open. */
const TELLING: readonly Verdict[] = ['out_of_time', 'tcp_refused', 'tcp_silent', 'tcp_unreachable'];

const connectOne = async (
  address: string,
  port: number,
  deadline: Deadline,
  limitMs: number,
): Promise<Result<Socket, Trouble>> => {
  const socket = connectTcp({ host: address, port });
  const patience = deadline.wait(limitMs);
  const outcome = await within(
    new Promise<Result<Socket, Trouble>>((resolve) => {
      socket.once('connect', () => resolve(ok(socket)));
      socket.on('error', (error) => {
        const code = codeOf(error);
        resolve(fail({ why: CONNECTION_VERDICTS[code] ?? 'tcp_unreachable', said: code }));
      });
    }),
    patience,
  );
  if (outcome?.ok) return outcome;
  socket.destroy();
  return outcome ?? fail({ why: patience.why === 'silent' ? 'tcp_silent' : patience.why });
};

/** The first of the addresses that answers, in the resolver's order. */
export const connectToAny = async (
  addresses: readonly string[],
  port: number,
  deadline: Deadline,
  limitMs: number,
): Promise<Outcome<{ readonly socket: Socket; readonly address: string }>> => {
  const tried = addresses.slice(0, ADDRESSES_TRIED);
  const troubles: Trouble[] = [];
  for (const address of tried) {
    const began = performance.now();
    const connected = await connectOne(address, port, deadline, limitMs);
    if (connected.ok) {
      const milliseconds = Math.round(performance.now() - began);
      return ok({ seen: 'tcp', facts: { address, milliseconds }, value: { socket: connected.value, address } });
    }
    troubles.push(connected.error);
    if (connected.error.why === 'out_of_time') break;
  }
  const most = TELLING.map((why) => troubles.find((trouble) => trouble.why === why)).find((found) => found);
  return fail({ why: 'tcp_unreachable', ...most, facts: { addresses: tried.join(', ') } });
};

/** What the relay wants too. */
const LEAST_VERSION = 'TLSv1.2';

export interface TlsWish {
  readonly server: MailServer;
  /** PEM of the authorities to trust; Node's own, with those of NODE_EXTRA_CA_CERTS, when undefined. */
  readonly ca: string | undefined;
}

/**
 * A certificate that does not fit ends the step and not the handshake, so that it can be told which one it is. Nothing is ever
 * sent over a connection that is not `authorized`.
 */
const handshake = (socket: Socket, { server: { host }, ca }: TlsWish): TLSSocket =>
  connectTls({
    socket,
    // With the name of the server's certificate; an address has no place in SNI (RFC 6066 section 3).
    host,
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: LEAST_VERSION,
    rejectUnauthorized: false,
    ...(ca !== undefined && { ca }),
  });

/** Done, or why not; undefined: not in time. */
const secured = (secure: TLSSocket): Promise<Result<undefined, Trouble>> =>
  new Promise((resolve) => {
    secure.once('secureConnect', () => resolve(ok(undefined)));
    secure.on('error', (error) => resolve(fail(tlsTrouble(error))));
    secure.once('close', () => resolve(fail({ why: 'dropped' })));
  });

export const secureConnection = async (
  socket: Socket,
  wish: TlsWish,
  deadline: Deadline,
  limitMs: number,
): Promise<Outcome<TLSSocket>> => {
  const secure = handshake(socket, wish);
  const patience = deadline.wait(limitMs);
  const outcome = await within(secured(secure), patience);
  if (outcome === undefined) return fail({ why: patience.why });
  if (!outcome.ok) return outcome;
  const facts = certificateFacts(secure);
  if (!secure.authorized) {
    secure.destroy();
    return fail({ ...tlsTrouble(secure.authorizationError), facts });
  }
  return ok({ seen: 'tls', facts, value: secure });
};

/** Whether a server that said nothing would have answered TLS: asked over a connection of its own, and nothing is sent. */
export const answersTls = async (
  address: string,
  wish: TlsWish,
  deadline: Deadline,
  limitMs: number,
): Promise<boolean> => {
  const connected = await connectOne(address, wish.server.port, deadline, limitMs);
  if (!connected.ok) return false;
  const secure = handshake(connected.value, wish);
  const outcome = await within(secured(secure), deadline.wait(limitMs));
  secure.destroy();
  connected.value.destroy();
  return outcome?.ok === true;
};
