import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { purgeExpired } from '../../shared/adapters/sqlite/sqlite-table.ts';
import type { AttemptOutcome, SubmissionState } from '../../shared/domain/submission.ts';
import { LONGEST_WAIT_SECONDS } from '../../shared/domain/timing.ts';
import type { Table, Write } from '../../shared/ports/table.ts';
import { keys } from '../../shared/records/items.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  meanwhile,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const [ANN, BOB, EVE] = ['ann@contoso.example', 'bob@contoso.example', 'eve@contoso.example'] as const;
const REFUSED: AttemptOutcome = {
  outcome: 'failed',
  reason: 'mail_server_refused_message',
  response: '554 5.6.0 Corrupt',
};
const BUSY: AttemptOutcome = { outcome: 'deferred', reason: 'mail_server_unavailable', response: '451 4.7.500 Busy' };
const BLOCKED: AttemptOutcome = { outcome: 'held', reason: 'conditional_access', response: '535 5.7.139 Blocked' };
const LOST: AttemptOutcome = { outcome: 'unknown', response: 'The connection was lost before the answer.' };
const DENIED: AttemptOutcome = {
  outcome: 'failed',
  reason: 'sender_not_allowed',
  response: '554 5.2.252 SendAsDenied',
};
const refusing = (...addresses: readonly string[]): AttemptOutcome => ({
  outcome: 'sent',
  response: '250 OK',
  refused: addresses.map((address) => ({ address, response: '550 5.1.1 No such user', tryAgain: false })),
});

/** Somebody is faster: `event` happens just before the first write that fits. */
const outrunBy = (table: Table, fits: (writes: readonly Write[]) => boolean, event: () => Promise<unknown>): Table => {
  let done = false;
  const before = async (writes: readonly Write[]): Promise<void> => {
    if (done || !fits(writes)) return;
    done = true;
    await event();
  };
  return {
    ...table,
    write: async (one) => {
      await before([one]);
      return table.write(one);
    },
    writeAll: async (all) => {
      await before(all);
      return table.writeAll(all);
    },
  };
};

const keyOf = (write: Write) =>
  'put' in write ? write.put : 'update' in write ? write.update : 'delete' in write ? write.delete : write.check;
const ofSubmissions = (writes: readonly Write[]): boolean =>
  writes.some((one) => keyOf(one).pk.startsWith('submission#'));

