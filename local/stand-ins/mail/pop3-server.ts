import type { WaitingMessage } from './inboxes.ts';
import { type ReceiveOptions, type ReceiveSession, type ReceiveStandIn, startReceiving } from './receiving.ts';

const CAPABILITIES = ['TOP', 'UIDL', 'RESP-CODES', 'SASL XOAUTH2'];

/** In the words of Gmail, which tells why. */
const SWITCHED_OFF = '[SYS/PERM] Your account is not enabled for POP access.';
const NOT_ACCEPTED = '[AUTH] Username and password not accepted.';

/** RFC 1939 section 3: a line that begins with a dot gets another. */
const multiline = (text: string): readonly string[] => [
  ...text
    .replace(/\r\n$/, '')
    .split('\r\n')
    .map((line) => line.replace(/^\./, '..')),
  '.',
];

/** The mailbox of one session: numbers stay, deletions count at the end (RFC 1939 section 5). */
interface Maildrop {
  readonly address: string;
  readonly messages: readonly WaitingMessage[];
  readonly deleted: Set<number>;
}

const headOf = (text: string, lines: number): string => {
  const [head = '', body = ''] = text.split(/\r\n\r\n(.*)/s);
  return `${head}\r\n\r\n${body.split('\r\n').slice(0, lines).join('\r\n')}`;
};

/** Commands of the transaction state. */
const transaction = (verb: string, args: readonly string[], drop: Maildrop): readonly string[] => {
  const { messages, deleted } = drop;
  const left = messages.filter(({ uid }) => !deleted.has(uid));
  const number = Number(args[0]);
  const message = messages[number - 1];
  const found = message !== undefined && !deleted.has(message.uid) ? message : undefined;
  const missing = ['-ERR no such message'];
  const list = (value: (one: WaitingMessage) => unknown): readonly string[] => {
    if (args[0] !== undefined) return found ? [`+OK ${number} ${value(found)}`] : missing;
    return ['+OK', ...left.map((one) => `${messages.indexOf(one) + 1} ${value(one)}`), '.'];
  };
  switch (verb) {
    case 'STAT':
      return [`+OK ${left.length} ${left.reduce((sum, { text }) => sum + text.length, 0)}`];
    case 'LIST':
      return list(({ text }) => text.length);
    case 'UIDL':
      return list(({ uid }) => `stand-in-${uid}`);
    case 'RETR':
      return found ? ['+OK', ...multiline(found.text)] : missing;
    case 'TOP':
      return found ? ['+OK', ...multiline(headOf(found.text, Number(args[1] ?? 0)))] : missing;
    case 'DELE':
      if (found) deleted.add(found.uid);
      return found ? ['+OK deleted'] : missing;
    case 'RSET':
      deleted.clear();
      return ['+OK'];
    case 'NOOP':
      return ['+OK'];
    default:
      return ['-ERR unknown command'];
  }
};

const pop3 = ({ client, inboxes, faultAt, signIn }: ReceiveSession) => {
  let drop: Maildrop | undefined;
  /** What the next line answers, where it is no command. */
  let awaited: ((line: string) => Promise<void> | void) | undefined;

  const authenticate = async (response: string): Promise<void> => {
    const refused = await faultAt('AUTH');
    if (refused !== undefined) return client.send(`-ERR ${refused}`);
    const outcome = await signIn(response);
    if (outcome.outcome === 'signed_in') {
      const { address } = outcome;
      drop = { address, messages: inboxes.of(address), deleted: new Set() };
      return client.send('+OK User successfully logged on.');
    }
    const verdict = (): void => client.send(`-ERR ${NOT_ACCEPTED}`);
    if (outcome.challenge === undefined) return verdict();
    awaited = verdict;
    client.send(`+ ${outcome.challenge}`);
  };

  const command = async (line: string): Promise<void> => {
    const [verb = '', ...args] = line.toUpperCase().split(' ');
    if (verb === 'QUIT') {
      if (drop) inboxes.delete(drop.address, drop.deleted);
      client.send('+OK bye');
      return client.hangUp();
    }
    if (verb === 'CAPA') {
      const starts = client.isSecure() ? CAPABILITIES : ['STLS', 'RESP-CODES'];
      return client.send('+OK', ...starts, '.');
    }
    if (drop) {
      const refused = verb === 'STAT' ? await faultAt('MAILBOX') : undefined;
      return client.send(...(refused === undefined ? transaction(verb, args, drop) : [`-ERR ${refused}`]));
    }
    if (verb === 'STLS' && !client.isSecure()) {
      client.send('+OK begin TLS');
      return client.startTls();
    }
    if (verb !== 'AUTH' || args[0] !== 'XOAUTH2' || !client.isSecure()) return client.send('-ERR sign in first');
    awaited = authenticate;
    client.send('+ ');
  };

  return async (line: string | undefined): Promise<void> => {
    if (line === undefined) {
      const refused = await faultAt('CONNECT');
      client.send(refused === undefined ? '+OK The stand-in POP3 service is ready.' : `-ERR ${refused}`);
      if (refused !== undefined) client.hangUp();
      return;
    }
    const answer = awaited ?? command;
    awaited = undefined;
    await answer(line);
  };
};

/** A mailbox by POP3 (RFC 1939) with XOAUTH2 alone (RFC 5034), and only over TLS. */
export const startPop3StandIn = (options: ReceiveOptions): Promise<ReceiveStandIn> =>
  startReceiving(options, SWITCHED_OFF, pop3);
