import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { makeReportHome, type ReportHome } from '../../../gateway/delivery/report-home.ts';
import type { Spool } from '../../../gateway/spool/spool.ts';
import { brokerError, type ErrorKind } from '../../../shared/domain/errors.ts';
import type { GatewayWay } from '../../../shared/domain/gateway.ts';
import type { Stop } from '../../../shared/domain/outbox.ts';
import type { Submission, SubmissionStatus } from '../../../shared/domain/submission.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';
import { open, put, scratchFolder, submissionNamed } from './spool-world.ts';

const DAY = 86_400;
const RETENTION = 30 * DAY;

describe('a report home', () => {
  let clock: ManualClock;
  let log: MemoryLog;
  let link: ScriptedLink;
  let folder: string;
  let spool: Spool;
  let way: GatewayWay;
  let woken: string[];
  let mayKeep: { messages: number; bytes: number };
  let home: ReportHome;

  const start = async (): Promise<void> => {
    spool = await open(folder, clock, log);
    home = makeReportHome({
      spool,
      link,
      way: () => way,
      wake: (mailboxId) => woken.push(mailboxId),
      retention: () => RETENTION,
      mayKeep: () => mayKeep,
      version: '1.2.3',
      startedAt: epochSeconds(clock),
      clock,
      log,
    });
  };

  beforeEach(async (t) => {
    clock = manualClock();
    log = memoryLog();
    link = scriptedLink(clock);
    way = 'direct';
    woken = [];
    mayKeep = { messages: 1000, bytes: 1_000_000 };
    folder = await scratchFolder(t as Parameters<typeof scratchFolder>[0]);
    await start();
  });

  const now = () => epochSeconds(clock);
  const accept = (id: string, changes: Partial<Submission> = {}) => put(spool, submissionNamed(id, clock, changes));
  const become = async (id: string, changes: Partial<Submission>): Promise<void> => {
    const entry = spool.entry(id);
    assert.ok(entry);
    assert.ok(await spool.submissions.replace(entry, { ...entry.submission, ...changes }, now()));
  };
  const sent = (): { status: SubmissionStatus } => ({ status: { state: 'sent', at: now() } });
  const failed = (): { status: SubmissionStatus } => ({
    status: { state: 'failed', at: now(), reason: 'invalid_recipient' },
  });
  const stopped = async (reason: ErrorKind, cause: Stop['cause'] = 'pause', mailboxId = 'mbx_1') => {
    const common = { since: now(), until: now() + 3600, reason, response: 'So it is.' };
    const stop: Stop = cause === 'hold' ? { cause, ...common } : { cause, ...common, failures: 1 };
    await spool.outboxes.change(mailboxId, (outbox) => ({ ...outbox, stop }));
  };
  /** What the last report told, as id and state. */
  const told = () => link.reports.at(-1)?.submissions.map(({ submission }) => [submission.id, submission.status.state]);
  const advance = (seconds: number) => clock.advance(seconds * 1000);

  it('tells each change once', async () => {
    await accept('sub_1');
    await home.report();
    assert.deepEqual(told(), [['sub_1', 'queued']]);
    await home.report();
    assert.deepEqual(told(), []);
    await become('sub_1', { status: { state: 'deferred', until: now() + 60, reason: 'mail_server_unavailable' } });
    await home.report();
    assert.deepEqual(told(), [['sub_1', 'deferred']]);
  });

  it('tells all again after a restart', async () => {
    await accept('sub_1');
    await accept('sub_2');
    await become('sub_2', failed());
    await home.report();
    await start();
    await home.report();
    assert.deepEqual(told(), [
      ['sub_1', 'queued'],
      ['sub_2', 'failed'],
    ]);
    assert.deepEqual(link.reports[1], link.reports[0]);
  });

  it('tells again what the broker heard without being heard', async () => {
    await accept('sub_1');
    await become('sub_1', sent());
    link.line = 'answers lost';
    await home.report();
    assert.ok(spool.entry('sub_1'), 'nobody knows that it was told');
    link.line = 'up';
    await home.report();
    assert.deepEqual(link.reports.length, 2);
    assert.equal(spool.entry('sub_1'), undefined);
  });

  it('tells of a hundred messages at a time, until all is told', async () => {
    for (let number = 0; number < 250; number++) await accept(`sub_${String(number).padStart(3, '0')}`);
    await home.report();
    assert.deepEqual(
      link.reports.map(({ submissions }) => submissions.length),
      [100, 100, 50],
    );
    assert.equal(
      new Set(link.reports.flatMap(({ submissions }) => submissions.map((one) => one.submission.id))).size,
      250,
    );
  });

  it('does not repeat itself while one is under way, and misses nothing that changed meanwhile', async () => {
    await accept('sub_1');
    link.gate.close();
    const both = [home.report(), home.report()];
    await clock.advance(0);
    await become('sub_1', sent());
    link.gate.open();
    await Promise.all(both);
    assert.equal(link.reports.length, 1);
    assert.ok(spool.entry('sub_1'), 'its end has not been told');
    await home.report();
    assert.deepEqual(told(), [['sub_1', 'sent']]);
    assert.equal(spool.entry('sub_1'), undefined);
  });

  it('says how the gateway fares, and of which mailboxes mail waits', async () => {
    await accept('sub_1');
    await advance(90);
    await accept('sub_2', { mailboxId: 'mbx_2' });
    await accept('sub_3', { mailboxId: 'mbx_3' });
    await become('sub_3', sent());
    await home.report();
    const { state, waiting } = link.reports[0] ?? {};
    assert.deepEqual(waiting, ['mbx_1', 'mbx_2']);
    assert.deepEqual(state, {
      version: '1.2.3',
      startedAt: now() - 90,
      way: 'direct',
      queued: 2,
      oldestSeconds: 90,
    });
  });

  it('tells what keeps a mailbox, with each of its messages, once for each change', async () => {
    await accept('sub_1');
    await home.report();
    await stopped('sign_in_lapsed', 'hold');
    await home.report();
    const { submissions, outboxes } = link.reports[1] ?? {};
    assert.equal(submissions?.[0]?.stop?.reason, 'sign_in_lapsed');
    assert.equal(outboxes?.[0]?.outbox.stop?.cause, 'hold');
    await home.report();
    assert.deepEqual([told(), link.reports[2]?.outboxes], [[], []]);
    await spool.outboxes.change('mbx_1', () => ({}));
    await home.report();
    assert.deepEqual(link.reports[3]?.outboxes, [{ mailboxId: 'mbx_1', outbox: {} }]);
    assert.equal(link.reports[3]?.submissions[0]?.stop, undefined);
  });

  describe('lets go', () => {
    it('of what has reached everybody, once that was told, and not before', async () => {
      await accept('sub_1');
      await become('sub_1', sent());
      link.line = 'down';
      await home.report();
      assert.ok(spool.entry('sub_1'));
      link.line = 'up';
      link.refuse('report', brokerError('internal'));
      await home.report();
      assert.ok(spool.entry('sub_1'));
      assert.equal(log.of('report.refused').length, 1);
      link.refuse('report', undefined);
      await home.report();
      assert.deepEqual(told(), [['sub_1', 'sent']]);
      assert.equal(spool.entry('sub_1'), undefined);
    });

    it('of what has failed, or not reached all, when its time is over', async () => {
      await accept('sub_1');
      await accept('sub_2');
      await become('sub_1', failed());
      await become('sub_2', { ...sent(), rejected: [{ address: 'ann@office.example', response: '550' }] });
      await home.report();
      await advance(RETENTION - 1);
      await home.report();
      assert.equal(spool.size(), 2);
      await advance(1);
      await home.report();
      assert.equal(spool.size(), 0);
    });

    it('of nothing that waits, however old', async () => {
      await accept('sub_1');
      await advance(10 * RETENTION);
      await home.report();
      assert.ok(spool.entry('sub_1'));
    });

    it('of nothing that somebody has had sent again while it let go of others', async () => {
      await accept('sub_1');
      await accept('sub_2');
      await become('sub_1', failed());
      await become('sub_2', failed());
      await home.report();
      await advance(RETENTION);
      const { forget } = spool;
      const again: Spool['forget'] = async (id) => {
        if (id === 'sub_1') await become('sub_2', { status: { state: 'queued' }, resentAt: now() });
        await forget(id);
      };
      Object.assign(spool, { forget: again });
      await home.report();
      assert.equal(spool.entry('sub_1'), undefined);
      assert.equal(spool.entry('sub_2')?.submission.status.state, 'queued');
    });
  });

  describe('where mail goes by the relay', () => {
    beforeEach(() => {
      way = 'relay';
    });

    it('tells of failures alone, and lets go of what the relay has', async () => {
      await accept('sub_1');
      await accept('sub_2');
      await home.report();
      assert.deepEqual(told(), []);
      await become('sub_1', sent());
      await become('sub_2', failed());
      await home.report();
      assert.deepEqual(told(), [['sub_2', 'failed']]);
      assert.equal(spool.entry('sub_1'), undefined);
      assert.ok(spool.entry('sub_2'));
    });

    it('tells the end of what it told of before it went that way', async () => {
      way = 'direct';
      await accept('sub_1');
      await home.report();
      way = 'relay';
      await become('sub_1', sent());
      await home.report();
      assert.deepEqual(told(), [['sub_1', 'sent']]);
      assert.equal(spool.entry('sub_1'), undefined);
    });
  });

  describe('goes on', () => {
    const until = () => spool.outboxes.all().get('mbx_1')?.outbox.stop?.until ?? 0;

    beforeEach(async () => {
      await accept('sub_1');
    });

    it('with what was held, once its mailbox has been signed in since, once for each sign-in', async () => {
      await stopped('sign_in_lapsed', 'hold');
      link.signedInAt = { mbx_1: now() - 10 };
      await home.report();
      assert.deepEqual(woken, []);
      await advance(60);
      link.signedInAt = { mbx_1: now() };
      await home.report();
      assert.deepEqual(woken, ['mbx_1']);
      assert.ok(until() <= now());
      // The try found that it was not mended by that.
      await spool.outboxes.change('mbx_1', ({ stop }) => (stop ? { stop: { ...stop, until: now() + 3600 } } : {}));
      for (let time = 0; time < 3; time++) await home.report();
      assert.deepEqual(woken, ['mbx_1'], 'the same sign-in says nothing new');
      await advance(60);
      link.signedInAt = { mbx_1: now() };
      await home.report();
      assert.deepEqual(woken, ['mbx_1', 'mbx_1']);
    });

    it('with what waited for the broker, once that answers', async () => {
      await stopped('broker_unreachable');
      link.line = 'down';
      await home.report();
      assert.deepEqual(woken, []);
      link.line = 'up';
      await home.report();
      assert.deepEqual(woken, ['mbx_1']);
      assert.equal(
        spool.outboxes.all().get('mbx_1')?.outbox.stop?.reason,
        'broker_unreachable',
        'until a try succeeds',
      );
      await home.report();
      assert.deepEqual(woken, ['mbx_1'], 'it is due, and woken already');
    });

    it('by the clock alone with other pauses', async () => {
      await stopped('mail_server_unavailable');
      link.signedInAt = { mbx_1: now() + 5 };
      await home.report();
      assert.deepEqual(woken, []);
    });
  });

  it('keeps everything and says so, once, while the broker cannot be reached', async () => {
    assert.equal(home.broker().state, 'unknown');
    await home.report();
    assert.equal(home.broker().state, 'reachable');
    await accept('sub_1');
    await become('sub_1', failed());
    link.line = 'down';
    await advance(5);
    const since = now();
    for (let day = 0; day < 40; day++) {
      await home.report();
      await advance(DAY);
    }
    assert.ok(spool.entry('sub_1'));
    const contact = home.broker();
    assert.deepEqual(contact.state === 'unreachable' && contact.since, since);
    assert.equal(log.of('broker.unreachable').length, 1);
    link.line = 'up';
    await home.report();
    assert.deepEqual(told(), [['sub_1', 'failed']]);
    assert.equal(log.of('broker.reached').length, 2);
  });

  it('is made anew after a fault of the spool', async () => {
    await accept('sub_1');
    await become('sub_1', sent());
    const { forget } = spool;
    Object.assign(spool, { forget: () => Promise.reject(new Error('EIO')) });
    await assert.rejects(home.report(), /EIO/);
    Object.assign(spool, { forget });
    await home.report();
    assert.equal(spool.entry('sub_1'), undefined);
  });

  it('tells all others where the broker cannot make sense of one', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `sub_${String(index).padStart(3, '0')}`);
    for (const id of ids) await accept(id, { status: { state: 'sent', at: now() } });
    const heard = new Set<string>();
    const { report } = link;
    link.report = async (one) => {
      if (one.submissions.some(({ submission }) => submission.id === 'sub_017')) {
        return { ok: false, error: brokerError('invalid_request', 'sub_017 is crooked.') };
      }
      for (const { submission } of one.submissions) heard.add(submission.id);
      return report(one);
    };
    await home.report();
    await home.report();
    assert.deepEqual(
      [...heard].sort(),
      ids.filter((id) => id !== 'sub_017'),
    );
    assert.deepEqual(spool.entries(), [], 'nothing is kept for it');
    const refusals = log.of('report.refused').length;
    assert.ok(refusals > 1 && refusals < 20, `${refusals}`);
  });

  it('hears again of a sign-in that came while a held mailbox was just being tried', async () => {
    await accept('sub_1');
    await stopped('sign_in_lapsed', 'hold');
    await spool.outboxes.change('mbx_1', ({ stop, ...outbox }) => ({
      ...outbox,
      ...(stop && { stop: { ...stop, until: now() } }),
    }));
    link.signedInAt = { mbx_1: now() + 1 };
    await home.report();
    assert.deepEqual(woken, []);
    await spool.outboxes.change('mbx_1', ({ stop, ...outbox }) => ({
      ...outbox,
      ...(stop && { stop: { ...stop, until: now() + 3600 } }),
    }));
    await home.report();
    assert.deepEqual(woken, ['mbx_1']);
  });

  it('lets go of what has failed and has no content any more, once it was told', async () => {
    await accept('sub_1');
    await become('sub_1', failed());
    link.line = 'down';
    await spool.blobs.delete('submissions/sub_1.eml');
    await home.report();
    assert.ok(spool.entry('sub_1'));
    link.line = 'up';
    await home.report();
    assert.deepEqual(told(), [['sub_1', 'failed']]);
    assert.equal(spool.entry('sub_1'), undefined);
  });

  it('keeps no more of what has failed than half the spool, and lets the oldest go first, once told', async () => {
    mayKeep = { messages: 3, bytes: 1_000_000 };
    for (let count = 1; count <= 5; count++) {
      await accept(`sub_${count}`);
      await become(`sub_${count}`, failed());
    }
    await accept('sub_6');
    link.line = 'down';
    await home.report();
    assert.equal(spool.size(), 6, 'nothing goes untold');
    link.line = 'up';
    await home.report();
    assert.deepEqual(
      spool.entries().map(({ submission }) => submission.id),
      ['sub_3', 'sub_4', 'sub_5', 'sub_6'],
    );
    mayKeep = { messages: 3, bytes: 2 * spool.contentBytes('sub_3') };
    await home.report();
    assert.deepEqual(
      spool.entries().map(({ submission }) => submission.id),
      ['sub_4', 'sub_5', 'sub_6'],
    );
  });
});
