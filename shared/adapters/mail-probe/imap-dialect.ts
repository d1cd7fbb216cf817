import { fail, ok, type Result } from '../../domain/result.ts';
import { receiveVerdict } from '../../domain/test-replies.ts';
import type { Conversation } from './conversation.ts';
import {
  type Credentials,
  challengeText,
  type Dialect,
  featuresOf,
  mustOffer,
  type Offer,
  withReason,
} from './dialect.ts';
import type { Outcome, Trouble } from './steps.ts';

/** What a server may tell unasked in one reply; the commands here have short ones. */
const REPLY_LINES = 200;

/** RFC 3501 section 7.1. */
interface Reply {
  readonly positive: boolean;
  /** Without its tag: `NO [AUTHENTICATIONFAILED] Invalid credentials`. */
  readonly said: string;
  readonly untagged: readonly string[];
}

/** RFC 3501 section 7.5: it waits for the rest of a command. */
type Turn = { readonly kind: 'reply'; readonly reply: Reply } | { readonly kind: 'more'; readonly text: string };

const readTurn = async (talk: Conversation, tag: string): Promise<Result<Turn, Trouble>> => {
  const patience = talk.patience();
  const untagged: string[] = [];
  while (untagged.length < REPLY_LINES) {
    const line = await talk.line(patience);
    if (!line.ok) {
      // What it said before it hung up (RFC 3501 section 7.1.5) tells more than that it did.
      const bye = untagged.find((text) => /^BYE\b/i.test(text));
      return bye === undefined ? line : fail({ ...line.error, said: bye });
    }
    const text = line.value;
    if (text.startsWith('* ')) untagged.push(text.slice(2));
    else if (text.startsWith('+')) return ok({ kind: 'more', text: text.slice(1).trim() });
    else {
      const [, said = '', status = ''] = new RegExp(`^${tag} ((OK|NO|BAD)\\b.*)$`, 'i').exec(text) ?? [];
      if (said === '') return fail({ why: 'other_protocol', said: text });
      return ok({ kind: 'reply', reply: { positive: status.toUpperCase() === 'OK', said, untagged } });
    }
  }
  return fail({ why: 'other_protocol', said: untagged[0] ?? '' });
};

/** Each command has its own; one connection has few of them. */
const TAGS = { capability: 'A1', startTls: 'A2', signIn: 'A3', examine: 'A4', logout: 'A5' } as const;

const say = async (talk: Conversation, tag: string, command: string): Promise<Result<Reply, Trouble>> => {
  talk.send(`${tag} ${command}\r\n`);
  const turn = await readTurn(talk, tag);
  if (!turn.ok) return turn;
  return turn.value.kind === 'reply' ? ok(turn.value.reply) : fail({ why: 'other_protocol', said: turn.value.text });
};

const greet = async (talk: Conversation): Promise<Result<string, Trouble>> => {
  const line = await talk.line(talk.patience());
  if (!line.ok) return line;
  const [, said = '', status = ''] = /^\* ((OK|BYE)\b.*)$/i.exec(line.value) ?? [];
  if (said === '') return fail({ why: 'other_protocol', said: line.value });
  if (status.toUpperCase() === 'OK') return ok(said);
  const why = receiveVerdict(said, 'mailbox');
  return fail({ why: why === 'mailbox_refused' ? 'server_refuses' : why, said });
};

const offer = async (talk: Conversation): Promise<Result<Offer, Trouble>> => {
  const reply = await say(talk, TAGS.capability, 'CAPABILITY');
  if (!reply.ok) return reply;
  const words = reply.value.untagged.flatMap((text) => (/^CAPABILITY (.*)$/i.exec(text)?.[1] ?? '').split(' '));
  const mechanisms = words
    .map((word) => /^AUTH=(.+)$/i.exec(word)?.[1]?.toUpperCase())
    .filter((name) => name !== undefined);
  return ok({ features: featuresOf(words), mechanisms });
};

const askForTls = async (talk: Conversation): Promise<Result<undefined, Trouble>> => {
  const reply = await say(talk, TAGS.startTls, 'STARTTLS');
  if (!reply.ok) return reply;
  return reply.value.positive ? ok(undefined) : fail({ why: 'starttls_refused', said: reply.value.said });
};

/** RFC 4959: with the command where that is offered, else when the server asks for it. */
const signIn = async (
  talk: Conversation,
  offered: Offer,
  { initialResponse }: Credentials,
): Promise<Result<undefined, Trouble>> => {
  const fits = mustOffer(offered);
  if (!fits.ok) return fits;
  const atOnce = offered.features.has('SASL-IR');
  const answers = atOnce ? [''] : [initialResponse, ''];
  talk.send(`${TAGS.signIn} AUTHENTICATE XOAUTH2${atOnce ? ` ${initialResponse}` : ''}\r\n`);
  let reason = '';
  for (;;) {
    const turn = await readTurn(talk, TAGS.signIn);
    if (!turn.ok) return turn;
    if (turn.value.kind === 'reply') {
      const { positive, said } = turn.value.reply;
      return positive ? ok(undefined) : fail({ why: receiveVerdict(said, 'auth'), said: withReason(said, reason) });
    }
    const answer = answers.shift();
    if (answer === undefined) return fail({ why: 'other_protocol', said: turn.value.text });
    if (answer === '') reason = challengeText(turn.value.text);
    talk.send(`${answer}\r\n`);
  }
};

/** Read-only: no flag and no UID is touched (RFC 3501 section 6.3.2). */
const examine = async (talk: Conversation): Promise<Outcome<undefined>> => {
  const reply = await say(talk, TAGS.examine, 'EXAMINE INBOX');
  if (!reply.ok) return reply;
  const { positive, said, untagged } = reply.value;
  if (!positive) return fail({ why: receiveVerdict(said, 'mailbox'), said });
  const messages = untagged.map((text) => /^(\d{1,9}) EXISTS$/i.exec(text)?.[1]).find((count) => count !== undefined);
  if (messages === undefined) return fail({ why: 'other_protocol', said });
  return ok({ seen: 'mailbox', facts: { messages: Number(messages) }, value: undefined });
};

/** RFC 3501 with SASL XOAUTH2; the inbox is looked at, and nothing in it. */
export const imapDialect: Dialect = {
  greet,
  offer,
  startTls: { feature: 'STARTTLS', ask: askForTls },
  sizeBytes: () => undefined,
  signIn,
  further: () => [{ step: 'mailbox', act: examine }],
  goodbye: `${TAGS.logout} LOGOUT\r\n`,
};
