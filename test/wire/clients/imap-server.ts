import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';

/** What the one message of the one folder says. */
export const IMAP_MESSAGE = [
  'From: a@example.net',
  'To: scanner@contoso.example',
  'Subject: Waiting for you',
  'Message-ID: <1@example.net>',
  'Date: Thu, 05 Nov 2026 10:00:00 +0000',
  '',
  'A fax has come in.',
  '',
].join('\r\n');

const CAPABILITIES = 'IMAP4rev1 AUTH=XOAUTH2 SASL-IR';

type Answer = readonly string[];

const SELECTED: Answer = [
  '* FLAGS (\\Seen \\Deleted)',
  '* 1 EXISTS',
  '* 0 RECENT',
  '* OK [PERMANENTFLAGS (\\Seen \\Deleted)] Limited',
  '* OK [UIDVALIDITY 1] UIDs valid',
  '* OK [UIDNEXT 2] Predicted',
];

/** Untagged answers of a mailbox with one message; what is not known here is answered with a bare OK (RFC 3501). */
const answerTo = (command: string): Answer => {
  const [verb = '', rest = ''] = command.toUpperCase().replace(/^UID /, '').split(/ (.*)/s);
  switch (verb) {
    case 'CAPABILITY':
      return [`* CAPABILITY ${CAPABILITIES}`];
    case 'LIST':
    case 'LSUB':
      return [rest.endsWith('""') ? `* ${verb} (\\Noselect) "/" ""` : `* ${verb} () "/" "INBOX"`];
    case 'SELECT':
    case 'EXAMINE':
      return SELECTED;
    case 'STATUS':
      return ['* STATUS "INBOX" (MESSAGES 1 UIDVALIDITY 1 UIDNEXT 2)'];
    case 'SEARCH':
      return ['* SEARCH 1'];
    case 'FETCH':
      return [fetched(rest)];
    case 'LOGOUT':
      return ['* BYE for now'];
    default:
      return [];
  }
};

const fetched = (rest: string): string => {
  const basics = `UID 1 FLAGS () RFC822.SIZE ${IMAP_MESSAGE.length} INTERNALDATE "05-Nov-2026 10:00:00 +0000"`;
  const wantsText = /BODY(\.PEEK)?\[/.test(rest);
  return `* 1 FETCH (${basics}${wantsText ? ` BODY[] {${IMAP_MESSAGE.length}}\r\n${IMAP_MESSAGE}` : ''})`;
};

export type ImapServer = Awaited<ReturnType<typeof imapServer>>;

/**
 * A mailbox by IMAP over TLS, for clients that read: just enough to fetch one message, and only with the XOAUTH2 string that is
 * expected by then.
 */
export const imapServer = async (certificate: { readonly key: string; readonly cert: string }) => {
  const sockets = new Set<TLSSocket>();
  const presented: string[] = [];
  let expected: string | undefined;

  const serve = (socket: TLSSocket): void => {
    let [input, challenged, signedIn] = ['', '', false];
    const send = (...lines: readonly string[]) => socket.write(lines.map((line) => `${line}\r\n`).join(''));
    const authenticate = (tag: string, response: string): void => {
      const initial = Buffer.from(response, 'base64').toString();
      presented.push(initial);
      signedIn = initial === expected;
      send(signedIn ? `${tag} OK signed in` : `${tag} NO [AUTHENTICATIONFAILED] not the expected token`);
    };
    const take = (line: string): void => {
      if (challenged !== '') {
        authenticate(challenged, line);
        challenged = '';
        return;
      }
      const [tag = '', command = ''] = line.split(/ (.*)/s);
      const [, response] = /^AUTHENTICATE XOAUTH2(?: (.*))?$/i.exec(command) ?? [];
      const isOpen = signedIn || /^(CAPABILITY|LOGOUT|NOOP)\b/i.test(command);
      if (response !== undefined) authenticate(tag, response);
      else if (/^AUTHENTICATE XOAUTH2$/i.test(command)) {
        challenged = tag;
        send('+ ');
      } else if (isOpen) send(...answerTo(command), `${tag} OK done`);
      else send(`${tag} NO sign in first`);
    };
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that ends as it likes is the client's matter.
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      input += chunk.toString('latin1');
      const lines = input.split('\r\n');
      input = lines.pop() ?? '';
      for (const line of lines) take(line);
    });
    send(`* OK [CAPABILITY ${CAPABILITIES}] ready`);
  };

  const server = createServer(certificate, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    /** Every XOAUTH2 string that came, right or wrong. */
    presented,
    expect: (account: string, accessToken: string): void => {
      expected = `user=${account}\x01auth=Bearer ${accessToken}\x01\x01`;
    },
    close: async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
