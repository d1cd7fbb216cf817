import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { SMTP_LIMITS, type SmtpLimits, type SmtpListenerOptions } from '../../../gateway/smtp/options.ts';
import { type SmtpListener, startSmtpListener } from '../../../gateway/smtp/server.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { type TestCertificate, testCertificate } from '../../fakes/certificate.ts';
import {
  type CountedMetrics,
  countedMetrics,
  type FakeDevices,
  type FakeIntake,
  fakeDevices,
  fakeIntake,
  servedDevice,
} from '../../fakes/gateway.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';
import { socketReader } from '../../fakes/socket-reader.ts';

export const certificate: TestCertificate = await testCertificate();

export const SECRET = 'made-up-secret-of-a-test';

/** What AUTH PLAIN says (RFC 4616). */
export const plain = (user: string, password: string): string =>
  Buffer.from(`\0${user}\0${password}`).toString('base64');
export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const SIGN_IN = `AUTH PLAIN ${plain('scanner22222', SECRET)}`;

/** The beginning of a transcript. */
export const SIGNED_IN = `S: 220 *
  C: EHLO printer
  S: 250 *
  C: ${SIGN_IN}
  S: 235 *`;

/** Of a transcript in which somebody has signed in. */
export const MAIL = `C: MAIL FROM:<scan@office.example>
  S: 250 2.1.0 *
  C: RCPT TO:<anna@customer.example>
  S: 250 2.1.5 *`;

export interface RunningListener {
  readonly port: number;
  readonly listener: SmtpListener;
  readonly devices: FakeDevices;
  readonly intake: FakeIntake;
  readonly log: MemoryLog;
  readonly metrics: CountedMetrics;
}

type Changes = Partial<Omit<SmtpListenerOptions, 'limits' | 'deps'>> & {
  readonly limits?: Partial<SmtpLimits>;
  readonly clock?: Clock;
};

/** A listener with everything around it in memory, and one device: `scanner22222`. */
export const startListener = async ({
  limits = {},
  clock = systemClock,
  ...changes
}: Changes = {}): Promise<RunningListener> => {
  const [devices, intake, log, metrics] = [fakeDevices(), fakeIntake(), memoryLog(), countedMetrics()];
  devices.add(SECRET, servedDevice('scanner22222'));
  const listener = await startSmtpListener({
    host: '127.0.0.1',
    port: 0,
    name: 'gateway.test',
    security: 'starttls',
    recognizesTls: false,
    cleartextSignIn: true,
    trustedProxies: [],
    tls: () => certificate,
    limits: { ...SMTP_LIMITS, ...limits },
    deps: { devices, intake, log, metrics, clock },
    ...changes,
  });
  return { port: listener.port, listener, devices, intake, log, metrics };
};

/** A listener for the length of a test. */
export const withListener = async (
  changes: Changes,
  use: (running: RunningListener) => Promise<void>,
): Promise<void> => {
  const running = await startListener(changes);
  try {
    await use(running);
  } finally {
    await running.listener.close(0);
  }
};

export interface SmtpClient {
  readonly socket: Socket;
  /** A whole reply, its lines parted by line feeds; undefined: the server has hung up. */
  reply(): Promise<string | undefined>;
  send(bytes: string | Uint8Array): Promise<void>;
  command(line: string): Promise<string>;
  /** `C: ` says a line, `S: ` expects the last line of a reply, with `*` for anything; `S: -` that the server hangs up. */
  converse(script: string): Promise<void>;
  startTls(options?: ConnectionOptions): Promise<SmtpClient>;
  close(): void;
}

const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  ).test(text);

const clientOn = (socket: Socket): SmtpClient => {
  const reader = socketReader(socket);
  const reply = async (): Promise<string | undefined> => {
    const lines: string[] = [];
    for (;;) {
      const line = await reader.line();
      if (line === undefined) return undefined;
      lines.push(line);
      if (/^\d{3}(?: |$)/.test(line)) return lines.join('\n');
      assert.match(line, /^\d{3}-/, 'a line of a reply');
    }
  };
  const send = async (bytes: string | Uint8Array): Promise<void> => void (await reader.write(bytes));
  const expect = async (pattern: string): Promise<void> => {
    const answer = await reply();
    const lastLine = answer?.split('\n').at(-1) ?? '-';
    assert.ok(matches(pattern, lastLine), `expected ${pattern}, heard ${lastLine}`);
  };
  return {
    socket,
    reply,
    send,
    async command(line) {
      await send(`${line}\r\n`);
      const answer = await reply();
      assert.ok(answer !== undefined, `hung up after ${line}`);
      return answer;
    },
    async converse(script) {
      for (const line of script.split('\n').map((text) => text.trim())) {
        if (/^C:(?: |$)/.test(line)) await send(`${line.slice(3)}\r\n`);
        else if (line.startsWith('S: ')) await expect(line.slice(3));
        else assert.equal(line, '', 'a line of a transcript');
      }
    },
    async startTls(options = {}) {
      assert.match((await reply()) ?? '', /^2/);
      await send('STARTTLS\r\n');
      assert.match((await reply()) ?? '', /^220 /);
      const secure = tlsConnect({
        socket: reader.release(),
        ca: certificate.cert,
        servername: 'localhost',
        ...options,
      });
      await once(secure, 'secureConnect');
      return clientOn(secure);
    },
    close: () => reader.destroy(),
  };
};

export const connectTo = async (port: number): Promise<SmtpClient> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return clientOn(socket);
};

export const connectByTls = async (port: number, options: ConnectionOptions = {}): Promise<SmtpClient> => {
  const socket: TLSSocket = tlsConnect({
    port,
    host: '127.0.0.1',
    ca: certificate.cert,
    servername: 'localhost',
    ...options,
  });
  await once(socket, 'secureConnect');
  return clientOn(socket);
};

/** A whole transcript over one connection in clear text. */
export const converse = async (port: number, script: string): Promise<void> => {
  const client = await connectTo(port);
  try {
    await client.converse(script);
  } finally {
    client.close();
  }
};

/** Whether somebody who does everything right is served. */
export const assertServes = ({ port }: RunningListener): Promise<void> =>
  converse(
    port,
    `S: 220 gateway.test ESMTP
     C: EHLO printer
     S: 250 *
     C: ${SIGN_IN}
     S: 235 2.7.0 *
     C: MAIL FROM:<scan@office.example>
     S: 250 2.1.0 *
     C: RCPT TO:<anna@customer.example>
     S: 250 2.1.5 *
     C: DATA
     S: 354 *
     C: Subject: scan
     C:
     C: text
     C: .
     S: 250 2.0.0 Accepted sub_*
     C: QUIT
     S: 221 2.0.0 *
     S: -`,
  );

/** Until something that happens after the last reply has happened. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (let waited = 0; !holds(); waited += 5) {
    assert.ok(waited < 3000, `waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
