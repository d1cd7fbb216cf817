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
  wordsOf,
} from './dialect.ts';
import type { Outcome, Trouble } from './steps.ts';

/** More than any list of capabilities. */
const LIST_LINES = 100;

/** RFC 1939 section 3. */
type Status = { readonly positive: boolean; readonly said: string };

const readStatus = async (talk: Conversation): Promise<Result<Status, Trouble>> => {
  const line = await talk.line(talk.patience());
  if (!line.ok) return line;
  const said = line.value;
  if (!/^(\+OK|-ERR)\b/.test(said)) return fail({ why: 'other_protocol', said });
  return ok({ positive: said.startsWith('+'), said });
};

const say = (talk: Conversation, command: string): Promise<Result<Status, Trouble>> => {
  talk.send(`${command}\r\n`);
  return readStatus(talk);
};

const greet = async (talk: Conversation): Promise<Result<string, Trouble>> => {
  const status = await readStatus(talk);
  if (!status.ok) return status;
  const { positive, said } = status.value;
  if (positive) return ok(said);
  const why = receiveVerdict(said, 'mailbox');
  return fail({ why: why === 'mailbox_refused' ? 'server_refuses' : why, said });
};

/** RFC 2449 section 5. A server without CAPA offers nothing that is known of. */
const offer = async (talk: Conversation): Promise<Result<Offer, Trouble>> => {
  const status = await say(talk, 'CAPA');
  if (!status.ok) return status;
  const lines: string[] = [];
  const patience = talk.patience();
  while (status.value.positive && lines.at(-1) !== '.') {
    const line = await talk.line(patience);
    if (!line.ok) return line;
    if (lines.length === LIST_LINES) return fail({ why: 'other_protocol', said: status.value.said });
    lines.push(line.value);
  }
  const features = featuresOf(lines);
  return ok({ features, mechanisms: wordsOf(features.get('SASL')) });
};

const askForTls = async (talk: Conversation): Promise<Result<undefined, Trouble>> => {
  const status = await say(talk, 'STLS');
  if (!status.ok) return status;
  return status.value.positive ? ok(undefined) : fail({ why: 'starttls_refused', said: status.value.said });
};

/** RFC 5034: the token on a line of its own, since a command has no more than 255 octets (RFC 2449 section 4). */
const signIn = async (
  talk: Conversation,
  offered: Offer,
  { initialResponse }: Credentials,
): Promise<Result<undefined, Trouble>> => {
  const fits = mustOffer(offered);
  if (!fits.ok) return fits;
  const answers = [initialResponse, ''];
  let reason = '';
  talk.send('AUTH XOAUTH2\r\n');
  for (;;) {
    const line = await talk.line(talk.patience());
    if (!line.ok) return line;
    const said = line.value;
    if (/^\+OK\b/.test(said)) return ok(undefined);
    const answer = answers.shift();
    const [, challenge] = /^\+(?: (.*)|)$/.exec(said) ?? ['', undefined];
    if (!said.startsWith('+') || answer === undefined) {
      if (!/^[+-]/.test(said)) return fail({ why: 'other_protocol', said });
      return fail({ why: receiveVerdict(said, 'auth'), said: withReason(said, reason) });
    }
    if (answer === '') reason = challengeText(challenge ?? '');
    talk.send(`${answer}\r\n`);
  }
};

const stat = async (talk: Conversation): Promise<Outcome<undefined>> => {
  const status = await say(talk, 'STAT');
  if (!status.ok) return status;
  const { positive, said } = status.value;
  const [, messages] = /^\+OK (\d{1,9}) \d+/.exec(said) ?? [];
  if (positive && messages !== undefined)
    return ok({ seen: 'mailbox', facts: { messages: Number(messages) }, value: undefined });
  return fail({ why: positive ? 'other_protocol' : receiveVerdict(said, 'mailbox'), said });
};

/** RFC 1939 with SASL XOAUTH2; nothing is read and nothing deleted. */
export const popDialect: Dialect = {
  greet,
  offer,
  startTls: { feature: 'STLS', ask: askForTls },
  sizeBytes: () => undefined,
  signIn,
  further: () => [{ step: 'mailbox', act: stat }],
  goodbye: 'QUIT\r\n',
};
