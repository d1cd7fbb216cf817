import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { makeSharedPace, openPace as openRelayPace } from '../../../gateway/delivery/shared-pace.ts';
import { MAILBOX_LIMITS } from '../../../shared/domain/outbox.ts';
import { NO_PACE, type Pace } from '../../../shared/domain/pace.ts';
import { type MailboxPace, makeMailboxPace } from '../../../shared/usecases/mail/mailbox-pace.ts';
import type { OpenPace } from '../../../shared/usecases/mail/send-outbox.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { stepClock } from '../../fakes/step-clock.ts';

const LIMITS = MAILBOX_LIMITS.microsoft;
const WINDOW_MS = 61_000;

/** The relay's worker, at the broker's own table. */
const relayPace = (link: ScriptedLink, clock: ManualClock): MailboxPace =>
  makeMailboxPace({
    outboxes: {
      pace: async (mailboxId) => ({ pace: link.paces.get(mailboxId) ?? NO_PACE, revision: 0 }),
      async setPace(mailboxId, _known, pace) {
        link.paces.set(mailboxId, pace);
        return true;
      },
    },
    clock,
  })('mbx_1', { holder: 'relay', owner: 'worker' }, LIMITS);

/** The most in any stretch of 61 seconds. */
const mostIn = (times: readonly number[]): number =>
  Math.max(0, ...times.map((end) => times.filter((at) => at > end - WINDOW_MS && at <= end).length));

