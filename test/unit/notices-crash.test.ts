import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { type Fuse, makeFuse } from '../fakes/fuse.ts';
import { type NoticeOffice, noticeOffice } from '../fakes/notice-office.ts';

const MOMENTS = ['before', 'after'] as const;

/** More than anything here writes; the last one that is reached is asserted. */
const MOST_WRITES = 60;

const brokenOffice = async (): Promise<{ office: NoticeOffice; broken: Mailbox }> => {
  const office = await noticeOffice();
  await office.wanted();
  const broken = await office.addMailbox('broken');
  await office.addMailbox('healthy');
  return { office, broken };
};

const runMinutes = async (office: NoticeOffice, minutes: number): Promise<void> => {
  for (let passed = 0; passed < minutes; passed++) {
    await office.advance(60);
    await office.sweep();
  }
};

/** Runs the work in a process that dies at its nth write, for every n there is. */
const dyingEverywhere = async (round: (fuse: Fuse) => Promise<void>): Promise<number> => {
  let deaths = 0;
  for (const moment of MOMENTS) {
    for (let atWrite = 1; atWrite <= MOST_WRITES; atWrite++) {
      const fuse = makeFuse(atWrite, moment);
      await round(fuse);
      if (!fuse.blown) break;
      deaths++;
      assert.ok(atWrite < MOST_WRITES, 'it writes more than is tried here');
    }
  }
  return deaths;
};

describe('a process that dies', () => {
  it('while it tells people, at whatever write, loses nothing and mails nobody twice', async () => {
    const deaths = await dyingEverywhere(async (fuse) => {
      const { office, broken } = await brokenOffice();
      await office.notices.raise(office.invalid(broken));
      await office.lapsed(broken);
      const doomed = office.worker(fuse);
      for (let minute = 0; minute < 5; minute++) {
        await office.advance(60);
        await doomed().catch(() => undefined);
      }
      await runMinutes(office, 30);
      const where = `at write ${fuse.writes}`;
      assert.equal((await office.mails()).length, 1, `mails ${where}`);
      const ids = new Set(office.posts.map(({ id }) => id));
      assert.equal(ids.size, 1, `tellings by webhook ${where}`);
      assert.ok(office.posts.length <= 2, `${office.posts.length} posts ${where}`);
      const open = await office.records.notices.open(office.invalid(broken));
      const told = await office.records.notices.event(office.organizationId, open?.open.eventId ?? '');
      assert.equal(told?.event.webhook.state, 'delivered', where);
      assert.equal(told?.event.mail.state, 'handed_over', where);
    });
    assert.ok(deaths > 15, `${deaths} deaths`);
  });

  it('while it raises a notice, and raises it again, has it told once', async () => {
    const deaths = await dyingEverywhere(async (fuse) => {
      const { office, broken } = await brokenOffice();
      await office
        .bookOf(fuse)
        .raise(office.invalid(broken))
        .catch(() => undefined);
      await office.notices.raise(office.invalid(broken));
      await office.lapsed(broken);
      await runMinutes(office, 10);
      assert.equal(office.posts.length, 1);
      assert.equal((await office.mails()).length, 1);
    });
    assert.ok(deaths >= 2, `${deaths} deaths`);
  });

  it('while it settles a notice leaves it to the next reminder, which finds that it is over', async () => {
    const deaths = await dyingEverywhere(async (fuse) => {
      const { office, broken } = await brokenOffice();
      await office.notices.raise(office.invalid(broken));
      await office.lapsed(broken);
      await runMinutes(office, 5);
      await office.signedIn(broken);
      const { organizationId } = office;
      await office.bookOf(fuse).settle({ kind: 'grant.invalid', organizationId, subject: broken.id });
      await office.advance(86_400);
      await runMinutes(office, 40);
      assert.deepEqual(
        office.told().map(({ data }) => data.phase),
        ['raised', 'resolved'],
      );
      assert.equal((await office.mails()).length, 2);
    });
    assert.ok(deaths >= 2, `${deaths} deaths`);
  });

  it('is not needed for two workers to tell a notice once', async () => {
    const { office, broken } = await brokenOffice();
    await office.notices.raise(office.invalid(broken));
    await office.lapsed(broken);
    const workers = [office.worker(), office.worker(), office.worker()];
    for (let minute = 0; minute < 10; minute++) {
      await office.advance(60);
      await Promise.all(workers.map((sweep) => sweep()));
    }
    assert.equal(office.posts.length, 1);
    assert.equal((await office.mails()).length, 1);
  });
});
