import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { beforeEach, describe, it } from 'node:test';
import { relayCourier } from '../../../gateway/delivery/relay-courier.ts';
import type { Spool } from '../../../gateway/spool/spool.ts';
import { ERROR_KINDS, type ErrorKind } from '../../../shared/domain/errors.ts';
import type { AttemptOutcome, Submission } from '../../../shared/domain/submission.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { failure, value } from '../support.ts';
import { CONTENT, mailboxNamed, open, put, scratchFolder, submissionNamed } from './spool-world.ts';

/** What the message itself is refused for, and would be again. */
const FINAL: readonly ErrorKind[] = [
  'not_a_message',
  'invalid_recipient',
  'sender_not_allowed',
  'message_too_large',
  // The device was removed, or was never one of the mailbox's organization.
  'invalid_client',
];

/** Of what the broker answers to a passed message, or might: what all mail of the mailbox waits for by itself. */
const PASSING: readonly ErrorKind[] = [
  'broker_unreachable',
  'provider_unavailable',
  'vault_unavailable',
  'too_many_attempts',
  'sending_limit_reached',
  'mail_server_unavailable',
];

const FOR_A_PERSON: readonly ErrorKind[] = ['slot_not_bound', 'not_signed_in', 'signed_out', 'sign_in_lapsed'];

/** It went wrong on the way, and may go right the next time. */
const WORTH_ANOTHER_TRY: readonly ErrorKind[] = [
  'internal',
  'conflict',
  'upload_unknown',
  'upload_incomplete',
  'not_found',
  'method_not_allowed',
  'payload_too_large',
  'invalid_request',
];

describe('the courier to the relay', () => {
  const clock = manualClock();
  let spool: Spool;
  let link: ScriptedLink;
  let submission: Submission;

  beforeEach(async (t) => {
    const folder = await scratchFolder(t as Parameters<typeof scratchFolder>[0]);
    spool = await open(folder, clock, memoryLog());
    link = scriptedLink(clock);
    submission = await put(spool, submissionNamed('sub_1', clock));
  });

  const courier = () => relayCourier({ link, blobs: spool.blobs })(mailboxNamed('mbx_1'));
  const pass = async (): Promise<AttemptOutcome> => value(await courier().prepare(submission, 'smtp', false)).send();
  const refusedWith = async (kind: ErrorKind) => {
    link.refuse('pass', { kind, detail: 'So it is.', retryAfterSeconds: 90 });
    return pass();
  };

  it('hands the message over as it lies there, for those who have not got it', async () => {
    submission = {
      ...submission,
      envelope: { from: 'scan@office.example', to: ['ann@office.example', 'bob@office.example', 'eve@office.example'] },
      delivered: ['ann@office.example'],
      rejected: [{ address: 'eve@office.example', response: '550' }],
    };
    const outcome = await pass();
    assert.deepEqual(outcome, {
      outcome: 'sent',
      response: 'Handed over to the relay as sub_relay_1.',
      refused: [],
    });
    assert.deepEqual(link.passed, [
      {
        id: 'sub_1',
        clientId: 'abcd1234',
        slot: 'scan',
        mailboxId: 'mbx_1',
        to: ['bob@office.example'],
        sizeBytes: CONTENT.length,
        content: CONTENT,
      },
    ]);
  });

  it('opens the content anew for each try', async () => {
    const errand = value(await courier().prepare(submission, 'smtp', false));
    await errand.send();
    await errand.send();
    assert.deepEqual(
      link.passed.map(({ content }) => content),
      [CONTENT, CONTENT],
    );
  });

  it('gives up a message only where another try cannot help', async () => {
    const failed: ErrorKind[] = [];
    for (const kind of ERROR_KINDS) {
      const { outcome } = await refusedWith(kind);
      assert.ok(outcome !== 'sent' && outcome !== 'unknown', kind);
      if (outcome === 'failed') failed.push(kind);
    }
    assert.deepEqual(failed.sort(), [...FINAL].sort());
  });

  it('has all mail of the mailbox wait, as long as is asked for, where the fault passes by itself', async () => {
    for (const reason of PASSING) {
      assert.deepEqual(await refusedWith(reason), {
        outcome: 'deferred',
        reason,
        response: 'So it is.',
        mailboxWide: true,
        retryAfterSeconds: 90,
      });
    }
  });

  it('holds the mail where the mailbox needs a person', async () => {
    for (const reason of FOR_A_PERSON) {
      assert.deepEqual(await refusedWith(reason), { outcome: 'held', reason, response: 'So it is.' });
    }
  });

  it('tries this message again, and lets others go on, where something went wrong on the way', async () => {
    for (const reason of WORTH_ANOTHER_TRY) {
      assert.deepEqual(await refusedWith(reason), {
        outcome: 'deferred',
        reason,
        response: 'So it is.',
        retryAfterSeconds: 90,
      });
    }
  });

  it('fails for a message whose content is gone', async () => {
    await rm(spool.contentPath('sub_1'));
    const error = failure(await courier().prepare(submission, 'smtp', false));
    assert.equal(error.outcome === 'failed' && error.withoutContact, true);
  });

  it('leaves no file open, whatever becomes of a try', { skip: process.platform !== 'linux' }, async () => {
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await pass();
    const before = openFiles();
    for (let time = 0; time < 20; time++) {
      await pass();
      value(await courier().prepare(submission, 'smtp', false)).drop();
      await refusedWith('vault_unavailable');
      link.refuse('pass', undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(openFiles() < before + 5, `${openFiles()} after ${before}`);
  });
});