describe('the shared pace of a gateway', () => {
  let clock: ManualClock;
  let link: ScriptedLink;
  let open: OpenPace;
  let pace: MailboxPace;

  beforeEach(() => {
    clock = manualClock();
    link = scriptedLink(clock);
    open = makeSharedPace({ link, owner: 'run_1', clock });
    pace = open('mbx_1', LIMITS);
  });

  /** How many messages go at once, each in no time; and the wait that the last answer told. */
  const sendAll = async (by = pace, most = 100): Promise<{ sent: number; waitMs: number }> => {
    for (let sent = 0; sent < most; sent++) {
      const permit = await by.permit();
      if (!permit.granted) return { sent, waitMs: permit.waitMs };
      by.ended(true);
    }
    return { sent: most, waitMs: 0 };
  };
  const connections = () => Object.keys((link.paces.get('mbx_1') as Pace).connections);

  describe('while the broker can be asked', () => {
    it('is all that the broker allows, and no more', async () => {
      assert.deepEqual(await sendAll(), { sent: 30, waitMs: WINDOW_MS });
      await clock.advance(WINDOW_MS);
      assert.deepEqual(await sendAll(), { sent: 30, waitMs: WINDOW_MS });
    });

    it('leaves room for what the relay has sent', async () => {
      await sendAll(relayPace(link, clock), 20);
      assert.equal((await sendAll()).sent, 10);
    });

    it('tells the broker how a message ended, and when', async () => {
      await pace.permit();
      pace.ended(true);
      await clock.advance(2_900);
      await pace.permit();
      pace.ended(false);
      await pace.release();
      assert.deepEqual(
        link.steps.map(({ wants, ended }) => [wants, ended]),
        [
          ['permit', undefined],
          ['permit', { wasSent: true, secondsAgo: 2 }],
          ['release', { wasSent: false, secondsAgo: 0 }],
        ],
      );
      assert.equal(link.paces.get('mbx_1')?.sentAt.length, 1);
      assert.deepEqual(connections(), []);
    });

    it('gives nothing back where it has nothing', async () => {
      await pace.release();
      assert.equal(link.calls, 0);
      await pace.permit();
      await pace.release();
      await pace.release();
      assert.deepEqual(
        link.steps.map(({ wants }) => wants),
        ['permit', 'release'],
      );
    });

    it('tells with the next step what could not be told at the release', async () => {
      await pace.permit();
      pace.ended(true);
      link.line = 'down';
      await pace.release();
      link.line = 'up';
      await clock.advance(5_000);
      await open('mbx_1', LIMITS).permit();
      assert.deepEqual(link.steps.at(-1)?.ended, { wasSent: true, secondsAgo: 5 });
      assert.equal(link.paces.get('mbx_1')?.sentAt.length, 1);
    });

    it('is not asked for again before the time that the broker named', async () => {
      await sendAll();
      const { calls } = link;
      for (let time = 0; time < 10; time++) {
        assert.equal((await open('mbx_1', LIMITS).permit()).granted, false);
        await clock.advance(WINDOW_MS / 10 - 1);
      }
      assert.equal(link.calls, calls);
      await clock.advance(10);
      assert.equal((await sendAll()).sent, 30);
    });

    it('is left to an earlier run of the gateway, for as long as that may live', async () => {
      await makeSharedPace({ link, owner: 'run_0', clock })('mbx_1', LIMITS).permit();
      const permit = await pace.permit();
      // Nobody else sees to its mail, so it is not left to anybody.
      assert.ok(!permit.granted && permit.why === 'limit');
      await clock.advance(permit.waitMs);
      assert.equal((await pace.permit()).granted, true);
    });
  });

  describe('while the broker cannot be reached', () => {
    it('is ten messages a minute', async () => {
      link.line = 'down';
      assert.deepEqual(await sendAll(), { sent: 10, waitMs: WINDOW_MS });
      await clock.advance(WINDOW_MS);
      assert.equal((await sendAll()).sent, 10);
    });

    it('counts what the broker had allowed before', async () => {
      await sendAll(pace, 25);
      link.line = 'down';
      assert.equal((await sendAll()).sent, 0);
      await clock.advance(WINDOW_MS);
      assert.equal((await sendAll()).sent, 10);
    });

    it('is each mailbox by itself', async () => {
      link.line = 'down';
      await sendAll();
      assert.equal((await sendAll(open('mbx_2', LIMITS))).sent, 10);
    });

    it('goes on being ten until the broker can know of all, and then is all again', async () => {
      link.line = 'down';
      await sendAll(pace, 9);
      await pace.release();
      link.line = 'up';
      assert.equal((await sendAll()).sent, 1);
      await clock.advance(WINDOW_MS - 1);
      assert.equal((await sendAll()).sent, 0);
      await clock.advance(1);
      assert.equal((await sendAll()).sent, 30);
    });

    it('does not go on being ten for what both have agreed to', async () => {
      link.line = 'down';
      await sendAll(pace, 1);
      link.line = 'up';
      for (let second = 0; second < 61; second += 10) {
        await sendAll(pace, 1);
        await clock.advance(10_000);
      }
      assert.equal((await sendAll()).sent > 10, true);
    });
  });

  describe('in any course of outages', () => {
    interface Sent {
      readonly by: 'gateway' | 'relay';
      readonly at: number;
    }

    const line = fc.record({
      state: fc.constantFrom('up', 'down', 'answers lost'),
      forMs: fc.constantFrom(300, 3_000, 20_000, 70_000, 200_000),
    });
    const course = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 8 }),
      /** How long messages take, over and over. */
      takesMs: fc.array(fc.constantFrom(5, 100, 900, 7_000, 30_000), { minLength: 1, maxLength: 4 }),
      relayTakesMs: fc.array(fc.constantFrom(50, 2_000), { minLength: 1, maxLength: 3 }),
      /** After how many messages a connection is given back. */
      perRun: fc.integer({ min: 1, max: 12 }),
    });

    const simulate = async ({
      lines,
      takesMs,
      relayTakesMs,
      perRun,
    }: typeof course extends fc.Arbitrary<infer C> ? C : never) => {
      const time = stepClock();
      const broker = scriptedLink(time);
      const openShared = makeSharedPace({ link: broker, owner: 'run_1', clock: time });
      const sent: Sent[] = [];
      const disturbed: number[] = [];
      const endsAt = time.now() + lines.reduce((sum, { forMs }) => sum + forMs, 0) + 150_000;
      const send = async (by: Sent['by'], openOne: () => MailboxPace, takes: readonly number[]): Promise<void> => {
        for (let count = 0; time.now() < endsAt; ) {
          const one = openOne();
          let waitMs = 1;
          for (let inRun = 0; inRun < perRun; inRun++) {
            const permit = await one.permit();
            if (!permit.granted) {
              waitMs = permit.waitMs;
              break;
            }
            const ms = takes[count++ % takes.length] ?? 1;
            // The server takes it somewhere on the way, and is heard later.
            await time.sleep(ms / 2);
            sent.push({ by, at: time.now() });
            await time.sleep(ms / 2);
            one.ended(true);
          }
          await one.release();
          await time.sleep(Math.min(waitMs, 5_000));
        }
      };
      const cut = async (): Promise<void> => {
        for (const { state, forMs } of lines) {
          broker.line = state;
          for (let passed = 0; passed < forMs; passed += 300) {
            if (state !== 'up') disturbed.push(time.now());
            await time.sleep(300);
          }
        }
        broker.line = 'up';
      };
      await time.drive(
        Promise.all([
          send('gateway', () => openShared('mbx_1', LIMITS), takesMs),
          send('relay', () => relayPace(broker, time), relayTakesMs),
          cut(),
        ]),
      );
      return { sent, disturbed };
    };

    it('sends never more than the mailbox may, ten more than that with the relay, and none more once the line has held', async () => {
      await fc.assert(
        fc.asyncProperty(course, async (one) => {
          const { sent, disturbed } = await simulate(one);
          const all = sent.map(({ at }) => at);
          const mine = sent.filter(({ by }) => by === 'gateway').map(({ at }) => at);
          assert.ok(mostIn(mine) <= 30, `the gateway: ${mostIn(mine)}`);
          assert.ok(mostIn(all) <= 40, `together: ${mostIn(all)}`);
          // What was sent unknown to the broker, and what was on its way meanwhile, is out of the window.
          const quiet = (at: number): boolean =>
            !disturbed.some((cut) => cut <= at && cut > at - 2 * WINDOW_MS - 30_000);
          const inPeace = all.filter(quiet);
          assert.ok(mostIn(inPeace) <= 30, `in peace: ${mostIn(inPeace)}`);
          const inOutage = mine.filter((at) => !quiet(at));
          assert.ok(mine.length > 0 && (inOutage.length > 0 || disturbed.length === 0));
        }),
        { numRuns: 60 },
      );
    });
  });

  it("is the relay's own matter where mail goes by the relay", async () => {
    const free = openRelayPace('mbx_1', LIMITS);
    for (let count = 0; count < 100; count++) {
      assert.equal((await free.permit()).granted, true);
      free.ended(true);
    }
    await free.release();
  });
});
