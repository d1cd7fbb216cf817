/** A program that submits mail by SMTP as devices do, one order after the other, and says how long it took. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface LoadOrder {
  readonly port: number;
  /** Undefined: without a sign-in. */
  readonly credential?: { readonly user: string; readonly password: string };
  readonly from: string;
  readonly connections: number;
  readonly messagesEach: number;
  readonly messageBytes: number;
}

export interface LoadAnswer {
  readonly accepted: number;
  /** From the first MAIL to the last reply: greeting and sign-in are not counted. */
  readonly seconds: number;
}

const LINE = `${'A scanned page, in base64 or so. '.repeat(2).slice(0, 74)}\r\n`;

const messageOf = (bytes: number, from: string): string => {
  const head = `From: ${from}\r\nTo: ann@example.org\r\nSubject: Scan\r\n\r\n`;
  return `${head}${LINE.repeat(Math.ceil((bytes - head.length) / LINE.length))}.\r\n`;
};

/** One device's connection: what it says, and the reply to it. */
const openSession = async (port: number) => {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const reply = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the server has gone');
      if (/^\d{3}( |$)/.test(value)) return value;
    }
  };
  const say = async (text: string, wanted: RegExp): Promise<void> => {
    socket.write(text);
    const answer = await reply();
    if (!wanted.test(answer)) throw new Error(`${answer} to ${text.slice(0, 40)}`);
  };
  await once(socket, 'connect');
  await reply();
  return { say, end: () => socket.end('QUIT\r\n') };
};

const work = async (order: LoadOrder): Promise<LoadAnswer> => {
  const { port, credential, from, connections, messagesEach, messageBytes } = order;
  const message = messageOf(messageBytes, from);
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(port)));
  for (const { say } of sessions) {
    await say('EHLO device\r\n', /^250/);
    if (credential === undefined) continue;
    const plain = Buffer.from(`\0${credential.user}\0${credential.password}`).toString('base64');
    await say(`AUTH PLAIN ${plain}\r\n`, /^235/);
  }
  const startedAt = performance.now();
  await Promise.all(
    sessions.map(async ({ say }) => {
      for (let count = 0; count < messagesEach; count++) {
        await say(`MAIL FROM:<${from}>\r\n`, /^250/);
        await say('RCPT TO:<ann@example.org>\r\n', /^250/);
        await say('DATA\r\n', /^354/);
        await say(message, /^250/);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const session of sessions) session.end();
  return { accepted: connections * messagesEach, seconds };
};

process.on('message', async (order: LoadOrder) => {
  process.send?.(await work(order));
});
process.on('disconnect', () => process.exit(0));
