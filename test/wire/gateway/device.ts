import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { socketReader } from '../../fakes/socket-reader.ts';

/** What became of a message, as far as its device can tell. */
export type HandedIn =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'refused'; readonly at: string; readonly reply: string }
  /** All of it was on its way, and no answer came. */
  | { readonly outcome: 'unheard' }
  /** The line broke before that. */
  | { readonly outcome: 'broken off' };

export interface Errand {
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly from: string;
  readonly to?: readonly string[];
  readonly content: string | Uint8Array;
  /** Called when the content has been sent, but for its end. */
  readonly beforeEnd?: () => Promise<void>;
}

/** What AUTH PLAIN says (RFC 4616). */
export const authPlain = ({ clientId, clientSecret }: Pick<Errand, 'clientId' | 'clientSecret'>): string =>
  `AUTH PLAIN ${Buffer.from(`\0${clientId}\0${clientSecret}`).toString('base64')}`;

/** A connection of a device to a gateway, in clear text. Undefined: nobody listens. */
export const callGateway = async (port: number) => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
  } catch {
    return undefined;
  }
  const reader = socketReader(socket);
  const reply = async (): Promise<string | undefined> => {
    for (;;) {
      const line = await reader.line();
      if (line === undefined || /^\d{3}(?: |$)/.test(line)) return line;
    }
  };
  return {
    /** The last line of the next reply; undefined: the gateway has hung up. */
    reply,
    send: reader.write,
    async say(line: string): Promise<string | undefined> {
      await reader.write(`${line}\r\n`);
      return reply();
    },
    close: () => reader.destroy(),
  };
};

export type Call = NonNullable<Awaited<ReturnType<typeof callGateway>>>;

export const openCall = async (port: number): Promise<Call> => {
  const call = await callGateway(port);
  assert.ok(call, `nobody listens on port ${port}`);
  return call;
};

/** Up to the point where the content may come. */
export const beginMessage = async (
  call: Call,
  { clientId, clientSecret, from, to = ['archive@example.org'] }: Omit<Errand, 'port' | 'content'>,
): Promise<Extract<HandedIn, { outcome: 'refused' | 'broken off' }> | undefined> => {
  const lines = [
    undefined,
    'EHLO printer',
    authPlain({ clientId, clientSecret }),
    `MAIL FROM:<${from}>`,
    ...to.map((one) => `RCPT TO:<${one}>`),
    'DATA',
  ];
  for (const line of lines) {
    const reply = await (line === undefined ? call.reply() : call.say(line));
    if (reply === undefined) return { outcome: 'broken off' };
    if (!/^[23]/.test(reply)) return { outcome: 'refused', at: line?.split(/[ :]/)[0] ?? 'greeting', reply };
  }
  return undefined;
};

/** One message over a connection of its own, as most devices do it. */
export const handIn = async (errand: Errand): Promise<HandedIn> => {
  const call = await callGateway(errand.port);
  if (call === undefined) return { outcome: 'broken off' };
  try {
    const refused = await beginMessage(call, errand);
    if (refused) return refused;
    if (!(await call.send(errand.content))) return { outcome: 'broken off' };
    await errand.beforeEnd?.();
    const reply = await call.say('.');
    if (reply === undefined) return { outcome: 'unheard' };
    const [, id] = /^250 2\.0\.0 Accepted (sub_\S+)/.exec(reply) ?? [];
    if (id === undefined) return { outcome: 'refused', at: 'content', reply };
    // What is lost on the way to its QUIT is no matter of the message's.
    void call.send('QUIT\r\n');
    return { outcome: 'accepted', id };
  } finally {
    call.close();
  }
};

const LINE = 'A document was scanned. It is quite a long one, and has no end.\r\n';

/** A message without a Message-ID: the gateway gives each that it takes one of its own. */
export const scanNamed = (subject: string, sizeBytes = 0): string =>
  `To: archive@example.org\r\nSubject: ${subject}\r\n\r\n${LINE.repeat(1 + Math.ceil(sizeBytes / LINE.length))}`;
