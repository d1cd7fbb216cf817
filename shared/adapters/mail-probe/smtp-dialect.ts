import type { Verdict } from '../../domain/connection-test.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { SmtpStep } from '../../domain/smtp-replies.ts';
import { smtpVerdict } from '../../domain/test-replies.ts';
import type { ProbeRequest } from '../../ports/mail-probe.ts';
import type { Conversation } from './conversation.ts';
import {
  type Credentials,
  challengeText,
  type Dialect,
  type FurtherStep,
  featuresOf,
  mustOffer,
  type Offer,
  withReason,
  wordsOf,
} from './dialect.ts';
import type { Outcome, Trouble } from './steps.ts';

interface Reply {
  readonly code: number;
  /** `250 2.1.0 OK`: code and text of all lines in one. */
  readonly said: string;
  readonly lines: readonly string[];
}

/** More than any list of extensions; a reply without an end is none. */
const REPLY_LINES = 100;

/** RFC 5321 section 4.2.1. */
const REPLY_LINE = /^(\d{3})(?:([ -])(.*))?$/;

const readReply = async (talk: Conversation): Promise<Result<Reply, Trouble>> => {
  const patience = talk.patience();
  const lines: string[] = [];
  while (lines.length < REPLY_LINES) {
    const line = await talk.line(patience);
    if (!line.ok) return line;
    const [, code = '', separator = ' ', text = ''] = REPLY_LINE.exec(line.value) ?? [];
    if (code === '') return fail({ why: 'other_protocol', said: line.value });
    lines.push(text);
    if (separator !== '-') return ok({ code: Number(code), said: `${code} ${lines.join(' ')}`, lines });
  }
  return fail({ why: 'other_protocol', said: lines[0] ?? '' });
};

const say = (talk: Conversation, command: string): Promise<Result<Reply, Trouble>> => {
  talk.send(`${command}\r\n`);
  return readReply(talk);
};

/** Below 400 it is no refusal, but it was not asked for either. */
const refusal = ({ code, said }: Reply, step: SmtpStep): Result<never, Trouble> =>
  fail({ why: code < 400 ? 'other_protocol' : smtpVerdict(said, step), said });

/** The class of a reply (RFC 5321 section 4.2.1). */
const isPositive = ({ code }: Reply): boolean => code >= 200 && code < 300;

const greet = async (talk: Conversation): Promise<Result<string, Trouble>> => {
  const greeting = await readReply(talk);
  if (!greeting.ok) return greeting;
  return greeting.value.code === 220 ? ok(greeting.value.said) : refusal(greeting.value, 'connect');
};

/** By an address literal, as a client does that has no name of its own (RFC 5321 section 4.1.4). */
const offer = async (talk: Conversation): Promise<Result<Offer, Trouble>> => {
  const reply = await say(talk, 'EHLO [127.0.0.1]');
  if (!reply.ok) return reply;
  if (!isPositive(reply.value)) return refusal(reply.value, 'connect');
  const features = featuresOf(reply.value.lines.slice(1));
  return ok({ features, mechanisms: wordsOf(features.get('AUTH')) });
};

const askForTls = async (talk: Conversation): Promise<Result<undefined, Trouble>> => {
  const reply = await say(talk, 'STARTTLS');
  if (!reply.ok) return reply;
  return reply.value.code === 220 ? ok(undefined) : fail({ why: 'starttls_refused', said: reply.value.said });
};

const signIn = async (
  talk: Conversation,
  offered: Offer,
  { initialResponse }: Credentials,
): Promise<Result<undefined, Trouble>> => {
  const fits = mustOffer(offered);
  if (!fits.ok) return fits;
  let reply = await say(talk, `AUTH XOAUTH2 ${initialResponse}`);
  if (!reply.ok) return reply;
  let reason = '';
  if (reply.value.code === 334) {
    reason = challengeText(reply.value.lines.join(''));
    // An empty line asks for the verdict.
    reply = await say(talk, '');
    if (!reply.ok) return reply;
  }
  if (reply.value.code === 235) return ok(undefined);
  const { said } = reply.value;
  return fail({ why: smtpVerdict(said, 'sign_in'), said: withReason(said, reason) });
};

/** RFC 6531 section 3.4: where an address needs it, and the server has it. */
const mailParameters = (addresses: readonly string[], { features }: Offer): string =>
  features.has('SMTPUTF8') && addresses.some((address) => /[^\x20-\x7e]/.test(address)) ? ' SMTPUTF8' : '';

const envelope = async (
  talk: Conversation,
  offered: Offer,
  sender: string,
  recipient: string,
): Promise<Outcome<undefined>> => {
  const from = await say(talk, `MAIL FROM:<${sender}>${mailParameters([sender, recipient], offered)}`);
  if (!from.ok) return from;
  if (!isPositive(from.value)) return refusal(from.value, 'sender');
  const to = await say(talk, `RCPT TO:<${recipient}>`);
  if (!to.ok) return to;
  if (!isPositive(to.value)) return refusal(to.value, 'recipient');
  return ok({ seen: 'envelope', value: undefined });
};

/** RFC 5321 section 4.5.2. */
const dotStuffed = (content: string): string => `${content.replace(/(?:\r\n)?$/, '\r\n').replace(/^\./gm, '..')}.\r\n`;

/** From the final dot on nobody knows what became of the message until the server says so (RFC 1047). */
const AFTER_THE_DOT: ReadonlySet<Verdict> = new Set(['dropped', 'silent', 'out_of_time']);

const message = async (talk: Conversation, content: string): Promise<Outcome<undefined>> => {
  const ready = await say(talk, 'DATA');
  if (!ready.ok) return ready;
  if (ready.value.code !== 354) return refusal(ready.value, 'message');
  talk.send(dotStuffed(content));
  const taken = await readReply(talk);
  if (!taken.ok) return AFTER_THE_DOT.has(taken.error.why) ? fail({ why: 'outcome_unknown' }) : taken;
  if (!isPositive(taken.value)) return refusal(taken.value, 'message');
  return ok({ seen: 'message', facts: { said: taken.value.said }, value: undefined });
};

/** Submission (RFC 6409) with SASL XOAUTH2. */
export const smtpDialect = (request: Extract<ProbeRequest, { protocol: 'smtp' }>): Dialect => ({
  greet,
  offer,
  startTls: { feature: 'STARTTLS', ask: askForTls },
  // RFC 1870 section 3: 0 is no limit.
  sizeBytes: ({ features }) => Number(/^\d{1,15}$/.exec(features.get('SIZE') ?? '')?.[0] ?? 0) || undefined,
  signIn,
  further(offered): readonly FurtherStep[] {
    const { user, recipient, content } = request;
    return [
      {
        step: 'envelope',
        act: async (talk) => {
          const outcome = await envelope(talk, offered, user, recipient);
          // Nothing is sent: the transaction is given up, whatever is said to that.
          if (outcome.ok && content === undefined) await say(talk, 'RSET');
          return outcome;
        },
      },
      { step: 'message', act: content === undefined ? undefined : (talk) => message(talk, content) },
    ];
  },
  goodbye: 'QUIT\r\n',
});
