import { type AddressInfo, createServer as createPlainServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TestCertificate } from './certificate.ts';

export interface ModelMail {
  readonly uid: string;
  readonly text: string;
}

/** Where a session may be ended by the provider: while nothing is asked, and around the answer to a command. */
export type CutAt = 'idle' | 'before' | 'refused' | 'middle' | 'after';

/** One session's end. After so many commands since the sign-in, counted from one. */
export interface Cut {
  readonly at: CutAt;
  readonly command: number;
}

export interface Pop3Model {
  readonly port: number;
  /** The mailbox as it is now, for everybody to change. */
  mailbox: ModelMail[];
  /** The ends of the next sessions, in their order; undefined: that one is not ended. */
  cuts: (Cut | undefined)[];
  /** All commands after the sign-in, of all sessions: `2 DELE 1`. */
  readonly commands: readonly string[];
  /** What was removed, by uid. */
  readonly removed: readonly string[];
  readonly sessions: () => number;
  /** Connections that are there just now. */
  readonly open: () => number;
  /** Every line before the sign-in. */
  readonly signIns: readonly string[];
  close(): Promise<void>;
}

export interface Pop3ModelOptions {
  /** TLS from the first byte; without it, in the clear. */
  readonly certificate?: TestCertificate;
  /** Whether SASL XOAUTH2 is to be gone through first; without it a session is signed in as it begins. */
  readonly asksToken?: boolean;
  /** Called when a session has been ended. */
  readonly onCut?: () => void;
  readonly accepts?: (accessToken: string) => boolean;
}

const stuffed = (text: string): string => `${text.replace(/\r\n$/, '').replace(/^\./gm, '..')}\r\n.\r\n`;

const listed = (messages: readonly (ModelMail | undefined)[], value: (mail: ModelMail) => unknown): string =>
  `+OK\r\n${messages.map((mail, index) => (mail ? `${index + 1} ${value(mail)}\r\n` : '')).join('')}.\r\n`;

/** One session, on the mailbox as it was when it began (RFC 1939 section 5). */
const startSession = (model: { mailbox: ModelMail[] }, removed: string[]) => {
  const messages = [...model.mailbox];
  const deleted = new Set<number>();
  const left = () => messages.map((mail, index) => (deleted.has(index + 1) ? undefined : mail));
  return (verb: string, argument: string): string => {
    const number = Number(argument.split(' ')[0]);
    const mail = left()[number - 1];
    const one = (value: string) => (mail ? `+OK ${number} ${value}\r\n` : '-ERR no such message\r\n');
    switch (verb) {
      case 'STAT':
        return `+OK ${left().filter(Boolean).length} 0\r\n`;
      case 'LIST':
        return argument === '' ? listed(left(), ({ text }) => text.length) : one(String(mail?.text.length));
      case 'UIDL':
        return argument === '' ? listed(left(), ({ uid }) => uid) : one(String(mail?.uid));
      case 'RETR':
      case 'TOP':
        return mail ? `+OK\r\n${stuffed(mail.text)}` : '-ERR no such message\r\n';
      case 'DELE':
        if (mail) deleted.add(number);
        return mail ? '+OK deleted\r\n' : '-ERR no such message\r\n';
      case 'RSET':
        deleted.clear();
        return '+OK\r\n';
      case 'NOOP':
        return '+OK\r\n';
      case 'XTND':
        return argument === 'MUTE' ? '' : '+OK\r\nwhatever\r\n.\r\n';
      case 'QUIT': {
        const gone = messages.filter((_, index) => deleted.has(index + 1));
        removed.push(...gone.map(({ uid }) => uid));
        model.mailbox = model.mailbox.filter((one) => !gone.includes(one));
        return '+OK bye\r\n';
      }
      default:
        return '-ERR what?\r\n';
    }
  };
};

const tokenIn = (response: string): string =>
  Buffer.from(response, 'base64').toString().split('\u0001')[1]?.replace('auth=Bearer ', '') ?? '';

/** A server of POP3 that ends its sessions where it is told to. */
export const startPop3Model = async (options: Pop3ModelOptions = {}): Promise<Pop3Model> => {
  const { certificate, asksToken = false, onCut = () => undefined, accepts = () => true } = options;
  const commands: string[] = [];
  const removed: string[] = [];
  const signIns: string[] = [];
  const sockets = new Set<Socket>();
  let sessions = 0;

  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    let input = '';
    let perform: ReturnType<typeof startSession> | undefined;
    let cut: Cut | undefined;
    let [session, said, awaitsToken] = [0, 0, false];

    const begin = (): void => {
      perform = startSession(model, removed);
      cut = model.cuts.shift();
      sessions += 1;
      session = sessions;
    };
    const end = (last = ''): void => {
      onCut();
      socket.end(last);
      cut = undefined;
      perform = () => '';
    };
    const transact = (line: string): void => {
      const [verb = '', argument = ''] = line.split(/ (.*)/s);
      commands.push(`${session} ${line}`);
      said += 1;
      const isDue = cut?.command === said;
      const early = cut?.at === 'before' ? '' : '-ERR [SYS/TEMP] session expired\r\n';
      if (isDue && (cut?.at === 'before' || cut?.at === 'refused')) {
        end(early);
        return;
      }
      const reply = perform?.(verb.toUpperCase(), argument) ?? '';
      // Cut in an answer of several lines, else after it.
      if (isDue && cut?.at === 'middle') {
        end(reply.slice(0, Math.max(reply.indexOf('\n') + 1, reply.length - 4)));
        return;
      }
      if (verb.toUpperCase() === 'QUIT') {
        socket.end(isDue && cut?.at === 'after' ? '' : reply);
        return;
      }
      socket.write(reply);
      if (isDue) end(cut?.at === 'idle' ? '-ERR session expired\r\n' : '');
    };
    const prove = (line: string): void => {
      signIns.push(line);
      if (awaitsToken) {
        awaitsToken = false;
        const isGood = accepts(tokenIn(line));
        if (isGood) begin();
        socket.write(isGood ? '+OK signed in\r\n' : '-ERR [AUTH] Username and password not accepted.\r\n');
        return;
      }
      awaitsToken = line.toUpperCase() === 'AUTH XOAUTH2';
      if (awaitsToken) socket.write('+ \r\n');
      else socket.write(line === 'CAPA' ? '+OK\r\nSASL XOAUTH2\r\nUIDL\r\n.\r\n' : '-ERR what?\r\n');
    };
    if (asksToken) socket.write('+OK ready\r\n');
    else begin();
    socket.on('data', (chunk) => {
      const lines = (input + chunk.toString('latin1')).split('\r\n');
      input = lines.pop() ?? '';
      for (const line of lines) (perform ? transact : prove)(line);
    });
  };

  const server = certificate
    ? createTlsServer({ key: certificate.key, cert: certificate.cert }, serve)
    : createPlainServer(serve);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const model: Pop3Model = {
    port: (server.address() as AddressInfo).port,
    mailbox: [],
    cuts: [],
    commands,
    removed,
    signIns,
    sessions: () => sessions,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return model;
};
