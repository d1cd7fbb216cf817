import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { brokerError } from '../../../shared/domain/errors.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { connectTo, converse, MAIL, plain, type RunningListener, SIGNED_IN, startListener } from './smtp-client.ts';

describe('a message', () => {
  let running: RunningListener;
  const talk = (script: string): Promise<void> => converse(running.port, script);
  before(async () => {
    running = await startListener();
  });
  after(() => running.listener.close(0));

  it('may have a null reverse-path, addresses without brackets, and blanks where none belong', async () => {
    await talk(`${SIGNED_IN}
      C: MAIL FROM:<>
      S: 250 *
      C: RSET
      S: 250 *
      C: MAIL FROM: scan@office.example SIZE=20
      S: 250 *
      C: RCPT  TO : anna@customer.example
      S: 250 *
      C: RCPT TO: <bo@customer.example>
      S: 250 *
      C: RCPT TO:<ANNA@customer.example>
      S: 250 *
      C: DATA
      S: 354 *
      C: .
      S: 250 *`);
    const mail = running.intake.accepted.at(-1);
    assert.equal(mail?.mailFrom, 'scan@office.example');
    assert.deepEqual(mail?.to, ['ANNA@customer.example', 'bo@customer.example']);
  });

  it('goes on after what is no address', () =>
    talk(`${SIGNED_IN}
      C: MAIL FROM:<no address>
      S: 501 5.1.7 *
      C: MAIL FROM:<a@b@c>
      S: 501 5.1.7 *
      C: MAIL FROM:<scan@[192.0.2.1]>
      S: 501 5.1.7 *
      C: MAIL FROM:<scan@office.example>
      S: 250 *
      C: MAIL FROM:<scan@office.example>
      S: 503 5.5.1 *
      C: RCPT TO:<>
      S: 501 5.1.3 *
      C: RCPT TO:<postmaster>
      S: 501 5.1.3 *
      C: RCPT TO:<"anna b"@customer.example>
      S: 501 5.1.3 *
      C: RCPT TO:<a,b@customer.example>
      S: 501 5.1.3 *
      C: RCPT TO:<anna@customer..example>
      S: 501 5.1.3 *
      C: RCPT TO:<anna@customer.example>
      S: 250 *`));

  it('has no parameters that were not offered', () =>
    talk(`${SIGNED_IN}
      C: MAIL FROM:<scan@office.example> RET=FULL
      S: 555 5.5.4 *
      C: MAIL FROM:<scan@office.example> REQUIRETLS
      S: 555 5.5.4 *
      C: MAIL FROM:<scan@office.example> BODY=BINARYMIME
      S: 501 5.5.4 *
      C: MAIL FROM:<scan@office.example> SIZE=many
      S: 501 5.5.4 *
      C: MAIL FROM:<scan@office.example> BODY=8BITMIME SMTPUTF8 SIZE=1 AUTH=<>
      S: 250 *
      C: RCPT TO:<anna@customer.example> NOTIFY=NEVER
      S: 555 5.5.4 *`));

  it('is refused before it is sent where it is announced as too large', async () => {
    await talk(`${SIGNED_IN}
      C: MAIL FROM:<scan@office.example> SIZE=36700161
      S: 552 5.3.4 The message is too large.
      C: MAIL FROM:<scan@office.example> SIZE=36700160
      S: 250 *`);
    assert.equal(running.intake.announced.at(-1), 36700160);
  });

  it('is refused in the words of the intake, in the language of the device', async () => {
    running.devices.add('geheim', servedDevice('danish', { metadata: { clientName: 'Kopi', locale: 'da-DK' } }));
    running.intake.refuse('admits', brokerError('gateway_full'));
    await talk(`S: 220 *
      C: EHLO printer
      S: 250 *
      C: AUTH PLAIN ${plain('danish', 'geheim')}
      S: 235 *
      C: MAIL FROM:<scan@office.example>
      S: 452 4.3.1 Gatewayen har ikke plads til mere post.`);
    running.intake.refuse('admits', undefined);
    running.intake.refuse('take', brokerError('sender_not_allowed'));
    await talk(`${SIGNED_IN}
      ${MAIL}
      C: DATA
      S: 354 *
      C: .
      S: 550 5.7.1 This device may not send as the sender in the message.
      C: NOOP
      S: 250 2.0.0 *`);
    running.intake.refuse('take', undefined);
    assert.equal(running.metrics.count('message gateway_full'), 1);
    assert.equal(running.metrics.count('message sender_not_allowed'), 1);
  });

  it('may have addresses beyond ASCII, with their domains as every server knows them', async () => {
    await talk(`${SIGNED_IN}
      C: MAIL FROM:<jürgen@bücher.example> SMTPUTF8
      S: 250 *
      C: RCPT TO:<anna@xn--bcher-kva.example>
      S: 250 *
      C: DATA
      S: 354 *
      C: Subject: Überweisung
      C: .
      S: 250 *`);
    const mail = running.intake.accepted.at(-1);
    assert.equal(mail?.mailFrom, 'jürgen@xn--bcher-kva.example');
    assert.deepEqual(mail?.to, ['anna@xn--bcher-kva.example']);
    assert.equal(mail?.content.toString(), 'Subject: Überweisung\r\n');
  });

  it('has no address whose letters are in another alphabet than UTF-8', async () => {
    const client = await connectTo(running.port);
    await client.converse(SIGNED_IN);
    await client.send(Buffer.from('MAIL FROM:<j\xfcrgen@office.example>\r\n', 'latin1'));
    assert.match((await client.reply()) ?? '', /^501 5\.1\.7/);
    client.close();
  });

  it('is handed on with every byte as it came, but for the dots that the protocol adds', async () => {
    const client = await connectTo(running.port);
    const bytes = Buffer.concat([
      Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
      Buffer.from('\r\n.\r\n..\r\n.x\r\n'),
    ]);
    const stuffed = Buffer.from(bytes.toString('latin1').replace(/(^|\r\n)\./g, '$1..'), 'latin1');
    for (const size of [1, 2, 3, 7, stuffed.length]) {
      await client.converse(size === 1 ? SIGNED_IN : '');
      await client.converse(`${MAIL}
        C: DATA
        S: 354 *`);
      for (let at = 0; at < stuffed.length; at += size) {
        await client.send(stuffed.subarray(at, at + size));
        if (size < 4) await new Promise(setImmediate);
      }
      await client.send('.\r\n');
      assert.match((await client.reply()) ?? '', /^250/);
      assert.deepEqual(running.intake.accepted.at(-1)?.content, bytes, `in pieces of ${size}`);
    }
    client.close();
  });
});
