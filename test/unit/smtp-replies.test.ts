import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SMTP_REPLIES, smtpReplyRow } from '../../shared/domain/smtp-replies.ts';

describe('SMTP replies', () => {
  for (const row of SMTP_REPLIES) {
    it(`reads its sample ${row.sample.slice(0, 60)}`, () => {
      assert.equal(smtpReplyRow(row.sample, row.steps?.[0] ?? 'message'), row);
    });
  }

  it('defers every 4xx at every step', () => {
    for (const step of ['connect', 'sign_in', 'sender', 'recipient', 'message'] as const) {
      for (const code of [421, 432, 450, 451, 452, 454]) {
        assert.equal(smtpReplyRow(`${code} 4.7.0 later`, step).outcome, 'deferred');
      }
    }
  });

  it('holds a refused sign-in, and says when a new token may help', () => {
    assert.equal(smtpReplyRow('535 5.7.3 Authentication unsuccessful', 'sign_in').outcome, 'held');
    assert.ok(smtpReplyRow('535 5.7.3 Authentication unsuccessful', 'sign_in').newTokenMayHelp);
    assert.ok(smtpReplyRow('535-5.7.8 Username and Password not accepted.', 'sign_in').newTokenMayHelp);
    const off = smtpReplyRow(
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.',
    );
    assert.equal(off.outcome, 'held');
    assert.ok(!off.newTokenMayHelp);
  });

  it('tells the older SendAsDenied from the quota under the same code', () => {
    const denied = '554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied';
    assert.equal(smtpReplyRow(denied, 'message').reason, 'sender_not_allowed');
    assert.equal(smtpReplyRow('554 5.2.0 SubmissionQuotaExceededException', 'message').outcome, 'deferred');
  });

  it('takes a full mailbox for the sender only after the message', () => {
    assert.equal(smtpReplyRow('552 5.2.2 mailbox full', 'message').outcome, 'held');
    assert.equal(smtpReplyRow('552 5.2.2 mailbox full', 'recipient').reason, 'invalid_recipient');
  });

  it('never drops a message for a reply it does not understand', () => {
    assert.equal(smtpReplyRow('HTTP/1.1 400 Bad Request', 'connect').outcome, 'deferred');
  });
});
