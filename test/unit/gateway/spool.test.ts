import assert from 'node:assert/strict';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, it } from 'node:test';
import { openPace } from '../../../gateway/delivery/shared-pace.ts';
import { openSpool, type Spool } from '../../../gateway/spool/spool.ts';
import { mimeMessageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import { ok } from '../../../shared/domain/result.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { makeCourier } from '../../../shared/usecases/mail/courier.ts';
import { makeSendOutbox } from '../../../shared/usecases/mail/send-outbox.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';
import { type Delivery, type ScriptedTransport, scriptedTransport } from '../../fakes/scripted-transport.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { CONTENT, filesIn, mailboxNamed, open, put, scratchFolder, submissionNamed } from './spool-world.ts';

const HOUR = 3600;
const HELD = {
  outcome: 'held',
  reason: 'mail_server_refused_sign_in',
  response: '535 5.7.3 Authentication unsuccessful',
} as const;

describe('the spool', () => {
  let clock: ManualClock;
  let log: MemoryLog;
  let folder: string;
  let spool: Spool;

  const start = async (): Promise<void> => {
    spool = await open(folder, clock, log);
  };

  beforeEach(async (t) => {
    clock = manualClock();
    log = memoryLog();
    folder = await scratchFolder(t as Parameters<typeof scratchFolder>[0]);
    await start();
  });

  const now = () => epochSeconds(clock);
  const advance = (seconds: number) => clock.advance(seconds * 1000);
  const accept = (id: string, changes: Partial<Submission> = {}) => put(spool, submissionNamed(id, clock, changes));
  const submissions = () => spool.entries().map(({ submission }) => submission);
  const become = async (id: string, changes: Partial<Submission>) => {
    const entry = spool.entry(id);
    assert.ok(entry);
    return spool.submissions.replace(entry, { ...entry.submission, ...changes }, now());
  };
  const path = (name: string) => join(folder, 'submissions', name);
  const contentOf = async (id: string): Promise<string | undefined> => {
    const blob = await spool.blobs.open(`submissions/${id}.eml`);
    return blob && text(blob.stream);
  };

  describe('finds at its start', () => {
    it('what was accepted, as it was last, oldest first', async () => {
      await accept('sub_b');
      await accept('sub_a');
      await become('sub_b', { attempts: 3, status: { state: 'deferred', until: 7, reason: 'internal' } });
      const before = submissions();
      await start();
      assert.deepEqual(submissions(), [before[1], before[0]]);
      assert.equal(await contentOf('sub_a'), CONTENT);
      assert.equal(spool.usedBytes(), 2 * CONTENT.length);
      assert.deepEqual(await spool.outboxes.pending('mbx_1'), ['sub_a', 'sub_b']);
      assert.deepEqual(await spool.mailboxes.get('mbx_1'), mailboxNamed('mbx_1'));
    });

    it('no trace of content that was never accepted', async () => {
      await accept('sub_a');
      await writeFile(path('sub_b.eml'), 'half of');
      await writeFile(path('sub_c.json.new'), '{"submission":');
      await writeFile(path('sub_a.json.new'), '{"submission":');
      await start();
      assert.deepEqual(await filesIn(folder), ['sub_a.eml', 'sub_a.json']);
      assert.equal(spool.size(), 1);
      assert.deepEqual(log.of('spool.cleaned')[0]?.fields, { files: 3 });
    });

    it('an entry whose content is missing, which then fails and is reported', async () => {
      await accept('sub_a');
      await rm(path('sub_a.eml'));
      await start();
      assert.equal(spool.size(), 1);
      assert.equal(spool.usedBytes(), 0);
      assert.equal(await contentOf('sub_a'), undefined);
    });

    it('damaged entries, which it sets aside with their content for a person', async () => {
      await accept('sub_a');
      for (const [id, damage] of [
        ['sub_b', ''],
        ['sub_c', '\0\0\0\0'],
        ['sub_d', '{"submission":{"id":"sub_d"}}'],
        ['sub_e', 'null'],
      ] as const) {
        await accept(id);
        await writeFile(path(`${id}.json`), damage);
      }
      await start();
      assert.deepEqual(
        submissions().map(({ id }) => id),
        ['sub_a'],
      );
      assert.equal(log.of('spool.damaged').length, 4);
      for (let time = 0; time < 2; time++) {
        const files = await filesIn(folder);
        for (const id of ['sub_b', 'sub_c', 'sub_d', 'sub_e']) {
          assert.ok(files.includes(`${id}.json.damaged`) && files.includes(`${id}.eml`), id);
        }
        await start();
      }
    });

    it('half a file of an outbox, which one try finds out again', async () => {
      await mkdir(join(folder, 'outboxes'), { recursive: true });
      await writeFile(join(folder, 'outboxes', 'mbx_1.json'), '{"stop":{"cau');
      await writeFile(join(folder, 'outboxes', 'mbx_1.json.new'), '{"st');
      await start();
      assert.deepEqual((await spool.outboxes.get('mbx_1')).outbox, {});
      await start();
      assert.equal(spool.outboxes.all().size, 0);
    });

    it('what had reached everybody, whose content it removes', async () => {
      await accept('sub_a');
      await become('sub_a', { status: { state: 'sent', at: now() } });
      assert.equal(await contentOf('sub_a'), CONTENT);
      await start();
      assert.deepEqual(await filesIn(folder), ['sub_a.json']);
      assert.equal(spool.usedBytes(), 0);
      assert.equal(spool.size(), 1, 'until it was told of');
    });

    it('what was not sent to everybody, with its content, so that it can be sent again', async () => {
      await accept('sub_a');
      await become('sub_a', { status: { state: 'failed', at: now(), reason: 'invalid_recipient' } });
      await start();
      assert.equal(await contentOf('sub_a'), CONTENT);
      assert.deepEqual(await spool.outboxes.pending('mbx_1'), []);
    });

    it('nothing of what was forgotten', async () => {
      await accept('sub_a');
      await spool.forget('sub_a');
      await spool.forget('sub_never');
      assert.deepEqual(await filesIn(folder), []);
      await start();
      assert.equal(spool.size(), 0);
      assert.equal(spool.usedBytes(), 0);
    });
  });

  describe('where several change the same', () => {
    it('lets one of those through who saw the same', async () => {
      await accept('sub_a');
      const seen = spool.entry('sub_a');
      assert.ok(seen);
      const { submission } = seen;
      const change = (attempts: number) => spool.submissions.replace(seen, { ...submission, attempts }, now());
      const all = await Promise.all(Array.from({ length: 10 }, (_, attempts) => change(attempts)));
      assert.deepEqual(
        all.map((replaced, index) => (replaced ? index : undefined)).filter((one) => one !== undefined),
        [0],
      );
      await start();
      assert.equal(submissions()[0]?.attempts, 0);
    });

    it('has the last of those on disk who changed it one after the other', async () => {
      await accept('sub_a');
      await Promise.all(Array.from({ length: 30 }, (_, attempts) => become('sub_a', { attempts })));
      await start();
      assert.equal(submissions()[0]?.attempts, 29);
    });

    it('does not bring back what is forgotten while it is changed', async () => {
      await accept('sub_a');
      const changed = become('sub_a', { attempts: 1 });
      const forgotten = spool.forget('sub_a');
      const late = spool.submissions.replace(
        { submission: submissionNamed('sub_a', clock), revision: 2 },
        submissionNamed('sub_a', clock),
        now(),
      );
      await Promise.all([changed, forgotten]);
      assert.equal(await late, false);
      assert.equal(spool.size(), 0);
      assert.deepEqual(await filesIn(folder), []);
    });

    it('stays with what it was where a change cannot be written', async () => {
      await accept('sub_a');
      const away = join(folder, 'away');
      await rename(join(folder, 'submissions'), away);
      const first = assert.rejects(become('sub_a', { attempts: 1 }));
      await first;
      assert.equal(submissions()[0]?.attempts, 0);
      assert.deepEqual(await spool.outboxes.pending('mbx_1'), ['sub_a']);
      await rename(away, join(folder, 'submissions'));
      assert.equal(await become('sub_a', { attempts: 2 }), true);
      await start();
      assert.equal(submissions()[0]?.attempts, 2);
    });

    it('does not go back behind a later change, nor bring back what was forgotten, where an earlier one fails', async () => {
      const cannotBeWritten = { attempts: 1n as unknown as number };
      await accept('sub_a');
      await accept('sub_b');
      const failing = [
        assert.rejects(become('sub_a', cannotBeWritten), TypeError),
        assert.rejects(become('sub_b', cannotBeWritten), TypeError),
      ];
      const later = become('sub_a', { attempts: 2 });
      const forgotten = spool.forget('sub_b');
      await Promise.all([...failing, later, forgotten]);
      assert.equal(spool.entry('sub_b'), undefined);
      assert.deepEqual(await spool.outboxes.pending('mbx_1'), ['sub_a']);
      assert.equal(submissions()[0]?.attempts, 2);
      assert.equal(await become('sub_a', { attempts: 3 }), true);
      await start();
      assert.deepEqual(
        submissions().map(({ attempts }) => attempts),
        [3],
      );
    });

    it('writes what a worker and a person have both come to of an outbox', async () => {
      const stop = { cause: 'pause', since: 1, reason: 'internal', response: 'x', failures: 1 } as const;
      for (let time = 0; time < 20; time++) {
        await Promise.all(
          Array.from({ length: 8 }, (_, until) =>
            spool.outboxes.change('mbx_1', () => ({ stop: { ...stop, until: until + time } })),
          ),
        );
        const saved: unknown = JSON.parse(await readFile(join(folder, 'outboxes', 'mbx_1.json'), 'utf8'));
        assert.deepEqual(saved, { stop: { ...stop, until: 7 + time } });
      }
    });
  });

  it('knows a mailbox as it was with its newest message, whatever becomes of older ones', async () => {
    const moved = { ...mailboxNamed('mbx_1'), route: 'api' } as const;
    await accept('sub_a');
    await put(spool, submissionNamed('sub_b', clock), moved);
    await become('sub_a', { attempts: 1 });
    assert.deepEqual(await spool.mailboxes.get('mbx_1'), moved);
    await start();
    assert.deepEqual(await spool.mailboxes.get('mbx_1'), moved);
  });

  it('wakes who sends for what comes in, and for what is sent again', async () => {
    const woken: string[] = [];
    spool.watch({ added: (mailboxId) => woken.push(mailboxId), changed: () => undefined });
    await accept('sub_a');
    await become('sub_a', { status: { state: 'failed', at: now(), reason: 'invalid_recipient' } });
    assert.deepEqual(woken, ['mbx_1']);
    const { revision } = await spool.outboxes.get('mbx_1');
    await become('sub_a', { status: { state: 'queued' } });
    assert.deepEqual(woken, ['mbx_1', 'mbx_1']);
    assert.notEqual((await spool.outboxes.get('mbx_1')).revision, revision, 'whoever looked has not seen all');
    assert.deepEqual(await spool.outboxes.pending('mbx_1'), ['sub_a']);
  });

  it('tells page by page what waits, in the order it came', async () => {
    const ids = Array.from({ length: 120 }, (_, number) => `sub_${String(number).padStart(3, '0')}`);
    for (const id of [...ids].reverse()) await accept(id);
    const seen: string[] = [];
    for (let page = await spool.outboxes.pending('mbx_1'); page.length > 0; ) {
      seen.push(...page);
      page = await spool.outboxes.pending('mbx_1', page.at(-1));
    }
    assert.deepEqual(seen, ids);
  });

  describe('as the store of who sends', () => {
    let smtp: ScriptedTransport;
    let send: () => Promise<void>;

    /** One more run of the gateway. */
    const run = async (): Promise<void> => {
      await start();
      send = () =>
        makeSendOutbox({
          records: spool,
          blobs: spool.blobs,
          openCourier: makeCourier({
            blobs: spool.blobs,
            transports: { smtp, api: smtp },
            messageFormat: mimeMessageFormat,
            tokenFor: async () => ok({ accessToken: 'made-up', expiresAt: now() + HOUR }),
            clock,
          }),
          openPace,
          report: { foretell: async () => undefined, submission: async () => undefined, outbox: async () => undefined },
          clock,
          random: seededRandom('spool'),
          log,
        })('mbx_1');
    };

    beforeEach(async () => {
      smtp = scriptedTransport();
      await run();
    });

    const stateOf = (id: string) => spool.entry(id)?.submission.status.state;

    it('sends oldest first, and lets go of the content', async () => {
      for (const id of ['sub_c', 'sub_a', 'sub_b']) await accept(id);
      await send();
      assert.equal(smtp.attempts.length, 3);
      assert.deepEqual(
        submissions().map(({ status }) => status.state),
        ['sent', 'sent', 'sent'],
      );
      assert.deepEqual(await filesIn(folder), ['sub_a.json', 'sub_b.json', 'sub_c.json']);
      assert.equal(spool.usedBytes(), 0);
    });

    it('sends once what arrived while the disk was full, and tells of it', async () => {
      const told: string[] = [];
      spool.watch({ added: () => undefined, changed: ({ submission }) => told.push(submission.status.state) });
      await accept('sub_a');
      const away = join(folder, 'away');
      smtp.duringNext(() => rename(join(folder, 'submissions'), away));
      await send();
      assert.equal(stateOf('sub_a'), 'sent');
      assert.deepEqual(told, ['queued', 'sending', 'sent']);
      assert.equal(log.of('spool.not_written').length, 1);
      await rename(away, join(folder, 'submissions'));
      advance(HOUR);
      await send();
      assert.equal(smtp.attempts.length, 1);
      await spool.forget('sub_a');
      await start();
      assert.equal(spool.size(), 0);
    });

    it('sends what comes in while it sends', async () => {
      await accept('sub_b');
      smtp.duringNext(async () => {
        await accept('sub_a');
      });
      await send();
      assert.deepEqual([stateOf('sub_a'), stateOf('sub_b')], ['sent', 'sent']);
    });

    it('tries once more what was in hand when the gateway died, with the same content, and never a third time', async () => {
      const attempts: Delivery[] = [];
      await accept('sub_a');
      const [before] = submissions();
      for (let death = 0; death < 2; death++) {
        const dying = smtp;
        dying.gate.close();
        void send();
        while (dying.gate.waiting === 0) await new Promise(setImmediate);
        attempts.push(...dying.attempts);
        // It dies here, and its successor finds the claim.
        smtp = scriptedTransport();
        await run();
      }
      await send();
      attempts.push(...smtp.attempts);
      assert.equal(attempts.length, 2);
      assert.deepEqual(new Set(attempts.map(({ content }) => content)), new Set([CONTENT]));
      const [after] = submissions();
      assert.deepEqual(after?.status, { state: 'failed', at: now(), reason: 'outcome_unknown' });
      assert.deepEqual([after?.unknownOutcomes, after?.messageId], [2, before?.messageId]);
    });

    it('tries what was in hand as if for the first time where a repeat is known by its id', async () => {
      await accept('sub_a');
      await become('sub_a', { status: { state: 'sending', until: now() + 600 } });
      spool = await openSpool({ folder, areRepeatsKnown: true, clock, log });
      assert.deepEqual(submissions()[0]?.status, { state: 'queued' });
      assert.equal(submissions()[0]?.unknownOutcomes, undefined);
      assert.deepEqual(await spool.outboxes.pending('mbx_1'), ['sub_a']);
    });

    it('keeps a hold over a restart', async () => {
      await accept('sub_a');
      smtp.answerAlways(HELD);
      await send();
      await run();
      const { stop } = (await spool.outboxes.get('mbx_1')).outbox;
      assert.deepEqual([stop?.cause, stop?.reason], ['hold', HELD.reason]);
      await send();
      assert.equal(smtp.attempts.length, 1, 'not before it is due');
    });

    it('sends nothing that somebody removed while the token was fetched', async () => {
      await accept('sub_a');
      await accept('sub_b');
      const { get } = spool.submissions;
      let looks = 0;
      Object.assign(spool.submissions, {
        async get(id: string) {
          const found = await get(id);
          if (id === 'sub_a' && looks++ === 0) void spool.forget('sub_a');
          return found;
        },
      });
      await send();
      assert.deepEqual(
        smtp.attempts.map(({ outcome }) => outcome),
        ['sent'],
      );
      assert.equal(stateOf('sub_b'), 'sent');
      assert.equal(stateOf('sub_a'), undefined);
    });

    it('sends once what somebody wants sent now while it is due', async () => {
      await accept('sub_a', { status: { state: 'deferred', until: now() + HOUR, reason: 'internal' } });
      await send();
      assert.equal(smtp.attempts.length, 0);
      await Promise.all([become('sub_a', { status: { state: 'queued' } }), send(), send()]);
      await send();
      assert.equal(smtp.attempts.length, 1);
    });

    it('gives up after two days of deferrals, and after thirty of a hold', async () => {
      await accept('sub_a');
      smtp.answerAlways({ outcome: 'deferred', reason: 'mail_server_unavailable', response: '451', mailboxWide: true });
      for (let hours = 0; hours <= 50; hours++) {
        await send();
        await advance(HOUR);
      }
      assert.equal(stateOf('sub_a'), 'failed');
      await accept('sub_b');
      smtp.answerAlways(HELD);
      await send();
      for (let day = 0; day < 30; day++) {
        await advance(24 * HOUR);
        await run();
        await send();
        assert.equal(stateOf('sub_b'), day < 30 ? 'queued' : 'failed', `day ${day}`);
      }
      await advance(24 * HOUR);
      await send();
      assert.equal(stateOf('sub_b'), 'failed');
    });
  });
});
