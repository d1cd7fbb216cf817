import type { WaitingMessage } from './inboxes.ts';
import { type ReceiveOptions, type ReceiveSession, type ReceiveStandIn, startReceiving } from './receiving.ts';

/** In the words of Gmail, which tells why. */
const SWITCHED_OFF = '[ALERT] Your account is not enabled for IMAP use.';
const NOT_ACCEPTED = '[AUTHENTICATIONFAILED] Invalid credentials (Failure)';

const UID_VALIDITY = 1;
const SECURE_CAPABILITIES = 'IMAP4rev1 SASL-IR AUTH=XOAUTH2';
const PLAIN_CAPABILITIES = 'IMAP4rev1 STARTTLS LOGINDISABLED';

/** Whether a set such as `1:*,7` has a number (RFC 3501 section 9, sequence-set). */
const isIn = (set: string, number: number, last: number): boolean =>
  set.split(',').some((range) => {
    const [from = 0, to = from] = range.split(':').map((end) => (end === '*' ? last : Number(end)));
    return number >= Math.min(from, to) && number <= Math.max(from, to);
  });

const fetched = (messages: readonly WaitingMessage[], rest: string, byUid: boolean): readonly string[] => {
  const [set = '', what = ''] = rest.split(/ (.*)/s);
  const last = byUid ? (messages.at(-1)?.uid ?? 0) : messages.length;
  return messages.flatMap(({ uid, text }, index) => {
    if (!isIn(set, byUid ? uid : index + 1, last)) return [];
    const basics = `UID ${uid} FLAGS () RFC822.SIZE ${text.length} INTERNALDATE "05-Nov-2026 10:00:00 +0000"`;
    const body = /BODY(\.PEEK)?\[|RFC822(?!\.)/i.test(what) ? ` BODY[] {${text.length}}\r\n${text}` : '';
    return [`* ${index + 1} FETCH (${basics}${body})`];
  });
};

const selected = (messages: readonly WaitingMessage[]): readonly string[] => [
  '* FLAGS (\\Seen \\Deleted)',
  `* ${messages.length} EXISTS`,
  '* 0 RECENT',
  '* OK [PERMANENTFLAGS ()] Nothing is kept',
  `* OK [UIDVALIDITY ${UID_VALIDITY}] UIDs valid`,
  `* OK [UIDNEXT ${(messages.at(-1)?.uid ?? 0) + 1}] Predicted`,
];

/** Untagged answers. What is not known here is answered with a bare OK. */
const answerTo = (
  verb: string,
  rest: string,
  byUid: boolean,
  messages: readonly WaitingMessage[],
): readonly string[] => {
  switch (verb) {
    case 'LIST':
    case 'LSUB':
      return [/""$/.test(rest) ? `* ${verb} (\\Noselect) "/" ""` : `* ${verb} () "/" "INBOX"`];
    case 'SELECT':
    case 'EXAMINE':
      return selected(messages);
    case 'STATUS': {
      const counts = `MESSAGES ${messages.length} UIDVALIDITY ${UID_VALIDITY} UIDNEXT ${(messages.at(-1)?.uid ?? 0) + 1}`;
      return [`* STATUS "INBOX" (${counts})`];
    }
    case 'SEARCH':
      return [['* SEARCH', ...messages.map(({ uid }, index) => (byUid ? uid : index + 1))].join(' ')];
    case 'FETCH':
      return fetched(messages, rest, byUid);
    default:
      return [];
  }
};

const OPENS = new Set(['SELECT', 'EXAMINE', 'STATUS']);

const imap = ({ client, inboxes, faultAt, signIn }: ReceiveSession) => {
  let address: string | undefined;
  /** What the next line answers, where it is no command. */
  let awaited: ((line: string) => Promise<void> | void) | undefined;
  const capabilities = (): string => (client.isSecure() ? SECURE_CAPABILITIES : PLAIN_CAPABILITIES);

  const authenticate = async (tag: string, response: string): Promise<void> => {
    const refused = await faultAt('AUTH');
    if (refused !== undefined) return client.send(`${tag} NO ${refused}`);
    const outcome = await signIn(response);
    if (outcome.outcome === 'signed_in') {
      address = outcome.address;
      return client.send(`${tag} OK AUTHENTICATE completed.`);
    }
    const verdict = (): void => client.send(`${tag} NO ${NOT_ACCEPTED}`);
    if (outcome.challenge === undefined) return verdict();
    awaited = verdict;
    client.send(`+ ${outcome.challenge}`);
  };

  const beforeSignIn = async (tag: string, verb: string, rest: string): Promise<void> => {
    const [mechanism = '', response] = rest.split(' ');
    if (verb === 'STARTTLS' && !client.isSecure()) {
      client.send(`${tag} OK begin TLS`);
      return client.startTls();
    }
    if (verb !== 'AUTHENTICATE' || mechanism.toUpperCase() !== 'XOAUTH2' || !client.isSecure()) {
      return client.send(`${tag} NO sign in first`);
    }
    if (response !== undefined) return authenticate(tag, response);
    awaited = (line) => authenticate(tag, line);
    client.send('+ ');
  };

  const command = async (line: string): Promise<void> => {
    const [tag = '', text = ''] = line.split(/ (.*)/s);
    const byUid = /^UID /i.test(text);
    const [word = '', rest = ''] = text.replace(/^UID /i, '').split(/ (.*)/s);
    const verb = word.toUpperCase();
    if (verb === 'LOGOUT') {
      client.send('* BYE for now', `${tag} OK bye`);
      return client.hangUp();
    }
    if (verb === 'CAPABILITY') return client.send(`* CAPABILITY ${capabilities()}`, `${tag} OK done`);
    if (verb === 'NOOP') return client.send(`${tag} OK done`);
    if (address === undefined) return beforeSignIn(tag, verb, rest);
    const refused = OPENS.has(verb) ? await faultAt('MAILBOX') : undefined;
    if (refused !== undefined) return client.send(`${tag} NO ${refused}`);
    client.send(...answerTo(verb, rest, byUid, inboxes.of(address)), `${tag} OK done`);
  };

  return async (line: string | undefined): Promise<void> => {
    if (line === undefined) {
      const refused = await faultAt('CONNECT');
      client.send(refused === undefined ? `* OK [CAPABILITY ${capabilities()}] ready` : `* BYE ${refused}`);
      if (refused !== undefined) client.hangUp();
      return;
    }
    const answer = awaited ?? command;
    awaited = undefined;
    await answer(line);
  };
};

/** A mailbox by IMAP (RFC 3501) with XOAUTH2 alone, and only over TLS: enough for a client that reads. Nothing changes in it. */
export const startImapStandIn = (options: ReceiveOptions): Promise<ReceiveStandIn> =>
  startReceiving(options, SWITCHED_OFF, imap);
