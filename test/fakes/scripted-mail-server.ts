import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContextOptions,
  TLSSocket,
  type TlsOptions,
} from 'node:tls';

export type ScriptedProtocol = 'smtp' | 'pop' | 'imap';

/**
 * What to say to a command: the lines, or one of `drop` (the connection), `hang` (nothing), `drip` (a line without an end, slowly)
 * and `flood` (one without an end, at once). Of a list, one after the other, and the last for good. Besides commands there are
 * `connect`, `blob` (a SASL response on a line of its own) and `content` (each line of a message).
 */
export type Says = { readonly [command: string]: string | readonly string[] };

export interface ScriptedServer {
  readonly port: number;
  /** Every command of all connections; the dot that ends a message among them. */
  readonly lines: readonly string[];
  /** Every line of messages. */
  readonly content: readonly string[];
  readonly connections: () => number;
  /** Those that are there just now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** `{tag}` is that of the command. Before TLS the first of a list is said, after it the second. */
export const POLITE: Readonly<Record<ScriptedProtocol, Says>> = {
  smtp: {
    connect: '220 mail.test ESMTP ready',
    EHLO: '250-mail.test\r\n250-SIZE 35882577\r\n250-STARTTLS\r\n250 AUTH LOGIN XOAUTH2',
    STARTTLS: '220 go ahead',
    AUTH: '235 2.7.0 Accepted',
    '': '535 5.7.8 Username and Password not accepted',
    MAIL: '250 2.1.0 OK',
    RCPT: '250 2.1.5 OK',
    RSET: '250 2.0.0 OK',
    DATA: '354 go ahead',
    '.': '250 2.0.0 OK queued as 4711',
    QUIT: '221 bye',
  },
  pop: {
    connect: '+OK POP3 ready',
    CAPA: '+OK\r\nSTLS\r\nUIDL\r\nSASL PLAIN XOAUTH2\r\n.',
    STLS: '+OK begin TLS',
    AUTH: '+ ',
    blob: '+OK signed in',
    '': '-ERR [AUTH] Username and password not accepted.',
    STAT: '+OK 3 1234',
    QUIT: '+OK bye',
  },
  imap: {
    connect: '* OK IMAP4 ready',
    CAPABILITY: '* CAPABILITY IMAP4rev1 STARTTLS SASL-IR AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done',
    STARTTLS: '{tag} OK begin TLS',
    AUTHENTICATE: '{tag} OK AUTHENTICATE completed.',
    blob: '{tag} OK AUTHENTICATE completed.',
    '': '{tag} NO AUTHENTICATE failed.',
    EXAMINE: '* 3 EXISTS\r\n* 0 RECENT\r\n{tag} OK [READ-ONLY] done',
    LOGOUT: '* BYE\r\n{tag} OK bye',
  },
};

const GOES_TLS = /^(220|\+OK|\S+ OK)/;

export const startScriptedMailServer = async (options: {
  readonly protocol: ScriptedProtocol;
  /** `plain`: never TLS. */
  readonly security: 'tls' | 'starttls' | 'plain';
  readonly certificate: SecureContextOptions & TlsOptions;
  readonly says?: Says;
}): Promise<ScriptedServer> => {
  const { protocol, security, certificate } = options;
  const script: Says = { ...POLITE[protocol], ...options.says };
  const lines: string[] = [];
  const content: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  const serve = (accepted: Socket): void => {
    connections += 1;
    const turns: Record<string, number> = {};
    let socket = accepted;
    let [input, tag, inContent] = ['', '', false];

    const perform = (reply: string): void => {
      if (reply === 'drop') socket.destroy();
      else if (reply === 'drip') {
        const timer = setInterval(() => socket.write('2'), 20);
        socket.on('close', () => clearInterval(timer));
      } else if (reply === 'flood') socket.write('2'.repeat(100_000));
      else if (reply !== 'hang') socket.write(`${reply.replaceAll('{tag}', tag)}\r\n`);
    };
    const say = (command: string): void => {
      const entry = script[command];
      const turn = turns[command] ?? 0;
      turns[command] = turn + 1;
      const reply = typeof entry === 'string' ? entry : (entry?.[turn] ?? entry?.at(-1));
      perform(reply ?? { smtp: '502 what?', pop: '-ERR what?', imap: '{tag} BAD what?' }[protocol]);
      if (/^(STARTTLS|STLS)$/.test(command) && GOES_TLS.test((reply ?? '').replace('{tag}', 'x'))) goTls();
      inContent = command === 'content' || (command === 'DATA' && (reply ?? '').startsWith('354'));
    };
    const take = (line: string): void => {
      if (inContent && line !== '.') {
        content.push(line);
        if (script.content !== undefined) say('content');
        return;
      }
      lines.push(line);
      const words = line.split(' ');
      if (protocol === 'imap' && words.length > 1) tag = words.shift() ?? '';
      const isBlob = words.length === 1 && /^[A-Za-z0-9+/=]{30,}$/.test(line);
      say(isBlob ? 'blob' : (words[0] ?? '').toUpperCase());
    };
    const listen = (): void => {
      sockets.add(socket);
      const current = socket;
      current.on('close', () => sockets.delete(current));
      current.on('error', () => current.destroy());
      current.on('data', (chunk) => {
        const parts = (input + chunk.toString('latin1')).split('\r\n');
        input = parts.pop() ?? '';
        for (const line of parts) take(line);
      });
    };
    const goTls = (): void => {
      socket.removeAllListeners('data');
      socket = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(certificate) });
      listen();
    };
    listen();
    say('connect');
  };

  const server = security === 'tls' ? createTlsServer(certificate, serve) : createServer(serve);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    content,
    connections: () => connections,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
