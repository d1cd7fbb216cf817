import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { brokerError } from '../../../shared/domain/errors.ts';
import {
  assertServes,
  base64,
  connectTo,
  converse,
  MAIL,
  plain,
  type RunningListener,
  SECRET,
  SIGN_IN,
  SIGNED_IN,
  startListener,
} from './smtp-client.ts';

describe('a session', () => {
  let running: RunningListener;
  const talk = (script: string): Promise<void> => converse(running.port, script);
  before(async () => {
    running = await startListener();
  });
  after(() => running.listener.close(0));

  it('goes through with everything as it should be', () => assertServes(running));

  it('offers what the gateway does, and nothing that it does not', async () => {
    const client = await connectTo(running.port);
    await client.reply();
    const offer = await client.command('EHLO printer');
    assert.deepEqual(
      offer.split('\n').map((line) => line.slice(4)),
      [
        'gateway.test',
        'PIPELINING',
        '8BITMIME',
        'SMTPUTF8',
        'ENHANCEDSTATUSCODES',
        'STARTTLS',
        'AUTH PLAIN LOGIN',
        'SIZE 36700160',
      ],
    );
    client.close();
  });

  it('takes LOGIN with the user name in the first line', () =>
    talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH LOGIN ${base64('scanner22222')}
      S: 334 UGFzc3dvcmQ6
      C: ${base64(SECRET)}
      S: 235 2.7.0 *`));

  it('takes LOGIN step by step, as panels with prompts want it', () =>
    talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: ${base64('scanner22222')}
      S: 334 UGFzc3dvcmQ6
      C: ${base64(SECRET)}
      S: 235 2.7.0 *`));

  it('takes PLAIN in two lines, and with the name where it does not belong', () =>
    talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH PLAIN
      S: 334*
      C: ${base64(`scanner22222\0\0${SECRET}`)}
      S: 235 2.7.0 *`));

  it('takes verbs in any letter case, and a user name in capitals', async () => {
    await talk(`S: 220 *
      C: ehlo printer
      S: 250 *
      C: auth login ${base64('SCANNER22222+ALERTS')}
      S: 334 *
      C: ${base64(SECRET)}
      S: 235 2.7.0 *
      C: mail from:<scan@office.example>
      S: 250 *
      C: rcpt to:<anna@customer.example>
      S: 250 *
      C: data
      S: 354 *
      C: .
      S: 250 2.0.0 Accepted *
      C: quit
      S: 221 *`);
    assert.equal(running.intake.accepted.at(-1)?.slot, 'alerts');
    assert.equal(running.devices.attempts.at(-1)?.defaultSlot, 'scan');
  });

  it('takes HELO for EHLO', () =>
    talk(`S: 220 *
      C: HELO printer
      S: 250 gateway.test
      C: ${SIGN_IN}
      S: 235 *
      ${MAIL}
      C: DATA
      S: 354 *
      C: .
      S: 250 2.0.0 Accepted *`));

  it('takes lines that end with a bare line feed', async () => {
    const client = await connectTo(running.port);
    await client.send(
      `EHLO printer\n${SIGN_IN}\nMAIL FROM:<scan@office.example>\nRCPT TO:<anna@customer.example>\nDATA\n`,
    );
    for (const code of ['220', '250', '235', '250', '250', '354'])
      assert.equal((await client.reply())?.slice(0, 3), code);
    client.close();
  });

  it('keeps bare line feeds in what is sent, and does not take one for the end of it', async () => {
    const client = await connectTo(running.port);
    await client.converse(`${SIGNED_IN}
      ${MAIL}
      C: DATA
      S: 354 *`);
    await client.send('Subject: scan\n\n.\nno end\n.\r\nnone either\r\n.\r\n');
    assert.match((await client.reply()) ?? '', /^250 2\.0\.0 Accepted/);
    const content = running.intake.accepted.at(-1)?.content.toString();
    // RFC 5321 section 4.1.1.4: only CRLF, dot, CRLF ends it. Else a message could carry another one.
    assert.equal(content, 'Subject: scan\n\n.\nno end\n.\r\nnone either\r\n');
    client.close();
  });

  it('takes a whole session that is sent before the greeting has been read', async () => {
    const before = running.intake.accepted.length;
    const client = await connectTo(running.port);
    await client.send(
      [
        'EHLO printer',
        SIGN_IN,
        'MAIL FROM:<scan@office.example>',
        'RCPT TO:<anna@customer.example>',
        'DATA',
        'Subject: hasty',
        '',
        'text',
        '.',
        'QUIT',
        '',
      ].join('\r\n'),
    );
    await client.converse(`S: 220 *
      S: 250 *
      S: 235 *
      S: 250 *
      S: 250 *
      S: 354 *
      S: 250 2.0.0 Accepted *
      S: 221 *
      S: -`);
    assert.equal(running.intake.accepted.length, before + 1);
    assert.equal(running.intake.accepted.at(-1)?.content.toString(), 'Subject: hasty\r\n\r\ntext\r\n');
  });

  it('serves a client that leaves without QUIT, and says nothing about it', async () => {
    const client = await connectTo(running.port);
    await client.converse(SIGNED_IN);
    client.close();
    await assertServes(running);
    assert.deepEqual(running.log.of('smtp.connection_failed'), []);
  });

  it('gives each of five messages on one connection an id of its own', async () => {
    const before = running.intake.accepted.length;
    const one = `${MAIL}
      C: DATA
      S: 354 *
      C: Subject: scan
      C: .
      S: 250 2.0.0 Accepted sub_*`;
    await talk(`${SIGNED_IN}\n${Array(5).fill(one).join('\n')}\nC: QUIT\nS: 221 *`);
    const ids = running.intake.accepted.slice(before).map(({ id }) => id);
    assert.equal(ids.length, 5);
    assert.equal(new Set(ids).size, 5);
  });

  it('forgets a message at RSET, and at a second EHLO, but not who has signed in', () =>
    talk(`${SIGNED_IN}
      ${MAIL}
      C: RSET
      S: 250 2.0.0 *
      C: DATA
      S: 503 5.5.1 *
      C: RCPT TO:<b@customer.example>
      S: 503 5.5.1 *
      ${MAIL}
      C: EHLO printer
      S: 250 *
      C: DATA
      S: 503 5.5.1 *
      ${MAIL}
      C: DATA
      S: 354 *
      C: .
      S: 250 2.0.0 Accepted *`));

  it('takes the right password after a wrong one', () =>
    talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH PLAIN ${plain('scanner22222', 'wrong')}
      S: 535 5.7.8 The device is unknown or disabled, or its password is wrong.
      C: MAIL FROM:<scan@office.example>
      S: 530 5.7.0 *
      C: ${SIGN_IN}
      S: 235 *
      ${MAIL}`));

  it('takes no second sign-in, and a sign-in can be cancelled', () =>
    talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH LOGIN
      S: 334 *
      C: *
      S: 501 5.7.0 *
      C: AUTH CRAM-MD5
      S: 504 5.5.4 *
      C: AUTH XOAUTH2 dXNlcj1h
      S: 504 5.5.4 *
      C: AUTH PLAIN ####
      S: 501 5.5.2 *
      C: ${SIGN_IN}
      S: 235 *
      C: ${SIGN_IN}
      S: 503 5.5.1 *`));

  it('asks a device to come back where the broker cannot be reached', async () => {
    running.devices.failWith(brokerError('broker_unreachable'));
    await talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: ${SIGN_IN}
      S: 454 4.4.1 The gateway cannot reach the broker. [360]`);
    running.devices.failWith(undefined);
  });

  it('knows no command by which a client is somebody else, or the server another', () =>
    talk(`S: 220 *
      C: XCLIENT ADDR=192.0.2.1 LOGIN=scanner22222
      S: 500 5.5.1 *
      C: XFORWARD ADDR=192.0.2.1
      S: 500 5.5.1 *
      C: PROXY TCP4 192.0.2.1 192.0.2.2 1 2
      S: 500 5.5.1 *
      C: WIZ x
      S: 500 5.5.1 *
      C: BDAT 3 LAST
      S: 500 5.5.1 *`));

  it('ends for a browser, and for a line that never ends', async () => {
    await talk(`S: 220 *
      C: POST / HTTP/1.1
      S: 421 4.7.0 *
      S: -`);
    await talk(`S: 220 *
      C: EHLO ${'x'.repeat(5000)}
      S: 500 5.5.2 Line too long
      S: -`);
  });

  it('answers 451 where the gateway itself has a fault, logs it, and goes on', async () => {
    running.intake.throwing(new Error('a bug in the intake'));
    await talk(`${SIGNED_IN}
      ${MAIL}
      C: DATA
      S: 354 *
      C: text
      C: .
      S: 451 4.3.0 *
      C: NOOP
      S: 250 *`);
    running.intake.throwing(undefined);
    running.devices.throwing(new Error('a bug in the devices'));
    await talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: ${SIGN_IN}
      S: 451 4.3.0 *
      C: NOOP
      S: 250 *`);
    running.devices.throwing(undefined);
    assert.equal(running.log.of('smtp.failed').length, 2);
  });
});
