import type { Socket } from 'node:net';
import { arrive } from '../../shared/adapters/mail-probe/arrival.ts';
import { type Deadline, deadlineIn } from '../../shared/adapters/mail-probe/deadline.ts';
import type { Dialect, Offer } from '../../shared/adapters/mail-probe/dialect.ts';
import { type Outcome, stepRecorder } from '../../shared/adapters/mail-probe/steps.ts';
import { codeOf } from '../../shared/adapters/mail-probe/tls-troubles.ts';
import type { FailedStep, ReceiveProtocol, TestStep, Verdict } from '../../shared/domain/connection-test.ts';
import { cleanReply } from '../../shared/domain/mail-replies.ts';
import type { MailServer } from '../../shared/domain/provider.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { PROTOCOL_NAMES } from '../../shared/domain/test-replies.ts';
import { xoauth2InitialResponse } from '../../shared/protocol/xoauth2.ts';
import { type ByteReader, byteReader } from './byte-reader.ts';
import { connectThrough } from './connect-through.ts';
import type { ProxyDeps } from './options.ts';

export interface ProviderWish {
  readonly protocol: ReceiveProtocol;
  readonly dialect: Dialect;
  readonly server: MailServer;
  readonly address: string;
  readonly accessToken: string;
  readonly limitMs: number;
}

/** Signed in; nothing has been asked since. */
export interface ProviderSession {
  readonly reader: ByteReader;
  /** What it can do now, which may be more than before the sign-in (RFC 9051 section 6.2). Of POP3 nobody asks. */
  readonly offer: Offer | undefined;
}

/** Of this machine's network, and of a proxy in between (`connect-through.ts`). */
const UNREACHED: Readonly<Record<string, Verdict>> = {
  ENOTFOUND: 'name_unknown',
  EAI_AGAIN: 'name_lookup_failed',
  ECONNREFUSED: 'tcp_refused',
  ECONNRESET: 'tcp_refused',
  ETIMEDOUT: 'tcp_silent',
  TimeoutError: 'tcp_silent',
};

const directly = connectThrough(undefined);

const reach = async (
  { server, limitMs }: ProviderWish,
  { connect = ({ host, port }, signal) => directly(host, port, signal) }: Pick<ProxyDeps, 'connect'>,
): Promise<Outcome<Socket>> => {
  try {
    const socket = await connect(server, AbortSignal.timeout(limitMs));
    return ok({ seen: 'tcp', value: socket });
  } catch (error) {
    const name = error instanceof Error && error.name === 'TimeoutError' ? error.name : codeOf(error);
    return fail({ why: UNREACHED[name] ?? 'tcp_unreachable', said: error instanceof Error ? error.message : name });
  }
};

/** What the steps of the connection test are given: each thing has its time within the whole. */
const travelling = (
  wish: ProviderWish,
  deps: Pick<ProxyDeps, 'ca'>,
  deadline: Deadline,
  secrets: readonly string[],
) => {
  const { server, protocol, address, dialect, limitMs } = wish;
  const known = { host: server.host, port: server.port, protocol: PROTOCOL_NAMES[protocol], account: address };
  const recorder = stepRecorder(known, (text) => cleanReply(text, secrets));
  const limits = { lookupMs: limitMs, connectMs: limitMs, tlsMs: limitMs, silenceMs: limitMs };
  return { recorder, dialect, deadline, limits, trust: { server, ca: deps.ca?.(server) } };
};

/**
 * To the provider's server, over verified TLS 1.2 or newer, and signed in by the token: the same steps as the connection test,
 * so that a refusal has the same words. Every wait is within `limitMs`.
 */
export const openProviderSession = async (
  wish: ProviderWish,
  deps: Pick<ProxyDeps, 'ca' | 'connect'>,
): Promise<Result<ProviderSession, FailedStep>> => {
  const { dialect, server, address, accessToken, protocol } = wish;
  const initialResponse = xoauth2InitialResponse(address, accessToken);
  const deadline = deadlineIn(wish.limitMs);
  const luggage = travelling(wish, deps, deadline, [accessToken, initialResponse]);
  const { recorder } = luggage;
  const failed = (steps: readonly TestStep[]): Result<never, FailedStep> => {
    const last = steps.at(-1);
    if (last?.outcome !== 'failed') throw new Error('A step ended the way to the provider and left no trace.');
    return fail(last);
  };

  const reached = await recorder.track('tcp', () => reach(wish, deps));
  if (reached === undefined) return failed(recorder.steps);
  const socket = reached.value;
  const arrived = await arrive(luggage, socket, server.host);
  const signedIn =
    arrived &&
    (await recorder.track('auth', async (): Promise<Outcome<ProviderSession>> => {
      const { talk } = arrived;
      const outcome = await dialect.signIn(talk, arrived.offer, { initialResponse });
      if (!outcome.ok) return outcome;
      const offered = protocol === 'imap' ? await dialect.offer(talk) : ok(undefined);
      if (!offered.ok) return offered;
      // In the same turn as the last line was read: nothing can have come in between.
      const bare = talk.handOver();
      if (!bare.ok) return fail({ ...bare.error, why: 'other_protocol' });
      return ok({ seen: 'auth', value: { reader: byteReader(bare.value), offer: offered.value } });
    }));
  if (signedIn !== undefined) return ok(signedIn.value);
  socket.destroy();
  return failed(recorder.steps);
};
