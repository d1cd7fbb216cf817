import type { Socket } from 'node:net';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Conversation, converse } from './conversation.ts';
import type { Deadline } from './deadline.ts';
import type { Dialect, Offer } from './dialect.ts';
import { answersTls, secureConnection, type TlsWish } from './network.ts';
import type { Outcome, StepRecorder, Trouble } from './steps.ts';

/** How long each thing is waited for. A good server needs a fraction; all together stay within the test's own limit. */
export interface ProbeLimits {
  readonly lookupMs: number;
  /** For each address. */
  readonly connectMs: number;
  readonly tlsMs: number;
  /** For one reply. */
  readonly silenceMs: number;
}

/** What a probe has with it on its way. */
export interface Luggage {
  readonly recorder: StepRecorder;
  readonly dialect: Dialect;
  readonly deadline: Deadline;
  readonly limits: ProbeLimits;
  readonly trust: TlsWish;
}

/** In the clear, before TLS. */
interface Greeted {
  readonly said: string;
  readonly offer: Offer;
}

/** Silence may mean that the server waits for TLS; that is worth another look. */
const greetPlainly = async (
  { dialect, deadline, limits, trust }: Luggage,
  talk: Conversation,
  address: string,
): Promise<Result<Greeted, Trouble>> => {
  const greeting = await dialect.greet(talk);
  if (greeting.ok) {
    const offer = await dialect.offer(talk);
    return offer.ok ? ok({ said: greeting.value, offer: offer.value }) : offer;
  }
  if (greeting.error.why !== 'silent') return greeting;
  const isTls = await answersTls(address, trust, deadline, limits.tlsMs);
  return isTls ? fail({ why: 'tls_from_first_byte' }) : greeting;
};

const startTls = async (
  { dialect }: Luggage,
  talk: Conversation,
  { features }: Offer,
): Promise<Result<Socket, Trouble>> => {
  if (!features.has(dialect.startTls.feature)) return fail({ why: 'starttls_missing' });
  const asked = await dialect.startTls.ask(talk);
  return asked.ok ? talk.handOver() : asked;
};

/** The greeting as it is told: what the server said, and how large a message may be. */
const seenGreeting = (dialect: Dialect, said: string, offer: Offer): Outcome<Offer> => {
  const sizeBytes = dialect.sizeBytes(offer);
  if (sizeBytes === undefined) return ok({ seen: 'greeting', facts: { said }, value: offer });
  const megabytes = Math.floor(sizeBytes / 1_000_000);
  return ok({ seen: 'greeting_with_size', facts: { said, megabytes }, value: offer });
};

/** The secured talk, past its greeting; undefined: a step failed. */
export const arrive = async (
  luggage: Luggage,
  socket: Socket,
  address: string,
): Promise<{ readonly talk: Conversation; readonly offer: Offer } | undefined> => {
  const { recorder, dialect, deadline, limits, trust } = luggage;
  let said: string | undefined;
  let goOverToTls = async (): Promise<Result<Socket, Trouble>> => ok(socket);
  if (trust.server.security === 'starttls') {
    const plain = converse(socket, deadline, limits.silenceMs);
    const greeting = await recorder.begin('greeting', () => greetPlainly(luggage, plain, address));
    if (greeting === undefined) return undefined;
    said = greeting.value.said;
    goOverToTls = () => startTls(luggage, plain, greeting.value.offer);
  }
  const secured = await recorder.track('tls', async () => {
    const bare = await goOverToTls();
    return bare.ok ? secureConnection(bare.value, trust, deadline, limits.tlsMs) : bare;
  });
  if (secured === undefined) return undefined;
  const talk = converse(secured.value, deadline, limits.silenceMs);
  const offer = await recorder.track('greeting', async () => {
    const greeting = said === undefined ? await dialect.greet(talk) : ok(said);
    if (!greeting.ok) return greeting;
    const offered = await dialect.offer(talk);
    return offered.ok ? seenGreeting(dialect, greeting.value, offered.value) : offered;
  });
  return offer && { talk, offer: offer.value };
};
