import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { TestCertificate } from './certificate.ts';

/** What to say to a command, or `drop` the connection, or say nothing (`hang`). */
export type SmtpSays = { readonly [command: string]: string | readonly string[] };

export interface ScriptedSmtp {
  readonly port: number;
  /** Every command line, of all connections; the dot that ends a message among them. */
  readonly lines: readonly string[];
  /** Every line of messages. */
  readonly content: readonly string[];
  open(): number;
  close(): Promise<void>;
}

const POLITE = {
  connect: '220 mail.example ESMTP',
  EHLO: '250-mail.example\r\n250-SIZE 1000000\r\n250 AUTH LOGIN XOAUTH2',
  AUTH: '235 2.7.0 Accepted',
  '': '535 5.7.8 not accepted',
  MAIL: '250 2.1.0 OK',
  RCPT: '250 2.1.5 OK',
  DATA: '354 go ahead',
  '.': '250 2.0.0 queued as 4711',
  RSET: '250 2.0.0 OK',
  QUIT: '221 bye',
};

/** A mail server with TLS from the first byte that follows a script: refusals and faults word for word. */
export const startScriptedSmtp = async (certificate: TestCertificate, says: SmtpSays = {}): Promise<ScriptedSmtp> => {
  const script: SmtpSays = { ...POLITE, ...says };
  const lines: string[] = [];
  const content: string[] = [];
  const sockets = new Set<Socket>();

  const server = createServer({ ...certificate }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const turns: { [command: string]: number } = {};
    const say = (command: string): string => {
      const entry = script[command] ?? '502 5.5.1 what?';
      const turn = turns[command] ?? 0;
      turns[command] = turn + 1;
      const reply = typeof entry === 'string' ? entry : (entry[turn] ?? entry.at(-1) ?? 'drop');
      if (reply === 'drop') socket.destroy();
      else if (reply !== 'hang') socket.write(`${reply}\r\n`);
      return reply;
    };
    let inContent = false;
    let rest = '';
    say('connect');
    socket.on('data', (chunk) => {
      const parts = (rest + chunk.toString('latin1')).split('\r\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        if (inContent && line !== '.') {
          content.push(line);
          if (script.content !== undefined) say('content');
          continue;
        }
        lines.push(line);
        const command = line.split(' ')[0]?.toUpperCase() ?? '';
        const reply = say(command);
        inContent = !inContent && command === 'DATA' && reply.startsWith('354');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    content,
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
