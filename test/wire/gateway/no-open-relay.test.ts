import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok } from '../../../shared/domain/result.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import {
  assertServes,
  base64,
  connectTo,
  plain,
  type RunningListener,
  SECRET,
  SIGN_IN,
  type SmtpClient,
  startListener,
  withListener,
} from './smtp-client.ts';

/** Somebody who may use the gateway, at an address that is not ours. */
const LISTED = '192.0.2.77';

const HEADER_V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc000024dcb0071090fa00019', 'hex').toString('latin1');

/** All that a session is made of, but the one right credential: with its name, with its password, never both. */
const LINES = [
  'EHLO printer',
  'HELO printer',
  'EHLO',
  'MAIL FROM:<scan@office.example>',
  'MAIL FROM:<>',
  'mail from:<scan@office.example> AUTH=scanner22222 SIZE=10',
  'RCPT TO:<anna@customer.example>',
  'RCPT TO:<postmaster>',
  'rcpt to: anna@customer.example',
  'DATA',
  'BDAT 10 LAST',
  '.',
  'RSET',
  'NOOP',
  'AUTH PLAIN',
  'AUTH LOGIN',
  `AUTH LOGIN ${base64('scanner22222')}`,
  `AUTH PLAIN ${plain('scanner22222', 'wrong')}`,
  `AUTH PLAIN ${plain('scanner22222', '')}`,
  `AUTH PLAIN ${plain('', SECRET)}`,
  `AUTH PLAIN ${plain('other2222222', SECRET)}`,
  `AUTH PLAIN ${base64(`scanner22222\0other\0${SECRET}`)}`,
  `AUTH XOAUTH2 ${base64('user=scanner22222\x01auth=Bearer x\x01\x01')}`,
  'AUTH CRAM-MD5',
  'AUTH EXTERNAL =',
  'AUTH XCLIENT scanner22222',
  base64('scanner22222'),
  base64('wrong'),
  '*',
  '',
  `XCLIENT ADDR=${LISTED} LOGIN=scanner22222`,
  'XCLIENT LOGIN=scanner22222',
  `XFORWARD ADDR=${LISTED} NAME=listed SOURCE=LOCAL`,
  `PROXY TCP4 ${LISTED} 127.0.0.1 4000 25`,
  HEADER_V2,
  'VRFY anna@customer.example',
  'STARTTLS now',
  'QUIT',
] as const;

/** Ends a session also where a line is taken for a password, or for content. */
const GOODBYE = `${'\r\nQUIT'.repeat(3)}\r\n.\r\nQUIT\r\n`;

/** Sends all at once, and hears all that is said. */
const hear = async (client: SmtpClient, bytes: string): Promise<string> => {
  const heard: Buffer[] = [];
  client.socket.on('data', (chunk: Buffer) => heard.push(chunk));
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  await client.send(Buffer.from(`${bytes}${GOODBYE}`, 'latin1'));
  await closed;
  return Buffer.concat(heard).toString('latin1');
};

/** 354 would take content, and RCPT is answered with 250 2.1.5 alone. */
const TAKEN = /^(250 2\.1\.[05]|354|235|250 2\.0\.0 Accepted)/m;

/** Most who get anywhere say EHLO first. */
const commandLines = fc
  .tuple(fc.boolean(), fc.array(fc.constantFrom(...LINES), { minLength: 1, maxLength: 25 }))
  .map(([isPolite, lines]) => (isPolite ? ['EHLO printer', ...lines] : lines));

