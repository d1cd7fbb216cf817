import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { RouteChoice } from '../../shared/domain/outbox.ts';
import { askPermit, NO_PACE } from '../../shared/domain/pace.ts';
import type { AttemptOutcome, Submission, SubmissionState } from '../../shared/domain/submission.ts';
import { dueShardOf, dueShards } from '../../shared/domain/timing.ts';
import type { Value } from '../../shared/ports/table.ts';
import { keys } from '../../shared/records/items.ts';
import { makeFuse } from '../fakes/fuse.ts';
import {
  advanceSeconds,
  makeWorld,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const BUSY: AttemptOutcome = {
  outcome: 'deferred',
  reason: 'mail_server_unavailable',
  response: '432 4.3.2 sender thread limit exceeded',
  mailboxWide: true,
};
const SWITCHED_OFF: AttemptOutcome = {
  outcome: 'held',
  reason: 'smtp_switched_off',
  response: '535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.',
};
const BLOCKED: AttemptOutcome = {
  outcome: 'held',
  reason: 'conditional_access',
  response: '535 5.7.139 Authentication unsuccessful.',
};
const LATER: AttemptOutcome = { outcome: 'deferred', reason: 'mail_server_unavailable', response: '451 4.3.0 Later.' };
const LOST: AttemptOutcome = { outcome: 'unknown', response: 'The connection was lost before the answer.' };

describe('the outbox of a mailbox', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const handIn = async (from: Office = office): Promise<string> => {
    const accepted = await process.acceptMessage({
      ...from.credential,
      slot: 'scan',
      message: Buffer.from('To: ann@contoso.example\r\nSubject: Scan\r\n\r\nSee below.\r\n'),
      envelopeTo: undefined,
      idempotencyKey: undefined,
    });
    // Ids made within one millisecond have no order.
    await world.clock.advance(1);
    return value(accepted).id;
  };

  const handInSeveral = async (count: number): Promise<readonly string[]> => {
    const ids: string[] = [];
    for (let made = 0; made < count; made++) ids.push(await handIn());
    return ids;
  };

  const described = async (id: string, state: SubmissionState, of: Office = office) => {
    const description = value(await process.readSubmission(of.device.clientId, id));
    assert.equal(description.state, state);
    return description;
  };

  const submissionOf = async (id: string): Promise<Submission> => {
    const record = await process.records.submissions.get(id);
    assert.ok(record);
    return record.submission;
  };

  const send = (by = process, mailboxId = office.mailbox.id) => settle(world, by.sendOutbox(mailboxId));

  /** What a minute brings: the sweep, and the workers behind it. */
  const work = async (): Promise<void> => {
    await process.sweepOutboxes();
    await settle(world, process.workMail());
  };

  const sentIds = (ids: readonly string[]) =>
    world.smtp.attempts.map(({ content }) => ids.findIndex((id) => content.includes(id)));

  it('is sent oldest first, over one session', async () => {
    const ids = await handInSeveral(5);
    await send();
    assert.deepEqual(sentIds(ids), [0, 1, 2, 3, 4]);
    assert.deepEqual(world.smtp.sessions, { opened: 1, open: 0 });
  });

  it('takes another session where the one it had has ended', async () => {
    await handInSeveral(3);
    world.smtp.dropAfterNext();
    await send();
    assert.deepEqual(
      world.smtp.attempts.map(({ session }) => session),
      [1, 2, 2],
    );
  });

  it('takes another session before the token that opened it runs out', async () => {
    await advanceSeconds(world, 3600 - 700);
    await handInSeveral(2);
    world.smtp.duringNext(() => advanceSeconds(world, 150));
    await send();
    const [first, second] = world.smtp.attempts;
    assert.deepEqual([first?.session, second?.session], [1, 2]);
    assert.notEqual(first?.accessToken, second?.accessToken);
  });

  it('is sent at the pace of the provider, whatever waits', async () => {
    const ids = await handInSeveral(70);
    const sentBy: number[] = [];
    for (let seconds = 0; seconds < 200; seconds += 5) {
      await work();
      sentBy.push(world.smtp.attempts.length);
      await advanceSeconds(world, 5);
    }
    assert.equal(world.smtp.attempts.length, 70);
    assert.equal(sentBy[0], 30);
    const inAMinute = sentBy.map((count, at) => (sentBy[at + 12] ?? count) - count);
    assert.ok(Math.max(...inAMinute) <= 30, `${Math.max(...inAMinute)} in a minute`);
    assert.deepEqual(
      sentIds(ids),
      ids.map((_, at) => at),
    );
  });

  it('waits while others have all connections that the provider allows', async () => {
    const id = await handIn();
    let pace = NO_PACE;
    for (const holder of ['gateway a', 'gateway b', 'gateway c']) {
      const permit = askPermit(
        pace,
        { holder, owner: holder },
        { connections: 3, messagesPerMinute: 30 },
        world.clock.now(),
      );
      assert.ok(permit.granted);
      pace = permit.pace;
    }
    await process.records.outboxes.setPace(office.mailbox.id, { pace: NO_PACE, revision: 0 }, pace);
    await work();
    assert.deepEqual([world.smtp.sessions.opened, world.smtp.attempts.length], [0, 0]);
    await described(id, 'queued');
    await advanceSeconds(world, 601);
    await work();
    await described(id, 'sent');
  });

  it('counts for the pace only what got as far as a message', async () => {
    await handInSeveral(2);
    const countedNow = async () => (await process.records.outboxes.pace(office.mailbox.id)).pace.sentAt.length;
    world.smtp.refuseSessions({ ...BUSY, outcome: 'deferred' });
    await send();
    assert.equal(await countedNow(), 0);
    world.smtp.refuseSessions(undefined);
    await advanceSeconds(world, 60);
    world.smtp.answerNext({ outcome: 'sent', response: '250 OK', refused: [] }, BLOCKED);
    await send();
    assert.equal(await countedNow(), 1);
  });

  it('has what comes in meanwhile sent by the worker that is at it', async () => {
    const ids = [await handIn()];
    world.smtp.duringNext(async () => {
      ids.push(await handIn());
    });
    await send();
    assert.deepEqual(sentIds(ids), [0, 1]);
    assert.equal(world.smtp.sessions.opened, 1);
  });

  describe('when the server slows the mailbox down', () => {
    it('stops as a whole, and goes on in order', async () => {
      world.smtp.answerNext(BUSY);
      const ids = await handInSeveral(3);
      await send();
      assert.equal(world.smtp.attempts.length, 1);
      for (const id of ids) {
        const { reason, nextAttemptAt = 0, response } = await described(id, 'deferred');
        assert.deepEqual([reason, response], ['mail_server_unavailable', BUSY.response]);
        assert.ok(nextAttemptAt > now(world) && nextAttemptAt <= now(world) + 60);
      }
      await work();
      assert.equal(world.smtp.attempts.length, 1);
      await advanceSeconds(world, 60);
      await work();
      assert.deepEqual(sentIds(ids), [0, 0, 1, 2]);
    });

    it('leaves other mailboxes alone', async () => {
      const other = await openOffice(process, { address: 'scan@fabrikam.example' });
      value(await signIn(world, process, other.mailbox));
      world.smtp.answerNext(BUSY);
      const ours = await handIn();
      await send();
      const theirs = await handIn(other);
      await work();
      await described(ours, 'deferred');
      await described(theirs, 'sent', other);
    });

    it('lets what meets it again and again step aside for the rest', async () => {
      const [poison = '', ...others] = await handInSeveral(3);
      world.smtp.answerNext(...Array.from({ length: 6 }, () => BUSY));
      for (let hours = 0; hours < 6; hours++) {
        await advanceSeconds(world, HOUR);
        await work();
      }
      assert.equal((await submissionOf(poison)).status.state, 'deferred');
      await advanceSeconds(world, 1920);
      await work();
      for (const id of others) await described(id, 'sent');
      await advanceSeconds(world, HOUR);
      await work();
      await described(poison, 'sent');
    });

    it('waits as long as it is asked to', async () => {
      world.smtp.answerNext({ ...BUSY, reason: 'sending_limit_reached', retryAfterSeconds: 2 * HOUR });
      const id = await handIn();
      await send();
      const { reason, nextAttemptAt } = await described(id, 'deferred');
      assert.deepEqual([reason, nextAttemptAt], ['sending_limit_reached', now(world) + 2 * HOUR]);
    });

    it('gives each message two days', async () => {
      world.smtp.answerAlways(BUSY);
      const id = await handIn();
      for (let hours = 0; hours <= 49; hours++) {
        await work();
        await advanceSeconds(world, HOUR);
      }
      await work();
      assert.equal((await described(id, 'failed')).reason, 'mail_server_unavailable');
      assert.equal((await process.records.outboxes.pending(office.mailbox.id)).length, 0);
    });
  });

  describe('when nobody knows whether a message was taken', () => {
    it('tries once more under the same Message-ID, and the record says so', async () => {
      world.smtp.answerNext(LOST);
      const id = await handIn();
      await work();
      await described(id, 'deferred');
      await advanceSeconds(world, HOUR);
      await work();
      const { submission } = await described(id, 'sent');
      assert.deepEqual([submission.unknownOutcomes, submission.attempts], [1, 2]);
      const [first, second] = world.smtp.attempts;
      assert.equal(first?.content, second?.content);
    });

    it('never tries a third time', async () => {
      world.smtp.answerAlways(LOST);
      const id = await handIn();
      for (let hours = 0; hours < 5; hours++) {
        await work();
        await advanceSeconds(world, HOUR);
      }
      const { submission, reason } = await described(id, 'failed');
      assert.deepEqual([reason, submission.unknownOutcomes], ['outcome_unknown', 2]);
      assert.equal(world.smtp.attempts.length, 2);
    });
  });

  describe('while it is on hold', () => {
    it('is looked after once an hour, by one message', async () => {
      world.smtp.answerAlways(BLOCKED);
      await handInSeveral(3);
      for (let minutes = 0; minutes < 120; minutes++) {
        await work();
        await advanceSeconds(world, 60);
      }
      assert.equal(world.smtp.attempts.length, 2);
      const held = world.log.of('outbox.held');
      assert.equal(held.length, 1);
    });

    it('goes on after a sign-in that came while it was put on hold', async () => {
      const id = await handIn();
      world.smtp.answerNext(BLOCKED);
      world.smtp.duringNext(() => process.resumeOutbox(office.mailbox.id));
      await send();
      await described(id, 'sent');
      assert.equal(world.smtp.attempts.length, 2);
      assert.deepEqual(world.log.of('outbox.held'), []);
    });

    it('is over, and told so, once somebody had it tried and it went', async () => {
      const { submissions } = process.administration;
      const ofHold = async () => world.log.of('outbox.held').length - world.log.of('outbox.resumed').length;
      for (const round of [1, 2]) {
        world.smtp.answerNext(BLOCKED);
        const id = await handIn();
        await work();
        await described(id, 'held');
        assert.equal(await ofHold(), 1, `round ${round}`);
        value(await submissions.resend(id));
        await work();
        await described(id, 'sent');
        assert.equal(await ofHold(), 0, `round ${round}`);
        await advanceSeconds(world, 61);
      }
    });

    it('gives each message its two days once it is over', async () => {
      world.smtp.answerNext(BLOCKED);
      const id = await handIn();
      await work();
      await advanceSeconds(world, 5 * DAY);
      value(await signIn(world, process, office.mailbox));
      world.smtp.answerAlways(BUSY);
      await work();
      await advanceSeconds(world, 47 * HOUR);
      await work();
      await described(id, 'deferred');
      world.smtp.answerAlways(undefined);
      await advanceSeconds(world, HOUR);
      await work();
      await described(id, 'sent');
    });

    for (const [fault, passing] of Object.entries({
      'of the mailbox': BUSY,
      'of one message': LATER,
      'of the line': LOST,
    })) {
      it(`is held on by a passing fault ${fault}, and its messages with it`, async () => {
        world.smtp.answerNext(BLOCKED);
        const ids = await handInSeveral(2);
        await work();
        await advanceSeconds(world, 3 * DAY);
        world.smtp.answerNext(passing, BLOCKED, BLOCKED, BLOCKED, BLOCKED);
        await work();
        await advanceSeconds(world, 60);
        await work();
        for (const id of ids)
          assert.notEqual((await process.records.submissions.get(id))?.submission.status.state, 'failed');
        assert.deepEqual(world.log.of('outbox.resumed'), []);
        await advanceSeconds(world, HOUR);
        await work();
        for (const id of ids) await described(id, 'held');
        world.smtp.answerAlways(undefined);
        await advanceSeconds(world, HOUR);
        await work();
        for (const id of ids) await described(id, 'sent');
      });
    }

    it('fails what has waited for a month', async () => {
      world.smtp.answerAlways(BLOCKED);
      const id = await handIn();
      await work();
      await advanceSeconds(world, 30 * DAY - HOUR);
      await work();
      await described(id, 'held');
      await advanceSeconds(world, 2 * HOUR);
      await work();
      const { reason, response } = await described(id, 'failed');
      assert.deepEqual([reason, response], ['held_too_long', BLOCKED.response]);
    });
  });

  describe('where the mail server is switched off', () => {
    const choose = async (route: RouteChoice): Promise<void> => {
      const item = await world.table.get(keys.mailbox(office.mailbox.id));
      assert.ok(item);
      await world.table.write({ put: { ...item, route } });
    };
    const outbox = async () => (await process.records.outboxes.get(office.mailbox.id)).outbox;

    it('goes by the API, in order, and tries the server again after a day', async () => {
      world.smtp.answerNext(SWITCHED_OFF);
      const ids = await handInSeveral(2);
      await send();
      assert.deepEqual([world.smtp.attempts.length, world.api.attempts.length], [1, 2]);
      for (const id of ids) assert.equal((await described(id, 'sent')).submission.sentBy, 'api');
      const { detour, stop } = await outbox();
      assert.deepEqual(
        [detour?.reason, detour?.response, stop],
        ['smtp_switched_off', SWITCHED_OFF.response, undefined],
      );

      await advanceSeconds(world, DAY - HOUR);
      await handIn();
      await work();
      assert.deepEqual([world.smtp.attempts.length, world.api.attempts.length], [1, 3]);
      await advanceSeconds(world, HOUR);
      const back = await handIn();
      await work();
      assert.equal((await described(back, 'sent')).submission.sentBy, 'smtp');
    });

    it('is on hold where the API is barred too, and tells of both', async () => {
      world.smtp.answerAlways(SWITCHED_OFF);
      world.api.answerAlways({ outcome: 'held', reason: 'consent_needed', response: '403 Access denied' });
      const id = await handIn();
      await work();
      const { reason, response = '' } = await described(id, 'held');
      assert.equal(reason, 'smtp_switched_off');
      assert.ok(response.includes('is disabled') && response.includes('403 Access denied'));
      world.smtp.answerAlways(undefined);
      await advanceSeconds(world, HOUR);
      await work();
      assert.equal((await described(id, 'sent')).submission.sentBy, 'smtp');
    });

    it('is on hold where the administrator wants the mail server', async () => {
      await choose('smtp');
      world.smtp.answerNext(SWITCHED_OFF);
      const id = await handIn();
      await send();
      assert.equal((await described(id, 'held')).reason, 'smtp_switched_off');
      assert.equal(world.api.attempts.length, 0);
    });

    it('goes by the API alone where the administrator wants that', async () => {
      await choose('api');
      const id = await handIn();
      await send();
      assert.equal((await described(id, 'sent')).submission.sentBy, 'api');
      assert.equal(world.smtp.attempts.length, 0);
    });
  });

  it('gives up nothing for a fault of the stores of the broker, and says what it is', async () => {
    const ids = await handInSeveral(3);
    const broken = { ...world.blobs, open: () => Promise.reject(new Error('the store is down')) };
    const failing = startProcess({ ...world, blobs: broken });
    for (let tries = 0; tries < 8; tries++) {
      await send(failing);
      await advanceSeconds(world, HOUR);
    }
    for (const id of ids) assert.equal((await described(id, 'deferred')).reason, 'internal');
    assert.ok(world.log.of('submission.not_prepared').length > 0);
    await advanceSeconds(world, HOUR);
    await work();
    await advanceSeconds(world, HOUR);
    await work();
    for (const id of ids) {
      const { submission } = await described(id, 'sent');
      assert.equal(submission.unknownOutcomes, undefined);
    }
  });

  it('does not know what became of a message whose sending failed half-way', async () => {
    const id = await handIn();
    world.smtp.duringNext(() => Promise.reject(new Error('a bug')));
    await send();
    const { submission } = await described(id, 'deferred');
    assert.equal(submission.unknownOutcomes, 1);
  });

  it('sends again as the mailbox what it may not send as another, where the device allows it', async () => {
    const denied: AttemptOutcome = {
      outcome: 'failed',
      reason: 'sender_not_allowed',
      response: '554 5.2.252 SendAsDenied',
    };
    const { mailboxes, devices } = process.administration;
    const desk = {
      provider: 'microsoft',
      address: 'desk@contoso.example',
      aliases: ['finance@contoso.example'],
    } as const;
    const { mailbox } = value(await mailboxes.create(office.organization.id, desk));
    value(await signIn(world, process, mailbox));
    value(await devices.bind(office.device.clientId, 'scan', mailbox.id));
    for (const mayRewriteSender of [true, false]) {
      const message = Buffer.from('From: Finance <finance@contoso.example>\r\nTo: ann@contoso.example\r\n\r\nHi\r\n');
      const handedIn = {
        ...office.credential,
        slot: 'scan',
        message,
        envelopeTo: undefined,
        idempotencyKey: undefined,
      };
      const { id } = value(await process.acceptMessage(handedIn));
      const record = await process.records.submissions.get(id);
      assert.ok(record);
      await process.records.submissions.replace(record, { ...record.submission, mayRewriteSender }, now(world));
      world.smtp.answerNext(denied);
      await send(process, mailbox.id);
      const { submission } = await described(id, mayRewriteSender ? 'sent' : 'failed');
      assert.equal(submission.senderRewritten, mayRewriteSender ? true : undefined);
    }
    const [, asMailbox] = world.smtp.attempts;
    assert.match(asMailbox?.content ?? '', /^From: .*<desk@contoso\.example>/m);
    assert.match(asMailbox?.content ?? '', /^Reply-To: .*finance@contoso\.example/m);
  });

  it('takes up at a start what a dead worker had in hand', async () => {
    const ids = await handInSeveral(2);
    await startProcess(world, { fuse: makeFuse(3, 'before') })
      .sendOutbox(office.mailbox.id)
      .catch(() => undefined);
    await described(ids[0] ?? '', 'sending');
    assert.equal(await process.recoverOutboxes(), 1);
    await settle(world, process.workMail());
    for (const id of ids) await described(id, 'sent');
  });

  it('takes over what an earlier version had accepted, held and deferred', async () => {
    const ids = await handInSeveral(3);
    const states = [
      { state: 'queued' },
      { state: 'held', since: now(world), reason: 'sign_in_lapsed', recheckAt: now(world) + HOUR },
      { state: 'deferred', until: now(world) + HOUR, reason: 'mail_server_unavailable' },
    ];
    for (const [at, id] of ids.entries()) {
      const pk = `submission#${id}`;
      const item = await world.table.get({ pk, sk: 'submission' });
      assert.ok(item);
      const due = { dueShard: dueShardOf('submission', id), dueAt: now(world) };
      await world.table.write({ put: { ...item, ...due, status: states[at] as Value } });
      await world.table.write({ delete: { pk: `outbox#${office.mailbox.id}`, sk: `pending#${id}` } });
    }
    await world.table.write({ put: { pk: `mailbox#${office.mailbox.id}`, sk: `held#${ids[1]}` } });
    await world.table.write({ delete: { pk: `outbox#${office.mailbox.id}`, sk: 'outbox' } });
    assert.equal(await process.adoptSubmissions(), 3);
    assert.equal(await process.adoptSubmissions(), 0);
    assert.equal(await world.table.get({ pk: `mailbox#${office.mailbox.id}`, sk: `held#${ids[1]}` }), undefined);
    await work();
    for (const id of ids) await described(id, 'sent');
    assert.deepEqual(sentIds(ids), [0, 1, 2]);
  });

  it('has nobody called where nothing is due', async () => {
    const id = await handIn();
    await settle(world, process.workMail());
    await described(id, 'sent');
    await advanceSeconds(world, DAY);
    assert.equal(await process.sweepOutboxes(), 0);
  });

  it('looks again at what a stale index names', async () => {
    await handIn();
    await settle(world, process.workMail());
    const stale = [office.mailbox.id, 'mbx_none'].map((id) => ({ pk: `outbox#${id}`, sk: 'outbox', dueAt: 0 }));
    const due = async (shard: string) => (shard === dueShards('outbox')[0] ? stale : []);
    await advanceSeconds(world, 1);
    const sweeping = startProcess(world, { table: { ...world.table, due } });
    assert.equal(await sweeping.sweepOutboxes(), 2);
    await settle(world, process.workMail());
    assert.equal(world.smtp.attempts.length, 1);
  });
});
