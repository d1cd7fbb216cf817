import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokerError } from '../../../shared/domain/errors.ts';
import { assertServes, base64, converse, MAIL, plain, SECRET, until, withListener } from './smtp-client.ts';

describe('the log of sessions', () => {
  it('tells of a device that never signs in, and of none that only looks whether the port is open', () =>
    withListener({}, async (running) => {
      await converse(running.port, 'S: 220 *');
      await converse(
        running.port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         C: QUIT
         S: 221 *`,
      );
      await converse(
        running.port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         C: MAIL FROM:<scan@office.example>
         S: 530 5.7.0 *`,
      );
      await until(() => running.log.of('smtp.not_signed_in').length === 2, 'both are told of');
      assert.deepEqual(
        running.log.of('smtp.not_signed_in').map(({ fields }) => fields),
        [
          { address: '127.0.0.1', tls: 'none', wanted_to_send: false },
          { address: '127.0.0.1', tls: 'none', wanted_to_send: true },
        ],
      );
    }));

  it('tells who signed in and what was accepted, and never a password, a recipient or content', () =>
    withListener({}, async (running) => {
      await assertServes(running);
      running.intake.refuse('take', brokerError('not_a_message', 'no header'));
      await converse(
        running.port,
        `S: 220 *
         C: EHLO printer
         S: 250 *
         C: AUTH PLAIN ${plain(`My-Pass-Word!`, SECRET)}
         S: 535 *
         C: AUTH LOGIN ${base64('scanner22222')}
         S: 334 *
         C: ${base64(SECRET)}
         S: 235 *
         C: MAIL FROM:<scan@office.example> RET=FULL
         S: 555 *
         ${MAIL}
         C: DATA
         S: 354 *
         C: Subject: secret-content
         C: .
         S: 554 5.6.0 *`,
      );
      const text = JSON.stringify(running.log.lines);
      for (const secret of [SECRET, base64(SECRET), 'My-Pass-Word!', 'anna@', 'customer.example', 'content', 'AUTH']) {
        assert.ok(!text.includes(secret), `${secret} in ${text}`);
      }
      const [signedIn] = running.log.of('smtp.signed_in');
      assert.equal(signedIn?.fields.client_id, 'scanner22222');
      assert.equal(signedIn?.fields.tls, 'none');
      assert.equal(running.log.of('smtp.sign_in_refused')[0]?.fields.client_id, '(not a client id)');
      assert.equal(running.log.of('smtp.accepted')[0]?.fields.recipients, 1);
      assert.deepEqual(
        running.log.of('smtp.refused').map(({ fields }) => [fields.at, fields.reply, fields.kind]),
        [
          ['MAIL', '555 5.5.4', undefined],
          ['DATA', '554 5.6.0', 'not_a_message'],
        ],
      );
      assert.equal(running.metrics.count('signIn accepted'), 2);
      assert.equal(running.metrics.count('signIn invalid_client'), 1);
      assert.equal(running.metrics.count('message accepted'), 1);
      assert.equal(running.metrics.count('connection accepted'), 2);
    }));
});
