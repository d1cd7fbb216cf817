import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { helloOf } from '../../fakes/tls-hello.ts';
import { assertServes, connectTo, type RunningListener, SIGN_IN, startListener, withListener } from './smtp-client.ts';

/** A whole session of somebody who may send. */
const TRANSCRIPT = Buffer.from(
  [
    'EHLO printer',
    SIGN_IN,
    'MAIL FROM:<scan@office.example> SIZE=100 BODY=8BITMIME',
    'RCPT TO:<anna@customer.example>',
    'RCPT TO:<bo@customer.example>',
    'DATA',
    'Subject: scan',
    '',
    '..dots',
    '.',
    'RSET',
    'NOOP',
    'QUIT',
    '',
  ].join('\r\n'),
);

const SIGNED_IN = TRANSCRIPT.subarray(0, TRANSCRIPT.indexOf('MAIL'));

type Mutation = readonly ['flip' | 'cut' | 'repeat' | 'insert', number, number, Uint8Array];

const position = fc.nat(TRANSCRIPT.length - 1);
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom('flip', 'cut', 'repeat', 'insert'),
  position,
  fc.nat(255),
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom('\r\n', '\n', '\r', '\0', '.\r\n', '\r\n.\r\n', '<', '>', '\xff', 'DATA\r\n')
      .map((text) => Buffer.from(text, 'latin1')),
  ),
);

const mutate = (bytes: Buffer, [kind, at, amount, inserted]: Mutation): Buffer => {
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (kind === 'cut') return Buffer.concat([before, behind.subarray(amount % 40)]);
  if (kind === 'repeat') return Buffer.concat([before, behind.subarray(0, amount % 40), behind]);
  if (kind === 'insert') return Buffer.concat([before, inserted, behind]);
  const flipped = Buffer.from(bytes);
  if (at < flipped.length) flipped[at] = amount;
  return flipped;
};

const mutated = fc.array(mutation, { minLength: 1, maxLength: 6 }).map((all) => all.reduce(mutate, TRANSCRIPT));

const pieces = fc.array(fc.nat(60), { maxLength: 6 });

/** `250 2.1.0 text`, `250-text` of EHLO, a greeting, or a 3xx of a dialogue. */
const REPLY =
  /^(?:([245])\d\d ([245])\.\d{1,3}\.\d{1,3} [\x20-\x7e]{1,120}|250[- ][\w .]+|220 gateway\.test ESMTP|3\d\d.*)$/;

describe('whatever a client sends', () => {
  let running: RunningListener;
  before(async () => {
    running = await startListener({ limits: { idleSeconds: 0.2, connectionsPerAddress: 100 } });
  });
  after(() => running.listener.close(0));

  /** Sends these bytes in pieces, waits for the server to end the session, and returns what it said. */
  const hear = async (bytes: Uint8Array, sizes: readonly number[]): Promise<string> => {
    const client = await connectTo(running.port);
    const heard: Buffer[] = [];
    client.socket.on('data', (chunk: Buffer) => heard.push(chunk));
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    let at = 0;
    for (const size of sizes) {
      await client.send(bytes.subarray(at, at + size));
      await new Promise(setImmediate);
      at += size;
    }
    await client.send(bytes.subarray(at));
    const isStuck = await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5000, 'stuck').unref())]);
    assert.notEqual(isStuck, 'stuck', 'neither an answer nor an end');
    return Buffer.concat(heard).toString('latin1');
  };

  /** Every line is a reply with agreeing codes, and the last one says that it is the end. */
  const assertSays = (text: string): void => {
    const lines = text.split('\r\n');
    assert.equal(lines.pop(), '', 'the last reply is whole');
    for (const line of lines) {
      const match = REPLY.exec(line);
      assert.ok(match, line);
      assert.equal(match[1], match[2], line);
    }
    assert.match(lines[0] ?? '', /^220 /);
    assert.match(lines.at(-1) ?? '', /^(221|421|500 5\.5\.2)/);
  };

  const inParallel = async (property: () => Promise<unknown>): Promise<void> => {
    await Promise.all(Array.from({ length: 20 }, property));
  };

  it('if it is random bytes, it is answered or ended, and nothing is accepted', async () => {
    const holds = async (bytes: Uint8Array, sizes: readonly number[]): Promise<void> => {
      // A TLS hello on this port is told of in the log, and the session ends without a word more.
      if (bytes[0] === 0x16) return;
      assertSays(await hear(bytes, sizes));
    };
    const random = fc.uint8Array({ maxLength: 2000, size: 'max' });
    await inParallel(() => fc.assert(fc.asyncProperty(random, pieces, holds), { numRuns: 10 }));
    assert.deepEqual(running.intake.accepted, []);
    await assertServes(running);
  });

  it('if it is random bytes of somebody who has signed in, it is answered or ended', async () => {
    const holds = async (bytes: Uint8Array, sizes: readonly number[]): Promise<void> =>
      assertSays(await hear(Buffer.concat([SIGNED_IN, bytes]), sizes));
    const random = fc.uint8Array({ maxLength: 2000, size: 'max' });
    await inParallel(() => fc.assert(fc.asyncProperty(random, pieces, holds), { numRuns: 10 }));
    await assertServes(running);
  });

  it('if it is a session that was altered, as many messages are accepted as are told to be', async () => {
    const holds = async (bytes: Buffer, sizes: readonly number[]): Promise<void> => {
      const text = await hear(bytes, sizes);
      assertSays(text);
      told += text.split('250 2.0.0 Accepted').length - 1;
      if (!text.includes('235 2.7.0')) assert.doesNotMatch(text, /^(250 2\.1\.|354|250 2\.0\.0 Accepted)/m);
    };
    const before = running.intake.accepted.length;
    let told = 0;
    await inParallel(() => fc.assert(fc.asyncProperty(mutated, pieces, holds), { numRuns: 20 }));
    assert.ok(told > 20, `${told} of 400 were accepted`);
    assert.equal(running.intake.accepted.length - before, told);
    await assertServes(running);
  });

  it('if it is a TLS hello that was altered, it is ended, and the next one is served', () =>
    withListener({}, async (secured) => {
      const hello = await helloOf({});
      const altered = fc.array(mutation, { maxLength: 4 }).map((all) => all.reduce(mutate, hello));
      const holds = async (bytes: Buffer): Promise<void> => {
        const client = await connectTo(secured.port);
        await client.converse('S: 220 *\nC: STARTTLS\nS: 220 *');
        const closed = new Promise((resolve) => client.socket.once('close', resolve));
        client.socket.resume();
        await client.send(bytes);
        client.socket.end();
        await closed;
      };
      await inParallel(() => fc.assert(fc.asyncProperty(altered, holds), { numRuns: 10 }));
      (await (await connectTo(secured.port)).startTls()).close();
      await assertServes(secured);
      assert.deepEqual(secured.log.of('smtp.failed'), []);
    }));
});
