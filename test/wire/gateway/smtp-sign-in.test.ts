import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { fail, ok } from '../../../shared/domain/result.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { base64, connectTo, converse, plain, SECRET, SIGN_IN, withListener } from './smtp-client.ts';

const MAIL = `C: MAIL FROM:<scan@office.example>
  S: 250 2.1.0 *
  C: RCPT TO:<anna@customer.example>
  S: 250 2.1.5 *
  C: DATA
  S: 354 *
  C: .
  S: 250 2.0.0 Accepted *`;

describe('a device that cannot sign in', () => {
  it('may send where its address is listed', () =>
    withListener({}, async ({ port, devices, intake, log, metrics }) => {
      devices.list('127.0.0.1', ok(servedDevice('scanner33333')));
      await converse(
        port,
        `S: 220 *
         C: EHLO scanner
         S: 250 *
         ${MAIL}
         ${MAIL}`,
      );
      assert.deepEqual(
        intake.accepted.map(({ clientId }) => clientId),
        ['scanner33333', 'scanner33333'],
      );
      assert.deepEqual(
        log.of('smtp.signed_in').map(({ fields }) => [fields.method, fields.client_id, fields.address]),
        [['address', 'scanner33333', '127.0.0.1']],
      );
      assert.equal(metrics.count('signIn accepted'), 1);
      assert.deepEqual(log.of('smtp.not_signed_in'), []);
    }));

  it('may still sign in, which counts for more; a wrong password does not take its address away', () =>
    withListener({}, async ({ port, devices, intake }) => {
      devices.list('127.0.0.1', ok(servedDevice('scanner33333')));
      const client = await connectTo(port);
      await client.reply();
      assert.match(await client.command('EHLO scanner'), /^250-AUTH PLAIN LOGIN$/m);
      await client.converse(MAIL);
      assert.match(await client.command('EHLO scanner'), /^250-AUTH PLAIN LOGIN$/m);
      await client.converse(`C: AUTH PLAIN ${plain('scanner22222', 'wrong')}
        S: 535 *
        ${MAIL}
        C: ${SIGN_IN}
        S: 235 *
        ${MAIL}`);
      assert.doesNotMatch(await client.command('EHLO scanner'), /AUTH/);
      assert.deepEqual(
        intake.accepted.map(({ clientId }) => clientId),
        ['scanner33333', 'scanner33333', 'scanner22222'],
      );
      client.close();
    }));

  it('cannot become another one within a message', () =>
    withListener({}, async ({ port, devices }) => {
      devices.list('127.0.0.1', ok(servedDevice('scanner33333')));
      await converse(
        port,
        `S: 220 *
         C: EHLO scanner
         S: 250 *
         C: MAIL FROM:<scan@office.example>
         S: 250 *
         C: ${SIGN_IN}
         S: 503 5.5.1 *`,
      );
    }));

  it('is told what is wrong with the device that its address is listed for', () =>
    withListener({}, async ({ port, devices }) => {
      devices.list('127.0.0.1', fail(brokerError('slot_not_bound')));
      await converse(
        port,
        `S: 220 *
         C: EHLO scanner
         S: 250 *
         C: MAIL FROM:<scan@office.example>
         S: 550 5.7.1 No mailbox is assigned to this function of the device. [360]
         C: RCPT TO:<anna@customer.example>
         S: 530 5.7.0 *`,
      );
    }));
});

describe('a password', () => {
  it('is taken in clear text only where that is allowed, and is not asked for before', () =>
    withListener({ cleartextSignIn: false }, async ({ port, devices, log }) => {
      const client = await connectTo(port);
      await client.reply();
      assert.doesNotMatch(await client.command('EHLO printer'), /AUTH/);
      await client.converse(`C: ${SIGN_IN}
        S: 538 5.7.11 *
        C: AUTH LOGIN
        S: 538 5.7.11 *
        C: MAIL FROM:<scan@office.example>
        S: 530 5.7.0 *STARTTLS*`);
      client.close();
      assert.deepEqual(devices.attempts, []);
      const secure = await (await connectTo(port)).startTls();
      assert.match(await secure.command('EHLO printer'), /^250-AUTH PLAIN LOGIN$/m);
      await secure.converse(`C: ${SIGN_IN}
        S: 235 2.7.0 *`);
      secure.close();
      assert.match(String(log.of('smtp.signed_in')[0]?.fields.tls), /^TLSv1\.3$/);
      assert.match(String(log.of('smtp.signed_in')[0]?.fields.cipher), /^TLS_/);
    }));

  it('is not taken in clear text on a port without STARTTLS either', () =>
    withListener({ security: 'plain', cleartextSignIn: false }, ({ port }) =>
      converse(
        port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         C: ${SIGN_IN}
         S: 538 5.7.11 *`,
      ),
    ));

  it('is reported with the address that it came from, and never with a name that may be a password itself', () =>
    withListener({}, async ({ port, devices, log }) => {
      await converse(
        port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         C: AUTH LOGIN ${base64('SCANNER22222')}
         S: 334 *
         C: ${base64('wrong')}
         S: 535 5.7.8 *
         C: AUTH PLAIN ${plain(SECRET, 'scanner22222')}
         S: 535 5.7.8 *`,
      );
      assert.deepEqual(devices.attempts[0], {
        user: 'SCANNER22222',
        password: 'wrong',
        defaultSlot: 'scan',
        address: '127.0.0.1',
      });
      assert.deepEqual(
        log.of('smtp.sign_in_refused').map(({ fields }) => [fields.client_id, fields.kind, fields.address]),
        [
          ['scanner22222', 'invalid_client', '127.0.0.1'],
          ['(not a client id)', 'invalid_client', '127.0.0.1'],
        ],
      );
    }));

  it('may be wrong four times on a connection', () =>
    withListener({}, ({ port }) =>
      converse(
        port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         ${`C: AUTH PLAIN ${plain('scanner22222', 'wrong')}\nS: 535 5.7.8 *\n`.repeat(4)}
         C: AUTH PLAIN ${plain('scanner22222', 'wrong')}
         S: 421 4.7.0 *
         S: -`,
      ),
    ));
});

describe('a session that goes on and on', () => {
  it('begins no message a quarter of an hour after its first: whoever was disabled meanwhile has to sign in', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    await withListener({ clock }, async ({ port, intake }) => {
      const client = await connectTo(port);
      await client.reply();
      await client.command('EHLO scanner');
      await client.command(SIGN_IN);
      await client.converse(MAIL);
      aheadMs = 14 * 60_000;
      await client.converse(MAIL);
      aheadMs = 16 * 60_000;
      assert.match(await client.command('MAIL FROM:<scan@office.example>'), /^421 4\.7\.0 /);
      assert.equal(intake.accepted.length, 2);
      client.close();
    });
  });
});
