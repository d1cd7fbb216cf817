import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { purgeExpired } from '../../shared/adapters/sqlite/sqlite-table.ts';
import type { Hold } from '../../shared/domain/outbox.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import { LONGEST_WAIT_SECONDS } from '../../shared/domain/timing.ts';
import type { GatewayReport } from '../../shared/ports/gateway-link.ts';
import { makeNoticeStands } from '../../shared/usecases/notices/notice-stands.ts';
import { makeFuse } from '../fakes/fuse.ts';
import {
  type GatewayOffice,
  gatewayOffice,
  newDevice,
  passedMessage,
  presented,
  reportOf,
  sentAt,
  sentByGateway,
  serviceOf,
} from './gateway-office.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  openOffice,
  settle,
  signIn,
  startProcess,
  value,
  type World,
} from './support.ts';

const DAY = 86_400;

describe('what a gateway reports', () => {
  let world: World;
  let office: GatewayOffice;

  beforeEach(async () => {
    world = makeWorld();
    office = await gatewayOffice(world);
    value(await office.link.admit(presented(office)));
  });

  const submission = (changes: Partial<Submission> = {}) => sentByGateway(world, office.process, office, changes);
  const report = (...told: Parameters<typeof reportOf>[1]) => office.link.report(reportOf(world, told));
  const tell = async (others: Partial<GatewayReport>) => value(await office.link.report(reportOf(world, [], others)));
  const kept = async (id: string) => (await office.process.records.submissions.get(id))?.submission;
  const shown = async (id: string) => value(await office.process.administration.submissions.get(id));
  const ignored = () => world.log.of('gateway.report_ignored').map(({ fields }) => fields.reason);
  const failedNow = (one: Submission): Submission => ({
    ...one,
    attempts: one.attempts + 1,
    lastResponse: '550 5.1.1 No such user',
    rejected: [{ address: 'ann@contoso.example', response: '550 5.1.1 No such user' }],
    status: { state: 'failed', at: now(world), reason: 'invalid_recipient' },
  });
  const auditOf = async (action: string) =>
    (await office.process.records.audit.list(office.organization.id, 100)).filter((one) => one.action === action);
  const openNotice = (kind: 'submission.failed' | 'mailbox.held', subject: string) =>
    office.process.records.notices.open({ kind, organizationId: office.organization.id, subject });
  const holdNow = (): Hold => ({
    cause: 'hold',
    since: now(world),
    until: now(world) + 3600,
    reason: 'conditional_access',
    response: '535 5.7.139 Blocked',
  });

  it('is listed like other mail, with the gateway named, and with what became of it', async () => {
    const one = submission();
    value(await report(one));
    const page = value(
      await office.process.administration.history.submissions({
        organizationId: office.organization.id,
        mailboxId: undefined,
        state: undefined,
        cursor: undefined,
        limit: 10,
      }),
    );
    assert.deepEqual(
      page.entries.map((entry) => [entry.submission.id, entry.submission.gatewayId, entry.state]),
      [[one.id, office.gateway.gatewayId, 'queued']],
    );
    value(await report(sentAt(one, now(world))));
    assert.equal((await shown(one.id)).description.state, 'sent');
  });

  it('shows what keeps it at the gateway, whatever keeps the mail that the relay has', async () => {
    const one = submission();
    const stop = holdNow();
    value(await report({ submission: one, stop }));
    const { description } = await shown(one.id);
    assert.deepEqual(
      [description.state, description.reason, description.nextAttemptAt, description.response],
      ['held', 'conditional_access', stop.until, stop.response],
    );
    const pause = { ...stop, cause: 'pause', reason: 'mail_server_unavailable', failures: 1 } as const;
    value(await report({ submission: one, stop: pause }));
    assert.equal((await shown(one.id)).description.state, 'deferred');
    value(await report(one));
    assert.equal((await shown(one.id)).description.state, 'queued');
    const read = await office.process.readSubmission(office.device.clientId, one.id);
    assert.equal(value(read).state, 'queued');
  });

  it('is never sent by the relay, whatever calls its workers', async () => {
    const told = [submission(), submission({ status: { state: 'sending', until: now(world) - 1 } })];
    value(await report(...told));
    const before = await Promise.all(told.map(({ id }) => kept(id)));
    for (let days = 0; days < 3; days++) {
      await office.process.sweepOutboxes();
      await settle(world, office.process.workMail());
      await office.process.sendOutbox(office.mailbox.id);
      await office.process.adoptSubmissions();
      await office.process.recoverOutboxes();
      await advanceSeconds(world, DAY);
    }
    assert.deepEqual(world.smtp.attempts, []);
    assert.deepEqual(await office.process.records.outboxes.pending(office.mailbox.id), []);
    assert.deepEqual(await Promise.all(told.map(({ id }) => kept(id))), before);
  });

  it('changes nothing when it is told again, and tells people once', async () => {
    const one = submission();
    for (let times = 0; times < 3; times++) value(await report({ submission: one, stop: holdNow() }));
    assert.equal((await office.process.records.submissions.get(one.id))?.revision, 1);
    const failed = failedNow(one);
    for (let times = 0; times < 3; times++) value(await report(failed));
    assert.equal((await auditOf('submission.failed')).length, 1);
    assert.equal(world.log.of('submission.failed').length, 1);
    assert.equal(world.log.of('notice.raised').length, 1);
    assert.equal((await office.process.records.submissions.get(one.id))?.revision, 2);
  });

  it("is noted down as the gateway's word, and raises the notice that the relay would", async () => {
    const one = failedNow(submission());
    value(await report(one));
    const [entry] = await auditOf('submission.failed');
    assert.deepEqual([entry?.by, entry?.subject], [`gateway:${office.gateway.gatewayId}`, one.id]);
    assert.equal(world.log.of('submission.failed')[0]?.fields.gateway_id, office.gateway.gatewayId);
    const open = await openNotice('submission.failed', one.id);
    assert.ok(open);
    const stands = makeNoticeStands(office.process);
    assert.equal(await stands(open.open.notice), 'so');
  });

  it('never goes back: what has ended stays so until somebody has it sent again', async () => {
    const one = submission();
    const failed = failedNow(one);
    value(await report(failed));
    value(await report({ submission: one, stop: holdNow() }));
    value(await report(sentAt(one, now(world))));
    assert.equal((await kept(one.id))?.status.state, 'failed');
    await advanceSeconds(world, 60);
    const again: Submission = { ...one, rejected: [], resentAt: now(world), status: { state: 'queued' } };
    value(await report(again));
    assert.equal((await kept(one.id))?.status.state, 'queued');
    value(await report(failed));
    assert.equal((await kept(one.id))?.status.state, 'queued', 'of before it was sent again');
    value(await report(sentAt(again, now(world))));
    assert.equal((await kept(one.id))?.status.state, 'sent');
  });

  it('never goes back to an earlier try', async () => {
    const one = submission();
    const tried = (attempts: number): Submission => ({
      ...one,
      attempts,
      status: { state: 'deferred', until: now(world) + attempts, reason: 'mail_server_unavailable' },
    });
    value(await report(tried(2)));
    value(await report(tried(1)));
    assert.equal((await kept(one.id))?.attempts, 2);
    assert.equal(world.log.of('submission.deferred').length, 1);
  });

  it('may come from two requests at once', async () => {
    const one = submission();
    const failed = failedNow(one);
    await Promise.all(
      [report(one), report(failed), report(one), report(failed)].map(async (told) => value(await told)),
    );
    assert.equal((await kept(one.id))?.status.state, 'failed');
    assert.equal((await auditOf('submission.failed')).length, 1);
  });

  it('is told again after the broker died in the middle of it, with nothing lost', async () => {
    const failed = failedNow(submission());
    const told = reportOf(world, [failed], {
      outboxes: [{ mailboxId: office.mailbox.id, outbox: { stop: holdNow() } }],
    });
    for (let write = 1; ; write++) {
      const fuse = makeFuse(write, 'before');
      const dying = serviceOf(startProcess(world, { fuse }))(office.gateway);
      await dying.report(told).catch(() => undefined);
      if (!fuse.blown) break;
      assert.ok(write < 20);
    }
    value(await office.link.report(told));
    assert.equal((await kept(failed.id))?.status.state, 'failed');
    assert.ok(await openNotice('submission.failed', failed.id));
    assert.ok(await openNotice('mailbox.held', office.mailbox.id));
  });

  describe('of what is not its own', () => {
    it('is not taken: a message of the relay, or of another gateway', async () => {
      const { submissionId } = value(await office.link.pass(passedMessage(office)));
      value(await report(failedNow(submission({ id: submissionId }))));
      assert.equal((await kept(submissionId))?.status.state, 'queued');
      const one = submission();
      value(await report(one));
      const { device } = await newDevice(office.process, office.organization.id, 'Another gateway');
      const another = serviceOf(office.process)({ ...office.gateway, gatewayId: device.clientId });
      value(await another.admit(presented(office)));
      value(await another.report(reportOf(world, [failedNow(one)])));
      assert.equal((await kept(one.id))?.status.state, 'queued');
      assert.deepEqual(ignored(), ['it is not of this gateway', 'it is not of this gateway']);
    });

    it("is not taken: a mailbox that it does not serve, or another organization or device than the mailbox's", async () => {
      const other = await openOffice(office.process, { address: 'scan@fabrikam.example' });
      value(await signIn(world, office.process, other.mailbox));
      const strange = [
        submission({ mailboxId: other.mailbox.id }),
        submission({ organizationId: other.organization.id }),
        submission({ clientId: other.device.clientId }),
      ];
      value(await report(...strange));
      for (const { id } of strange) assert.equal(await kept(id), undefined);
      assert.deepEqual(ignored(), [
        'its mailbox is not served',
        'it is of another organization',
        'its device is of another organization',
      ]);
      await tell({
        outboxes: [{ mailboxId: other.mailbox.id, outbox: { stop: holdNow() } }],
        waiting: [other.mailbox.id],
      });
      const { id: subject, organizationId } = other.mailbox;
      assert.equal(
        await office.process.records.notices.open({ kind: 'mailbox.held', organizationId, subject }),
        undefined,
      );
      assert.deepEqual(await tell({ waiting: [other.mailbox.id] }), { signedInAt: {} });
    });

    it('does not pass from one mailbox to another', async () => {
      const one = submission();
      value(await report(one));
      value(await report(failedNow({ ...one, mailboxId: 'mbx_of_another' })));
      assert.equal((await kept(one.id))?.status.state, 'queued');
    });
  });

  it('is taken of its own mail also when the device, or the mailbox, is gone', async () => {
    const one = submission();
    value(await report(one));
    value(await office.process.administration.devices.remove(office.device.clientId));
    const two = submission();
    value(await report(two));
    assert.ok(await kept(two.id));
    value(await office.process.administration.mailboxes.remove(office.mailbox.id));
    value(await report(failedNow(one)));
    assert.equal((await kept(one.id))?.status.state, 'failed');
  });

  it('is forgotten when others are, also where no end of it was ever told', async () => {
    const [ended, never] = [submission(), submission()];
    value(await report(sentAt(ended, now(world)), never));
    const { retention } = office.process.records.submissions;
    await advanceSeconds(world, retention + 1);
    assert.equal(failure(await office.process.administration.submissions.get(ended.id)).kind, 'not_found');
    purgeExpired(world.database, now(world));
    assert.equal(await kept(ended.id), undefined);
    assert.ok(await kept(never.id));
    await advanceSeconds(world, LONGEST_WAIT_SECONDS);
    purgeExpired(world.database, now(world));
    assert.equal(await kept(never.id), undefined);
    assert.deepEqual((await office.process.records.submissions.page(office.organization.id, 10)).records, []);
  });

  describe('to an administrator', () => {
    const administration = () => office.process.administration.submissions;

    it('cannot be sent again, which only the gateway can', async () => {
      const failed = failedNow(submission());
      value(await report(failed));
      assert.deepEqual((await shown(failed.id)).resend, { how: 'not', why: 'at_gateway' });
      const refused = failure(await administration().resend(failed.id));
      assert.equal(refused.kind, 'conflict');
      assert.match(refused.detail ?? '', /status page/);
      await settle(world, office.process.workMail());
      assert.deepEqual(world.smtp.attempts, []);
    });

    it('can be removed once it has ended, and its notice is settled', async () => {
      const failed = failedNow(submission());
      value(await report(failed));
      value(await administration().remove(failed.id));
      assert.equal(await kept(failed.id), undefined);
      assert.equal(await openNotice('submission.failed', failed.id), undefined);
    });

    it('is not removed while it waits at a gateway, but where that gateway is gone', async () => {
      const one = submission();
      value(await report(one));
      assert.equal(failure(await administration().remove(one.id)).kind, 'conflict');
      value(await office.process.administration.devices.remove(office.gateway.gatewayId));
      value(await administration().remove(one.id));
      assert.equal(await kept(one.id), undefined);
    });
  });

  describe("of what keeps a mailbox's mail there", () => {
    const hold = () => tell({ outboxes: [{ mailboxId: office.mailbox.id, outbox: { stop: holdNow() } }] });
    const resume = () => tell({ outboxes: [{ mailboxId: office.mailbox.id, outbox: { resumedAt: now(world) } }] });
    const standing = async () => {
      const open = await openNotice('mailbox.held', office.mailbox.id);
      return open && makeNoticeStands(office.process)(open.open.notice);
    };

    it('raises the notice of held mail, which stands until the gateway says otherwise', async () => {
      await hold();
      assert.equal(await standing(), 'so');
      assert.equal(world.log.of('outbox.held')[0]?.fields.gateway_id, office.gateway.gatewayId);
      await hold();
      assert.equal(world.log.of('outbox.held').length, 1);
      await resume();
      assert.equal(await standing(), undefined);
      assert.equal(world.log.of('outbox.resumed').length, 1);
    });

    it('does not stand for ever where the gateway is never heard of again', async () => {
      await hold();
      await advanceSeconds(world, LONGEST_WAIT_SECONDS + DAY);
      assert.notEqual(await standing(), 'so');
    });

    it('is not settled while mail is held at another gateway', async () => {
      const another = serviceOf(office.process)({ gatewayId: 'local', organizationId: undefined });
      value(await another.admit(presented(office)));
      await hold();
      const outboxes = [{ mailboxId: office.mailbox.id, outbox: { stop: holdNow() } }];
      value(await another.report(reportOf(world, [], { outboxes })));
      await resume();
      assert.equal(await standing(), 'so');
    });
  });

  it('of itself is kept, of its organization, with the time', async () => {
    await tell({});
    await advanceSeconds(world, 60);
    await tell({ state: { version: '2', startedAt: 5, way: 'relay', queued: 3, oldestSeconds: 9 } });
    assert.deepEqual(await office.process.records.gateways.list(office.organization.id, now(world)), [
      {
        gatewayId: office.gateway.gatewayId,
        lastSeenAt: now(world),
        ...{ version: '2', startedAt: 5, way: 'relay', queued: 3, oldestSeconds: 9 },
      },
    ]);
    assert.deepEqual(await office.process.records.gateways.list('org_of_another', now(world)), []);
    await advanceSeconds(world, 90 * DAY);
    assert.deepEqual(await office.process.records.gateways.list(office.organization.id, now(world)), []);
  });

  it('is answered with the newest sign-in of the mailboxes whose mail waits', async () => {
    assert.deepEqual(await tell({ waiting: [office.mailbox.id] }), { signedInAt: { [office.mailbox.id]: now(world) } });
    await advanceSeconds(world, 3600);
    value(await signIn(world, office.process, office.mailbox));
    const { signedInAt } = await tell({ waiting: [office.mailbox.id] });
    assert.ok((signedInAt[office.mailbox.id] ?? 0) >= now(world) - 60);
  });
});
