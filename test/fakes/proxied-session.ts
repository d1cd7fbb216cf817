import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import type { TestCertificate } from './certificate.ts';
import type { DueFault, ProxyFault, ProxyStep, Upstream } from './fault-proxy.ts';
import { type SocketReader, socketReader } from './socket-reader.ts';

export interface ProxiedSession {
  /** The client's. */
  readonly socket: Socket;
  readonly upstream: Upstream;
  readonly certificate: TestCertificate;
  readonly take: (step: ProxyStep, user: string | undefined, passedBytes?: number) => DueFault | undefined;
}

/** A whole reply (RFC 5321 section 4.2.1), of several lines perhaps, with their ends. */
const readReply = async (from: SocketReader): Promise<string | undefined> => {
  let reply = '';
  for (;;) {
    const line = await from.line();
    if (line === undefined) return undefined;
    reply += `${line}\r\n`;
    if (/^\d{3}(?: |$)/.test(line)) return reply;
  }
};

/** A session with the real server, as far as a client comes without signing in. */
const openUpstream = async ({ host, port, ca }: Upstream) => {
  let wire = socketReader(connect(port, host));
  const command = async (line: string): Promise<string | undefined> => {
    await wire.write(`${line}\r\n`);
    return readReply(wire);
  };
  const replies: { [step in ProxyStep]?: string | undefined } = {
    connect: await readReply(wire),
    EHLO: await command('EHLO fault-proxy.example'),
    STARTTLS: await command('STARTTLS'),
  };
  wire = socketReader(tlsConnect({ socket: wire.release(), ca, servername: 'localhost' }));
  replies['secure EHLO'] = await command('EHLO fault-proxy.example');
  return {
    replies,
    command,
    write: (bytes: Uint8Array) => wire.write(bytes),
    destroy: () => wire.destroy(),
  };
};

const END_OF_MESSAGE = Buffer.from('\r\n.\r\n');

const isSilent = (fault: ProxyFault): boolean => fault.kind === 'reply' || ('side' in fault && fault.side === 'before');

/** `user=` address ^A … (facts M62). */
const userOf = (line: string): string | undefined => {
  const response = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
  return response.split(String.fromCharCode(1))[0]?.replace(/^user=/, '');
};

/** One client, and its session with the server, one step after the other. */
export const proxiedSession = async ({ socket, upstream, certificate, take }: ProxiedSession): Promise<void> => {
  let client = socketReader(socket);
  let server = await openUpstream(upstream);
  let user: string | undefined;
  let signIn = '';
  let isSecure = false;
  let goesOn = true;

  const endServer = (): void => {
    goesOn = false;
    server.destroy();
  };
  const endAll = (): void => {
    client.destroy();
    endServer();
  };

  /** The message is given up, as its end never came; the server of the next one is another connection. */
  const replaceServer = async (): Promise<void> => {
    server.destroy();
    server = await openUpstream(upstream);
    await server.command(signIn);
  };

  /** What the client is told; undefined: nothing any more. */
  const answerTo = async (step: ProxyStep, pass: () => Promise<string | undefined>): Promise<string | undefined> => {
    const due = take(step, user);
    if (due === undefined) return pass();
    const { fault } = due;
    const isPassed = !isSilent(fault);
    const reply = isPassed ? await pass() : undefined;
    due.strike();
    if (fault.kind === 'delay') await sleep(fault.milliseconds);
    if (fault.kind === 'delay') return reply;
    if (fault.kind !== 'reply') {
      if (fault.kind === 'hang') await client.ended;
      return undefined;
    }
    if (step === '.') await replaceServer();
    return `${fault.text}\r\n`;
  };

  const answer = async (step: ProxyStep, pass: () => Promise<string | undefined>): Promise<string> => {
    const reply = await answerTo(step, pass);
    if (reply === undefined) {
      endAll();
      return '';
    }
    await client.write(reply);
    // The channel closes (RFC 5321 section 3.8).
    if (/^[24]21/.test(reply)) {
      client.end();
      endServer();
    }
    return reply;
  };

  const secure = async (): Promise<void> => {
    const due = take('tls', user);
    if (due !== undefined) {
      // The client's part of the handshake.
      await client.chunk();
      due.strike();
      if (due.fault.kind === 'reply') await client.write(`${due.fault.text}\r\n`);
      if (due.fault.kind === 'hang') await client.ended;
      return endAll();
    }
    const secureContext = createSecureContext(certificate);
    client = socketReader(new TLSSocket(client.release(), { isServer: true, secureContext }));
    isSecure = true;
  };

  /** Struck in the middle of the content: what has passed until then has reached the server. */
  const interrupt = async ({ fault, strike }: DueFault): Promise<void> => {
    strike();
    if (fault.kind === 'delay') return sleep(fault.milliseconds);
    if (fault.kind === 'hang') await client.ended;
    if (fault.kind !== 'reply') return endAll();
    await client.write(`${fault.text}\r\n`);
    client.end();
    endServer();
  };

  /** Passes the content on, and holds back what may be the beginning of its end. */
  const passContent = async (): Promise<void> => {
    let [tail, passedBytes] = [Buffer.alloc(0), 0];
    while (goesOn) {
      const chunk = await client.chunk();
      if (chunk === undefined) return endAll();
      const bytes = Buffer.concat([tail, chunk]);
      const end = bytes.indexOf(END_OF_MESSAGE);
      const pass = bytes.subarray(0, end < 0 ? Math.max(0, bytes.length - END_OF_MESSAGE.length + 1) : end + 2);
      tail = bytes.subarray(pass.length);
      const due = take('content', user, passedBytes + pass.length);
      const until = due === undefined ? pass.length : Math.max(0, due.afterBytes - passedBytes);
      await server.write(pass.subarray(0, until));
      if (due) await interrupt(due);
      if (goesOn) await server.write(pass.subarray(until));
      passedBytes += pass.length;
      if (end >= 0) return client.unread(bytes.subarray(end + END_OF_MESSAGE.length));
    }
  };

  const transfer = async (): Promise<void> => {
    await passContent();
    if (goesOn) await answer('.', () => server.command('.'));
  };

  const commandStep = (line: string): ProxyStep | undefined => {
    const verb = line.split(' ')[0]?.toUpperCase();
    if (verb === 'EHLO') return isSecure ? 'secure EHLO' : 'EHLO';
    const STEPS: readonly ProxyStep[] = ['STARTTLS', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT'];
    return STEPS.find((step) => step === verb);
  };

  const next = async (line: string): Promise<void> => {
    const step = commandStep(line);
    // The answer to a challenge, for one.
    if (step === undefined) return void (await client.write((await server.command(line)) ?? ''));
    if (step === 'AUTH') [user, signIn] = [userOf(line), line];
    const early = server.replies[step];
    const reply = await answer(step, async () => early ?? server.command(line));
    if (goesOn && step === 'STARTTLS' && reply.startsWith('2')) await secure();
    if (goesOn && step === 'DATA' && reply.startsWith('354')) await transfer();
  };

  await answer('connect', async () => server.replies.connect);
  while (goesOn) {
    const line = await client.line();
    if (line === undefined) return endAll();
    await next(line);
  }
};