describe('an administrator', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const handIn = async (to: readonly string[] = [ANN], idempotencyKey?: string): Promise<string> => {
    const accepted = await process.acceptMessage({
      ...office.credential,
      slot: 'scan',
      message: Buffer.from('To: ann@contoso.example\r\nSubject: Scan\r\n\r\nSee below.\r\n'),
      envelopeTo: to.join(', '),
      idempotencyKey,
    });
    // Ids made within one millisecond have no order.
    await world.clock.advance(1);
    return value(accepted).id;
  };

  /** What a minute brings: the sweep, and the workers behind it. */
  const work = async (by = process): Promise<void> => {
    await by.sweepOutboxes();
    await settle(world, by.workMail());
  };

  const send = (by = process) => settle(world, by.sendOutbox(office.mailbox.id));
  const admin = (by = process) => by.administration.submissions;
  const recordOf = (id: string) => process.records.submissions.get(id);
  const detailsOf = async (id: string) => value(await admin().get(id));
  const submissionOf = async (id: string) => (await detailsOf(id)).description.submission;
  const stateOf = async (id: string): Promise<SubmissionState> => (await detailsOf(id)).description.state;
  const recipients = () => world.smtp.attempts.map(({ envelope }) => envelope.to);
  const entries = async (action: string) =>
    (await process.records.audit.list(office.organization.id, 200)).filter((one) => one.action === action);
  const stored = (id: string): boolean => world.blobs.keys().includes(`submissions/${id}.eml`);

  const failed = async (outcome: AttemptOutcome = REFUSED, to?: readonly string[]): Promise<string> => {
    const id = await handIn(to);
    world.smtp.answerNext(outcome);
    await work();
    assert.equal(await stateOf(id), 'failed');
    return id;
  };

  /** Somebody has it in hand, until the gate is opened. */
  const beingSent = async (): Promise<{ id: string; end: () => Promise<void> }> => {
    const id = await handIn();
    world.smtp.gate.close();
    const worker = startProcess(world).sendOutbox(office.mailbox.id);
    await meanwhile(world);
    assert.equal(await stateOf(id), 'sending');
    const end = async () => {
      world.smtp.gate.open();
      await settle(world, worker);
    };
    return { id, end };
  };

  describe('who sends again', () => {
    it('has what failed sent, under the same Message-ID, and the device sees it', async () => {
      const id = await failed();
      const { resend, keptUntil, description } = await detailsOf(id);
      assert.deepEqual([resend.how, keptUntil], ['anew', now(world) + 30 * DAY]);
      const resent = value(await admin().resend(id));
      assert.deepEqual([resent.description.state, resent.keptUntil], ['queued', undefined]);
      const told = value(await process.readSubmission(office.device.clientId, id));
      assert.equal(told.state, 'queued');
      await settle(world, process.workMail());
      assert.equal(await stateOf(id), 'sent');
      assert.equal(world.smtp.attempts[0]?.content, world.smtp.attempts[1]?.content);
      assert.ok(world.smtp.attempts[1]?.content.includes(description.submission.messageId));
      const { resentAt, attempts } = await submissionOf(id);
      assert.deepEqual([resentAt, attempts], [now(world), 1]);
      assert.deepEqual(world.blobs.keys(), []);
      const [note, ...others] = await entries('submission.resent');
      assert.deepEqual([note?.subject, note?.by, note?.detail, others], [id, 'admin', office.mailbox.address, []]);
    });

    it('reaches only those who were refused', async () => {
      const id = await handIn([ANN, BOB, EVE]);
      world.smtp.answerNext(refusing(BOB, EVE));
      await work();
      assert.equal(await stateOf(id), 'sent');
      value(await admin().resend(id));
      world.smtp.answerNext(refusing(EVE));
      await work();
      assert.deepEqual((await submissionOf(id)).delivered, [ANN, BOB]);
      value(await admin().resend(id));
      await work();
      assert.deepEqual(recipients(), [[ANN, BOB, EVE], [BOB, EVE], [EVE]]);
      assert.deepEqual((await submissionOf(id)).rejected, []);
      assert.equal(stored(id), false);
      assert.equal(failure(await admin().resend(id)).kind, 'conflict');
    });

    it('gives it two days more, and reports it when it fails again', async () => {
      const id = await failed();
      await advanceSeconds(world, 20 * DAY);
      value(await admin().resend(id));
      world.smtp.answerAlways(BUSY);
      for (let hours = 0; hours < 47; hours++) {
        await work();
        await advanceSeconds(world, HOUR);
      }
      assert.equal(await stateOf(id), 'deferred');
      await advanceSeconds(world, 2 * HOUR);
      await work();
      assert.equal(await stateOf(id), 'failed');
      assert.equal((await entries('submission.failed')).length, 2);
    });

    it('has unknown outcomes counted anew, and tries twice again', async () => {
      const id = await handIn();
      world.smtp.answerAlways(LOST);
      const twice = async () => {
        for (let hours = 0; hours < 4; hours++) {
          await work();
          await advanceSeconds(world, HOUR);
        }
        assert.equal((await submissionOf(id)).unknownOutcomes, 2);
        assert.equal(await stateOf(id), 'failed');
      };
      await twice();
      value(await admin().resend(id));
      assert.equal((await submissionOf(id)).unknownOutcomes, undefined);
      await twice();
      assert.equal(world.smtp.attempts.length, 4);
    });

    it('leaves the sender as it was rewritten', async () => {
      const id = await handIn();
      const record = await recordOf(id);
      assert.ok(record);
      await process.records.submissions.replace(record, { ...record.submission, mayRewriteSender: true }, now(world));
      world.smtp.answerNext(DENIED, REFUSED);
      await send();
      assert.equal(await stateOf(id), 'failed');
      value(await admin().resend(id));
      await send();
      assert.equal((await submissionOf(id)).senderRewritten, true);
      const [, second, third] = world.smtp.attempts;
      assert.equal(second?.content, third?.content);
    });

    it('has what is deferred tried now', async () => {
      const id = await handIn();
      world.smtp.answerNext(BUSY);
      await work();
      assert.equal(await stateOf(id), 'deferred');
      await settle(world, process.workMail());
      assert.equal(world.smtp.attempts.length, 1);
      value(await admin().resend(id));
      await settle(world, process.workMail());
      assert.equal(await stateOf(id), 'sent');
      assert.equal((await submissionOf(id)).resentAt, undefined);
    });

    it('has a mailbox that is on hold, or pauses, tried now', async () => {
      for (const outcome of [BLOCKED, { ...BUSY, mailboxWide: true } as const]) {
        const ids = [await handIn(), await handIn()];
        world.smtp.answerNext(outcome);
        await work();
        const waiting: SubmissionState = outcome === BLOCKED ? 'held' : 'deferred';
        assert.deepEqual([await stateOf(ids[0] ?? ''), await stateOf(ids[1] ?? '')], [waiting, waiting]);
        value(await admin().resend(ids[1] ?? ''));
        await settle(world, process.workMail());
        for (const id of ids) assert.equal(await stateOf(id), 'sent');
      }
    });

    it('is refused while it is being sent, and where everybody has got it', async () => {
      const { id, end } = await beingSent();
      assert.match(failure(await admin().resend(id)).detail ?? '', /being sent just now/);
      await end();
      const { kind, detail } = failure(await admin().resend(id));
      assert.deepEqual([kind, detail], ['conflict', 'Every recipient has got it, so its content was deleted.']);
      assert.equal(world.smtp.attempts.length, 1);
      assert.deepEqual(await entries('submission.resent'), []);
    });

    it('is refused where the mailbox was removed', async () => {
      const id = await failed();
      value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
      value(await process.administration.mailboxes.remove(office.mailbox.id));
      assert.match(failure(await admin().resend(id)).detail ?? '', /mailbox was removed/);
      assert.equal(await stateOf(id), 'failed');
    });

    it('is refused where the content would not outlive another wait', async () => {
      const id = await failed();
      for (let again = 0; now(world) < (await submissionOf(id)).acceptedAt + LONGEST_WAIT_SECONDS + 30 * DAY; again++) {
        assert.ok(again < 5);
        value(await admin().resend(id));
        world.smtp.answerNext(REFUSED);
        await work();
        await advanceSeconds(world, 29 * DAY);
      }
      assert.match(failure(await admin().resend(id)).detail ?? '', /accepted so long ago/);
    });

    it('settles what people were told of the failure, and so does who removes it', async () => {
      for (const action of ['resend', 'remove'] as const) {
        const id = await failed();
        const name = { kind: 'submission.failed', organizationId: office.organization.id, subject: id } as const;
        assert.ok(await process.records.notices.open(name));
        value(await admin()[action](id));
        assert.equal(await process.records.notices.open(name), undefined);
        await work();
      }
    });
  });

  describe('who removes a message', () => {
    it('has record and content go, in every state but while it is being sent', async () => {
      const makers: Readonly<Record<string, () => Promise<string>>> = {
        queued: () => handIn(),
        deferred: async () => {
          const id = await handIn();
          world.smtp.answerNext(BUSY);
          await work();
          return id;
        },
        failed: () => failed(),
        sent: async () => {
          const id = await handIn([ANN, BOB]);
          world.smtp.answerNext(refusing(BOB));
          await work();
          return id;
        },
      };
      for (const [state, make] of Object.entries(makers)) {
        const id = await make();
        const attempts = world.smtp.attempts.length;
        assert.deepEqual([await stateOf(id), stored(id)], [state, true]);
        assert.equal(value(await admin().remove(id)), undefined);
        assert.deepEqual([await recordOf(id), stored(id)], [undefined, false], state);
        assert.equal(failure(await admin().get(id)).kind, 'not_found');
        assert.equal(failure(await admin().remove(id)).kind, 'not_found');
        assert.equal(failure(await process.readSubmission(office.device.clientId, id)).kind, 'not_found');
        await advanceSeconds(world, HOUR);
        await work();
        assert.equal(world.smtp.attempts.length, attempts, state);
        const [note] = await entries('submission.removed');
        assert.deepEqual([note?.subject, note?.by], [id, 'admin']);
      }
      assert.deepEqual((await process.records.submissions.page(office.organization.id, 10)).records, []);
      assert.deepEqual(await process.records.outboxes.pending(office.mailbox.id), []);
      const left = world.database.prepare("SELECT pk, sk FROM items WHERE pk LIKE 'submission%'").all();
      assert.deepEqual(left, []);
    });

    it('is refused while it is being sent', async () => {
      const { id, end } = await beingSent();
      const { kind, detail } = failure(await admin().remove(id));
      assert.deepEqual([kind, detail], ['conflict', 'It is being sent just now. Look again in some minutes.']);
      await end();
      assert.equal(await stateOf(id), 'sent');
    });

    it('can remove what a dead worker had in hand, once its claim has run out', async () => {
      const id = await handIn();
      await send(startProcess(world, { fuse: makeFuse(3, 'before') })).catch(() => undefined);
      assert.equal(failure(await admin().remove(id)).kind, 'conflict');
      await advanceSeconds(world, 600);
      value(await admin().remove(id));
      assert.equal(await recordOf(id), undefined);
    });

    it('lets the rest of the mailbox go on', async () => {
      const [first, second] = [await handIn(), await handIn()];
      world.smtp.answerNext({ ...BUSY, mailboxWide: true });
      await work();
      value(await admin().remove(first));
      await advanceSeconds(world, HOUR);
      await work();
      assert.equal(await stateOf(second), 'sent');
      assert.equal(world.smtp.attempts.filter(({ content }) => content.includes(first)).length, 1);
    });

    it('lets the device hand the same job in again', async () => {
      const id = await handIn([ANN], 'job 1');
      assert.equal(await handIn([ANN], 'job 1'), id);
      value(await admin().remove(id));
      const again = await handIn([ANN], 'job 1');
      assert.notEqual(again, id);
      assert.equal(await handIn([ANN], 'job 1'), again);
      await work();
      assert.equal(world.smtp.attempts.length, 1);
    });
  });

  describe('who meets a worker', () => {
    it('does not remove what it has just claimed', async () => {
      const id = await handIn();
      let worker: Promise<void> | undefined;
      world.smtp.gate.close();
      const table = outrunBy(world.table, ofSubmissions, async () => {
        worker = process.sendOutbox(office.mailbox.id);
        await meanwhile(world);
      });
      assert.equal(failure(await admin(startProcess(world, { table })).remove(id)).kind, 'conflict');
      assert.deepEqual([await stateOf(id), stored(id)], ['sending', true]);
      world.smtp.gate.open();
      await settle(world, worker ?? Promise.reject(new Error('nobody was faster')));
      assert.equal(await stateOf(id), 'sent');
      assert.deepEqual(await entries('submission.removed'), []);
    });

    it('does not put off what it has just claimed', async () => {
      const id = await handIn();
      world.smtp.answerNext(BUSY);
      await work();
      await advanceSeconds(world, HOUR);
      const table = outrunBy(world.table, ofSubmissions, () => send());
      assert.match(failure(await admin(startProcess(world, { table })).resend(id)).detail ?? '', /has got it/);
      assert.equal(await stateOf(id), 'sent');
      assert.equal(world.smtp.attempts.length, 2);
    });

    it('has it removed at whichever step of the worker, and then it is sent no more', async () => {
      const outcomes = new Set<string>();
      for (let step = 1; step <= 8; step++) {
        const id = await handIn();
        const tries = () => world.smtp.attempts.filter(({ content }) => content.includes(id)).length;
        let writes = 0;
        let triesAtRemoval: number | undefined;
        const fits = () => ++writes === step;
        const table = outrunBy(world.table, fits, async () => {
          const removed = await admin().remove(id);
          outcomes.add(removed.ok ? 'removed' : removed.error.kind);
          if (removed.ok) triesAtRemoval = tries();
        });
        await send(startProcess(world, { table }));
        await advanceSeconds(world, 601);
        await work();
        if (triesAtRemoval === undefined) assert.equal(tries(), 1, `step ${step}`);
        else assert.equal(tries(), triesAtRemoval, `step ${step}`);
        assert.equal(stored(id), false, `step ${step}`);
      }
      assert.deepEqual([...outcomes].sort(), ['conflict', 'removed']);
    });

    it('is one of several who do the same, and it is sent once more', async () => {
      const id = await failed();
      const results = await Promise.all([1, 2, 3].map(() => admin(startProcess(world)).resend(id)));
      for (const result of results) value(result);
      await work();
      await work();
      assert.equal(await stateOf(id), 'sent');
      assert.equal(world.smtp.attempts.length, 2);
    });

    it('does either, and not both, where one sends again and one removes', async () => {
      for (const faster of ['resend', 'remove'] as const) {
        const id = await failed();
        const table = outrunBy(world.table, ofSubmissions, async () =>
          value<unknown, unknown>(await admin()[faster](id)),
        );
        const slower = admin(startProcess(world, { table }));
        const attempts = world.smtp.attempts.length;
        if (faster === 'resend') value(await slower.remove(id));
        else assert.equal(failure(await slower.resend(id)).kind, 'not_found');
        await work();
        assert.deepEqual([world.smtp.attempts.length, await recordOf(id), stored(id)], [attempts, undefined, false]);
      }
    });
  });

  describe('whose process dies', () => {
    const dying = async (act: (by: Process) => Promise<unknown>, atWrite: number, moment: 'before' | 'after') => {
      const fuse = makeFuse(atWrite, moment);
      await act(startProcess(world, { fuse })).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      return fuse.blown;
    };

    it('has the message sent again, or leaves it as it was, and it can be sent again', async () => {
      for (const moment of ['before', 'after'] as const) {
        let writes = 1;
        for (let blown = true; blown; writes++) {
          const id = await failed(REFUSED, [ANN, BOB]);
          blown = await dying((by) => admin(by).resend(id), writes, moment);
          await advanceSeconds(world, 60);
          await work();
          if ((await stateOf(id)) === 'failed') {
            assert.ok(stored(id));
            value(await admin().resend(id));
            await work();
          }
          const { status, delivered } = await submissionOf(id);
          assert.deepEqual([status.state, delivered], ['sent', [ANN, BOB]], `${moment} write ${writes}`);
          assert.equal(world.smtp.attempts.filter(({ content }) => content.includes(id)).length, 2);
        }
        assert.ok(writes > 5);
      }
    });

    it('has the message removed with its content, or leaves both', async () => {
      for (const moment of ['before', 'after'] as const) {
        let writes = 1;
        for (let blown = true; blown; writes++) {
          const id = await failed();
          blown = await dying((by) => admin(by).remove(id), writes, moment);
          for (let minutes = 0; minutes <= 16; minutes++) {
            await process.forgetSubmissions();
            await advanceSeconds(world, 60);
          }
          const isThere = (await recordOf(id)) !== undefined;
          assert.equal(stored(id), isThere, `${moment} write ${writes}`);
        }
        assert.ok(writes > 4);
      }
    });
  });

  describe('whose mail is kept for a while', () => {
    /** What happens every minute, for as long as it takes to look at everything. */
    const housekeep = async (by = process): Promise<void> => {
      for (let minutes = 0; minutes <= 16; minutes++) {
        await by.forgetSubmissions();
        purgeExpired(world.database, now(world));
        await advanceSeconds(world, 60);
      }
    };
    const itemsOf = (id: string) => [
      ...world.database.prepare('SELECT sk FROM items WHERE pk = ?').all(`submission#${id}`),
      ...world.database.prepare('SELECT sk FROM items WHERE sk = ? OR sk = ?').all(id, `pending#${id}`),
    ];

    it('has what failed, or was not sent to everybody, with its content for 30 days, and then no more', async () => {
      const never = await failed();
      const partly = await handIn([ANN, BOB]);
      world.smtp.answerNext(refusing(BOB));
      await work();
      await advanceSeconds(world, 30 * DAY - HOUR);
      await housekeep();
      for (const id of [never, partly]) {
        assert.ok(stored(id));
        assert.equal((await detailsOf(id)).resend.how, 'anew');
      }
      await advanceSeconds(world, HOUR);
      for (const id of [never, partly])
        assert.equal(failure(await admin().get(id)).kind, 'not_found', 'though still there');
      assert.equal(failure(await admin().resend(never)).kind, 'not_found');
      const all = { organizationId: undefined, mailboxId: undefined, state: undefined, cursor: undefined, limit: 10 };
      assert.deepEqual(value(await process.administration.history.submissions(all)).entries, []);
      await housekeep();
      assert.deepEqual(world.blobs.keys(), []);
      for (const id of [never, partly]) assert.equal(await recordOf(id), undefined);
      assert.ok(world.log.of('submissions.forgotten').length > 0);
    });

    it('has what was sent without its content, for as many days as are set', async () => {
      process = startProcess(world, { retentionDays: 3 });
      const id = await handIn();
      await work();
      assert.equal(stored(id), false);
      assert.equal((await detailsOf(id)).keptUntil, now(world) + 3 * DAY);
      await advanceSeconds(world, 3 * DAY + 1);
      await housekeep();
      assert.equal(await recordOf(id), undefined);
    });

    it('has what waits for as long as it waits, and then in the list until it is forgotten', async () => {
      world.smtp.answerAlways(BLOCKED);
      const id = await handIn();
      for (let days = 0; days < 31; days++) {
        await work();
        await housekeep();
        await advanceSeconds(world, DAY);
      }
      assert.equal(await stateOf(id), 'failed');
      const listed = async () => {
        const page = await process.records.submissions.page(office.organization.id, 10);
        return page.records.some(({ submission }) => submission.id === id);
      };
      await advanceSeconds(world, 28 * DAY);
      await housekeep();
      assert.deepEqual([stored(id), await listed()], [true, true]);

      value(await admin().resend(id));
      for (let days = 0; days < 31; days++) {
        await work();
        await housekeep();
        await advanceSeconds(world, DAY);
      }
      assert.equal(await stateOf(id), 'failed');
      await advanceSeconds(world, 28 * DAY);
      await housekeep();
      assert.deepEqual([stored(id), await listed()], [true, true]);
      await advanceSeconds(world, 5 * DAY);
      await housekeep();
      assert.deepEqual([stored(id), itemsOf(id)], [false, []]);
    });

    it('does not lose what was sent again when its time was almost over', async () => {
      const id = await failed();
      await advanceSeconds(world, 30 * DAY - 60);
      value(await admin().resend(id));
      world.smtp.answerAlways(BLOCKED);
      await work();
      await advanceSeconds(world, HOUR);
      await housekeep();
      assert.deepEqual([await stateOf(id), stored(id)], ['held', true]);
    });

    it('has the record of what was sent in the end for 30 days from then on', async () => {
      const id = await failed();
      await advanceSeconds(world, 29 * DAY);
      value(await admin().resend(id));
      await work();
      await advanceSeconds(world, 29 * DAY);
      await housekeep();
      assert.equal(await stateOf(id), 'sent');
    });

    it('does not lose what waits, or is not due, whatever a late index or a note from before says', async () => {
      const kept = await failed();
      const waiting = await handIn();
      await world.table.write({ put: { ...keys.submissionContent(waiting), dueAt: now(world) - 1 } });
      const due = async () => [waiting, kept].map((id) => ({ ...keys.submissionContent(id), dueAt: 0 }));
      await startProcess(world, { table: { ...world.table, due } }).forgetSubmissions();
      assert.deepEqual([await stateOf(waiting), stored(waiting)], ['queued', true]);
      assert.deepEqual([await stateOf(kept), stored(kept)], ['failed', true]);
    });

    it('does not lose what is sent again while it is about to be forgotten', async () => {
      const id = await failed();
      await advanceSeconds(world, 30 * DAY - 2);
      // This one's clock is behind.
      const table = outrunBy(world.table, ofSubmissions, async () => value<unknown, unknown>(await admin().resend(id)));
      const early = { ...world.clock, now: () => world.clock.now() + 3000 };
      const forgetting = startProcess({ ...world, clock: early }, { table });
      for (let minutes = 0; minutes <= 16; minutes++) {
        await forgetting.forgetSubmissions();
        if ((await recordOf(id))?.submission.status.state !== 'failed') break;
        await advanceSeconds(world, 0);
        early.now = (
          (ahead) => () =>
            world.clock.now() + ahead
        )(3000 + (minutes + 1) * 60_000);
      }
      assert.deepEqual([await stateOf(id), stored(id)], ['queued', true]);
    });

    it('gives up in the end what sign-ins set free again and again', async () => {
      world.smtp.answerAlways({ ...BUSY, mailboxWide: true });
      const id = await handIn();
      for (let days = 0; days < 32; days++) {
        await work();
        assert.equal(await stateOf(id), 'deferred', `day ${days}`);
        await advanceSeconds(world, DAY);
        await process.resumeOutbox(office.mailbox.id);
      }
      await advanceSeconds(world, 1);
      await work();
      assert.equal(await stateOf(id), 'failed');
    });

    it('never finds the time of the table in what it reads', async () => {
      const id = await failed();
      const record = await recordOf(id);
      assert.ok(record && !('expiresAt' in record.submission));
      const item = await world.table.get(keys.submission(id));
      assert.equal(item?.expiresAt, record.keptUntil);
    });
  });
});