describe('the gateway is no open relay', () => {
  let running: RunningListener;
  before(async () => {
    running = await startListener({ limits: { unauthenticatedCommands: 1000 }, trustedProxies: ['192.0.2.200'] });
    running.devices.list(LISTED, ok(servedDevice('scanner33333')));
  });
  after(() => running.listener.close(0));

  it('for any sequence of commands without the right credential, in clear text', async () => {
    const holds = async (lines: readonly string[], isHasty: boolean): Promise<void> => {
      const client = await connectTo(running.port);
      if (!isHasty) await client.reply();
      const text = await hear(client, lines.map((line) => `${line}\r\n`).join(''));
      assert.doesNotMatch(text, TAKEN);
      assert.deepEqual(running.intake.accepted, []);
      assert.deepEqual(running.intake.announced, []);
    };
    await fc.assert(fc.asyncProperty(commandLines, fc.boolean(), holds), { numRuns: 400 });
    assert.ok(running.devices.attempts.length > 100, `only ${running.devices.attempts.length} passwords were tried`);
    await assertServes(running);
    assert.equal(running.intake.accepted.length, 1);
  });

  it('for any sequence of commands behind STARTTLS, whatever was said before it', async () => {
    const taken = running.intake.accepted.length;
    const holds = async (first: readonly string[], signsInBefore: boolean, lines: readonly string[]): Promise<void> => {
      const client = await connectTo(running.port);
      await client.converse('S: 220 *');
      if (signsInBefore) await client.converse(`C: EHLO x\nS: 250 *\nC: ${SIGN_IN}\nS: 235 *`);
      for (const line of first) if (/^(EHLO p|HELO|NOOP|RSET|VRFY)/.test(line)) await client.command(line);
      const secure = await client.converse('C: NOOP').then(() => client.startTls());
      const text = await hear(secure, lines.map((line) => `${line}\r\n`).join(''));
      assert.doesNotMatch(text, TAKEN);
      assert.equal(running.intake.accepted.length, taken);
    };
    await fc.assert(fc.asyncProperty(commandLines, fc.boolean(), commandLines, holds), { numRuns: 100 });
  });

  it('for who says, without being a load balancer, that they speak for a listed address', async () => {
    // The header of version 2 says QUIT to who does not know it.
    const headers = [`PROXY TCP4 ${LISTED} 127.0.0.1 4000 25\r\n`, '', `XCLIENT ADDR=${LISTED}\r\n`];
    for (const header of headers) {
      const client = await connectTo(running.port);
      const session = 'EHLO x\r\nMAIL FROM:<scan@office.example>\r\nRCPT TO:<anna@customer.example>\r\nDATA\r\n';
      const text = await hear(client, `${header}${session}`);
      assert.match(text, /^530 5\.7\.0/m);
      assert.doesNotMatch(text, TAKEN);
    }
    assert.match(await hear(await connectTo(running.port), HEADER_V2), /^221 /m);
  });

  it('for a device at a listed address that the broker refuses', () =>
    withListener({}, async ({ port, devices, intake }) => {
      devices.list('127.0.0.1', fail(brokerError('invalid_client')));
      const holds = async (lines: readonly string[]): Promise<void> => {
        const text = await hear(await connectTo(port), lines.map((line) => `${line}\r\n`).join(''));
        assert.doesNotMatch(text, TAKEN);
        assert.deepEqual(intake.accepted, []);
      };
      await fc.assert(fc.asyncProperty(commandLines, holds), { numRuns: 100 });
    }));
});

describe('behind a load balancer that is trusted', () => {
  const session = 'EHLO x\r\nMAIL FROM:<scan@office.example>\r\nRCPT TO:<anna@customer.example>\r\nQUIT\r\n';
  const proxied = { trustedProxies: ['127.0.0.0/8'] };

  it('a device is who it is at its own address, told in either version of the protocol', () =>
    withListener(proxied, async ({ port, devices, log }) => {
      devices.list(LISTED, ok(servedDevice('scanner33333')));
      for (const header of [`PROXY TCP4 ${LISTED} 127.0.0.1 4000 25\r\n`, HEADER_V2]) {
        assert.match(await hear(await connectTo(port), `${header}${session}`), /^250 2\.1\.5/m);
      }
      assert.deepEqual(
        log.of('smtp.signed_in').map(({ fields }) => fields.address),
        [LISTED, LISTED],
      );
    }));

  it('the load balancer’s own address is nobody’s, and no second header counts', () =>
    withListener(proxied, async ({ port, devices }) => {
      devices.list(LISTED, ok(servedDevice('scanner33333')));
      const first = 'PROXY TCP4 192.0.2.8 127.0.0.1 4000 25\r\n';
      for (const second of ['', `PROXY TCP4 ${LISTED} 127.0.0.1 4000 25\r\n`, HEADER_V2]) {
        const text = await hear(await connectTo(port), `${first}${second}${session}`);
        assert.match(text, /^220 /m);
        assert.doesNotMatch(text, TAKEN);
      }
    }));

  it('who comes without a header is not served', () =>
    withListener({ ...proxied, limits: { signInSeconds: 1 } }, async ({ port, devices }) => {
      devices.list('127.0.0.1', ok(servedDevice('scanner33333')));
      for (const bytes of [session, '\r\n\r\nnonsense that is long enough', `PROXY TCP4 x\r\n${session}`]) {
        assert.doesNotMatch(await hear(await connectTo(port), bytes), /^2|^354/m);
      }
    }));
});
