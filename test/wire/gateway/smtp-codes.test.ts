import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PROTOCOL_REPLIES, type ProtocolReply } from '../../../gateway/smtp/replies.ts';
import { brokerError, ERROR_KINDS } from '../../../shared/domain/errors.ts';
import { smtpReplyOf } from '../../../shared/protocol/smtp-reply.ts';
import { connectTo, plain, type RunningListener, SIGN_IN, startListener, withListener } from './smtp-client.ts';

const WRONG = `AUTH PLAIN ${plain('scanner22222', 'wrong')}`;
const MAIL = 'MAIL FROM:<scan@office.example>';
const RCPT = 'RCPT TO:<anna@customer.example>';

/** Sessions after EHLO, which between them hear all that there is to hear. */
const SESSIONS: readonly (readonly string[])[] = [
  ['EHLO', 'EHLO a b', 'HELO', `EHLO ${'x'.repeat(301)}`, 'NOOP', 'NOOP x', 'HELP', 'VRFY a', 'VRFY', 'RSET', 'QUIT'],
  ['MAIL', MAIL, RCPT, 'DATA', '.', 'EXPN a', '', ' ', 'LHLO x', 'mail', 'XCLIENT A=1'],
  [
    'AUTH',
    'AUTH PLAIN a b',
    'AUTH PLAIN !',
    'AUTH LOGIN a b',
    'AUTH LOGIN ====',
    'AUTH LOGIN',
    '*',
    'AUTH NTLM',
    WRONG,
  ],
  [
    SIGN_IN,
    SIGN_IN,
    'DATA',
    RCPT,
    MAIL,
    MAIL,
    SIGN_IN,
    RCPT,
    'RCPT TO:<a>',
    'RCPT TO:<b@c.example>',
    'RCPT TO:<c@c.example>',
  ],
  [
    SIGN_IN,
    'MAIL FROM:<a',
    'MAIL FROM:<a@b> X=1',
    'MAIL FROM:<a@b> SIZE',
    'MAIL FROM:<a@b> BODY=9 BODY=8',
    'MAIL TO:<a@b>',
  ],
  [
    SIGN_IN,
    'MAIL FROM:<a@b> SIZE=99999999999',
    `${MAIL} SIZE=9`,
    'RCPT TO:<>',
    `${RCPT} NOTIFY=NEVER`,
    RCPT,
    'DATA',
    '.',
    'QUIT',
  ],
  [SIGN_IN, MAIL, RCPT, 'DATA', 'x'.repeat(3000), '.'],
  ['STARTTLS x', ...Array<string>(12).fill('FOO')],
  Array<string>(25).fill('NOOP'),
  Array<string>(5).fill(WRONG),
  ['GET / HTTP/1.1'],
  ['x'.repeat(5000)],
  ['STARTTLS'],
];

describe('every reply after EHLO', () => {
  const heard = new Set<string>();
  let running: RunningListener;
  before(async () => {
    running = await startListener({ limits: { recipients: 2, sizeBytes: 2000, unauthenticatedCommands: 20 } });
  });
  after(() => running.listener.close(0));

  /** Checks what is said to these lines, one after the other. */
  const hear = async (port: number, lines: readonly string[]): Promise<void> => {
    const client = await connectTo(port);
    assert.match((await client.reply()) ?? '', /^220 gateway\.test ESMTP$/);
    assert.match(await client.command('EHLO printer'), /^250 SIZE \d+$/m);
    let isContent = false;
    for (const line of lines) {
      await client.send(`${line}\r\n`);
      if (isContent && line !== '.') continue;
      const reply = await client.reply();
      if (reply === undefined) break;
      isContent = reply.startsWith('354');
      if (/^[13]/.test(reply) || /^250[- ]gateway\.test/.test(reply)) continue;
      const [, basic, enhanced, text] = /^(\d{3}) (\d\.\d{1,3}\.\d{1,3}) ([\x20-\x7e]{1,120})$/.exec(reply) ?? [];
      assert.ok(enhanced && text, `no enhanced code: ${reply}`);
      assert.equal(enhanced[0], basic?.[0], reply);
      assert.doesNotMatch(text, /\d\.\d\.\d|Error:/, 'a code that stands twice, or words of the library');
      heard.add(`${basic} ${enhanced} ${text.replace(/ sub_\d+$/, '')}`);
    }
    client.close();
  };

  for (const [i, session] of SESSIONS.entries()) {
    it(`has one enhanced code, of its own class, in session ${i + 1}`, () => hear(running.port, session));
  }

  it('has it too where the gateway wants TLS, has a fault, or refuses', async () => {
    await withListener({ cleartextSignIn: false }, ({ port }) => hear(port, [SIGN_IN, MAIL, RCPT, 'DATA']));
    running.intake.throwing(new Error('a bug'));
    await hear(running.port, [SIGN_IN, MAIL, RCPT, 'DATA', '.']);
    running.intake.throwing(undefined);
    await withListener({ limits: { idleSeconds: 0.2 } }, async ({ port }) => {
      const client = await connectTo(port);
      await client.converse('S: 220 *\nS: 421 4.4.2 *');
    });
  });

  for (const kind of ERROR_KINDS) {
    it(`has it at AUTH, MAIL and DATA where the error is ${kind}`, async () => {
      const expected = smtpReplyOf(brokerError(kind), 'en');
      const line = `${expected.code} ${expected.enhancedCode} ${expected.text}`;
      running.devices.failWith(brokerError(kind));
      await hear(running.port, [SIGN_IN]);
      running.devices.failWith(undefined);
      assert.ok(heard.delete(line), line);
      for (const step of ['admits', 'take'] as const) {
        running.intake.refuse(step, brokerError(kind));
        await hear(running.port, [SIGN_IN, MAIL, RCPT, 'DATA', '.']);
        running.intake.refuse(step, undefined);
        assert.ok(heard.delete(line), `${step}: ${line}`);
      }
    });
  }

  it('is one of the table, and all of the table have been heard', () => {
    /** Other tests hear these: they take their time, or come without EHLO; or a kind of error has words for it. */
    const elsewhere: readonly ProtocolReply[] = [
      'badRecipient',
      'closing',
      'greetFirst',
      'idle',
      'signInTooSlow',
      'signInTooOld',
      'tooManyConnections',
      'tooSoon',
      'tooLarge',
      'wrongPassword',
      'alreadyEncrypted',
      'internal',
    ];
    const missing = Object.entries(PROTOCOL_REPLIES)
      .filter(([name, [codes, text]]) => !heard.has(`${codes} ${text}`) && !elsewhere.some((other) => other === name))
      .map(([name]) => name);
    assert.deepEqual(missing, []);
  });
});
