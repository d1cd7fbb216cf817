import type { Facts } from '../../domain/connection-test.ts';
import { cleanReply } from '../../domain/mail-replies.ts';
import type { MailServer } from '../../domain/provider.ts';
import { ok } from '../../domain/result.ts';
import { PROTOCOL_NAMES } from '../../domain/test-replies.ts';
import type { MailProbe, ProbeRequest } from '../../ports/mail-probe.ts';
import { xoauth2InitialResponse } from '../../protocol/xoauth2.ts';
import { arrive, type Luggage, type ProbeLimits } from './arrival.ts';
import type { Conversation } from './conversation.ts';
import { deadlineIn } from './deadline.ts';
import type { Credentials, Dialect, Offer } from './dialect.ts';
import { imapDialect } from './imap-dialect.ts';
import { connectToAny, lookUpName, type Resolve, systemResolve } from './network.ts';
import { popDialect } from './pop-dialect.ts';
import { smtpDialect } from './smtp-dialect.ts';
import { stepRecorder } from './steps.ts';

const LIMITS: ProbeLimits = { lookupMs: 5_000, connectMs: 4_000, tlsMs: 6_000, silenceMs: 8_000 };

export interface MailProbeOptions {
  /** PEM of the authorities to trust for this server; the system's when undefined. */
  readonly ca?: (server: MailServer) => string | undefined;
  readonly resolve?: Resolve;
  readonly limits?: Partial<ProbeLimits>;
}

const dialectOf = (request: ProbeRequest): Dialect => {
  if (request.protocol === 'smtp') return smtpDialect(request);
  return request.protocol === 'pop' ? popDialect : imapDialect;
};

/** What is known before the first step, and may stand in the words of any. */
const knownOf = (request: ProbeRequest): Facts => ({
  host: request.server.host,
  port: request.server.port,
  protocol: PROTOCOL_NAMES[request.protocol],
  account: request.user,
  ...(request.protocol === 'smtp' && { sender: request.user, recipient: request.recipient }),
});

/** Signed in, and further. */
const goOn = async (
  { recorder, dialect }: Luggage,
  { talk, offer }: { readonly talk: Conversation; readonly offer: Offer },
  credentials: Credentials,
): Promise<void> => {
  const signedIn = await recorder.track('auth', async () => {
    const outcome = await dialect.signIn(talk, offer, credentials);
    return outcome.ok ? ok({ seen: 'auth' as const, value: undefined }) : outcome;
  });
  if (signedIn === undefined) return;
  for (const { step, act } of dialect.further(offer)) {
    if (act === undefined) recorder.leaveOut(step);
    else if ((await recorder.track(step, () => act(talk))) === undefined) return;
  }
};

/** Straight over sockets: the libraries for these protocols keep their steps to themselves. */
export const socketMailProbe = (options: MailProbeOptions = {}): MailProbe => {
  const { ca = () => undefined, resolve = systemResolve } = options;
  const limits = { ...LIMITS, ...options.limits };

  return {
    async probe(request) {
      const { server, user, accessToken, limitMs } = request;
      const initialResponse = xoauth2InitialResponse(user, accessToken);
      const secrets = [accessToken, initialResponse];
      const recorder = stepRecorder(knownOf(request), (text) => cleanReply(text, secrets));
      const deadline = deadlineIn(limitMs);
      const trust = { server, ca: ca(server) };
      const luggage: Luggage = { recorder, dialect: dialectOf(request), deadline, limits, trust };

      const found = await recorder.track('name', () => lookUpName(server.host, resolve, deadline, limits.lookupMs));
      if (found === undefined) return recorder.steps;
      const addresses = found.value;
      const reached = await recorder.track('tcp', () =>
        connectToAny(addresses, server.port, deadline, limits.connectMs),
      );
      if (reached === undefined) return recorder.steps;
      const { socket, address } = reached.value;
      try {
        const arrived = await arrive(luggage, socket, address);
        if (arrived !== undefined) {
          await goOn(luggage, arrived, { initialResponse });
          await arrived.talk.end(luggage.dialect.goodbye);
        }
      } finally {
        socket.destroy();
      }
      return recorder.steps;
    },
  };
};
