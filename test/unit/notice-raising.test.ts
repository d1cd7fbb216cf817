import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { BROKER_SENDER } from '../../shared/domain/notice-sender.ts';
import { type AttemptOutcome, blobKeyOf, type Submission } from '../../shared/domain/submission.ts';
import { makeWatchAppRegistrations } from '../../shared/usecases/grants/watch-app-registrations.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { INVALID_GRANT, unavailable } from '../fakes/scripted-provider.ts';
import {
  accountOf,
  advanceSeconds,
  comeBack,
  depart,
  makeWorld,
  now,
  type Office,
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

const SWITCHED_OFF: AttemptOutcome = {
  outcome: 'held',
  reason: 'mail_server_refused_sign_in',
  response: '535 5.7.139 Authentication unsuccessful.',
};
const REFUSED: AttemptOutcome = {
  outcome: 'failed',
  reason: 'mail_server_refused_message',
  response: '554 5.2.0 Message content rejected.',
};

let world: World;
let process: Process;
let office: Office;

beforeEach(async () => {
  world = makeWorld();
  ({ process, ...office } = await signedInOffice(world));
});

const openOf = async (scope: string | undefined) =>
  (await process.records.notices.list(scope, 100)).open.map(({ notice }) => notice);

const open = () => openOf(office.organization.id);

const kinds = async (): Promise<string[]> => (await open()).map(({ kind }) => kind);

/** As if a worker had told it: only what was heard of is said to be over. */
const heard = async (): Promise<void> => {
  for (const { eventId } of (await process.records.notices.list(office.organization.id, 100)).open) {
    const record = await process.records.notices.event(office.organization.id, eventId);
    assert.ok(record);
    const webhook = { state: 'delivered', at: now(world) } as const;
    await process.records.notices.replaceEvent(office.organization.id, record, { ...record.event, webhook });
  }
};

const phasesTold = (): readonly unknown[] =>
  world.database
    .prepare("SELECT item FROM items WHERE pk LIKE 'notices#%' AND sk LIKE 'event#%' ORDER BY sk")
    .all()
    .map(({ item }) => (JSON.parse(String(item)) as { phase: string }).phase);

const refresh = (by = process) =>
  settle(
    world,
    by.refreshGrant({
      ...{ mailboxId: office.mailbox.id, audience: 'smtp' },
      ...{ askedAt: now(world) + 1, minTtlSeconds: 1e9 },
    }),
  );

const lapse = async (): Promise<void> => {
  await advanceSeconds(world, HOUR);
  world.microsoft.revoke(accountOf(office.mailbox.address).subject);
  await refresh();
};

describe('the end of a sign-in', () => {
  it('is a notice, with the reason and the code of the provider', async () => {
    await lapse();
    const [notice, ...others] = await open();
    assert.deepEqual(others, []);
    assert.deepEqual(notice, {
      kind: 'grant.invalid',
      subject: office.mailbox.id,
      mailboxId: office.mailbox.id,
      organizationId: office.organization.id,
      address: office.mailbox.address,
      reason: 'sign_in_lapsed',
      detail: INVALID_GRANT.message,
      code: 'invalid_grant',
    });
  });

  it('is a notice wherever the process dies between the word of the provider and the record of it', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let write = 1; ; write++) {
        world = makeWorld();
        ({ process, ...office } = await signedInOffice(world));
        await advanceSeconds(world, HOUR);
        world.microsoft.revoke(accountOf(office.mailbox.address).subject);
        const fuse = makeFuse(write, moment);
        await refresh(startProcess(world, { fuse })).catch(() => undefined);
        if (!fuse.blown) break;
        const { state } = (await process.records.grants.get(office.mailbox.id)).grant;
        if (state === 'invalid') assert.deepEqual(await kinds(), ['grant.invalid'], `${moment} write ${write}`);
      }
    }
  });

  it('is none where the provider does not answer', async () => {
    await advanceSeconds(world, HOUR);
    world.microsoft.failNext(unavailable());
    await refresh();
    assert.deepEqual(await kinds(), []);
  });

  it('is over when somebody signs in, and whoever has heard of it hears that', async () => {
    await lapse();
    await heard();
    value(await signIn(world, process, office.mailbox));
    assert.deepEqual(await kinds(), []);
    assert.deepEqual(phasesTold(), ['raised', 'resolved']);
  });

  it('goes on where the sign-in comes to nothing', async () => {
    await lapse();
    const departed = await depart(process, office.mailbox);
    await settle(world, comeBack(world, process, departed, { account: accountOf('else@contoso.example') }));
    assert.deepEqual(await kinds(), ['grant.invalid']);
  });

  it('is over when an administrator signs the mailbox out, or removes it', async () => {
    await lapse();
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    assert.deepEqual(await kinds(), []);
    value(await signIn(world, process, office.mailbox));
    await lapse();
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    value(await process.administration.mailboxes.remove(office.mailbox.id));
    assert.deepEqual(await kinds(), []);
  });

  it('is not told as mended when an administrator signs the mailbox out, or removes it', async () => {
    await lapse();
    await heard();
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    assert.deepEqual(phasesTold(), ['raised']);
    value(await signIn(world, process, office.mailbox));
    await lapse();
    await heard();
    value(await process.administration.devices.unbind(office.device.clientId, 'scan'));
    value(await process.administration.mailboxes.remove(office.mailbox.id));
    assert.deepEqual(phasesTold(), ['raised', 'raised']);
  });

  it('carries the id by which the provider finds the attempt', async () => {
    await advanceSeconds(world, HOUR);
    world.microsoft.failNext({ ...INVALID_GRANT, kind: 'conditional_access', correlationId: '9b2f0000-1111-2222' });
    await refresh();
    const [notice] = await open();
    assert.ok(notice?.kind === 'grant.invalid');
    assert.deepEqual([notice.reason, notice.correlationId], ['conditional_access', '9b2f0000-1111-2222']);
  });

  it('leaves nothing behind of an organization that is removed', async () => {
    await lapse();
    await heard();
    const { notifications, devices, mailboxes, organizations } = process.administration;
    const { id } = office.organization;
    value(await notifications.update(id, { emails: ['it@contoso.example'] }));
    value(await devices.remove(office.device.clientId));
    value(await mailboxes.remove(office.mailbox.id));
    value(await organizations.remove(id));
    const left = world.database
      .prepare("SELECT pk FROM items WHERE pk LIKE '%notices#%' OR pk LIKE 'notifications#%'")
      .all();
    assert.deepEqual(left, []);
  });
});

describe('a sign-in about to lapse', () => {
  const letPass = async (days: number): Promise<void> => {
    for (let passed = 0; passed < days; passed++) {
      await advanceSeconds(world, DAY);
      await process.sweepGrants();
      await settle(world, process.workGrants());
    }
  };

  it('is a notice that comes nearer, and is over with the first refresh that works', async () => {
    world.microsoft.failAlways(unavailable());
    await letPass(35);
    const [first] = await open();
    assert.deepEqual([first?.kind, first && 'daysLeft' in first && first.daysLeft], ['grant.expiring', 60]);
    assert.equal(first && 'reason' in first && first.reason, 'provider_unavailable');
    await letPass(30);
    const [second] = await open();
    assert.equal(second && 'daysLeft' in second && second.daysLeft, 30);
    await heard();
    world.microsoft.failAlways(undefined);
    await letPass(2);
    assert.deepEqual(await kinds(), []);
    assert.equal(phasesTold().at(-1), 'resolved');
  });
});

describe('a client secret', () => {
  const watch = () => {
    const started = startProcess(world);
    return makeWatchAppRegistrations({ ...started, ...started.records })();
  };
  const dateIn = (days: number): string => new Date((now(world) + days * DAY) * 1000).toISOString().slice(0, 10);
  const daysLeft = async () => (await openOf(undefined)).map((notice) => 'daysLeft' in notice && notice.daysLeft);

  it('that expires is a notice for the operator, and comes nearer until it has', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: dateIn(29), fingerprint: 'a' } as never];
    await watch();
    const [notice] = await openOf(undefined);
    assert.ok(notice?.kind === 'client_secret.expiring');
    assert.deepEqual(
      [notice.provider, notice.clientId, notice.position, notice.subject, notice.daysLeft],
      ['microsoft', 'client-at-microsoft', 1, 'microsoft/1', 30],
    );
    await advanceSeconds(world, 24 * DAY);
    await watch();
    assert.deepEqual(await daysLeft(), [7]);
    await advanceSeconds(world, 10 * DAY);
    await watch();
    assert.deepEqual(await daysLeft(), [0]);
    assert.deepEqual(await kinds(), [], 'the organization is not told of it');
  });

  it('that was replaced is no longer one, also where the new one expires soon', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: dateIn(5), fingerprint: 'a' } as never];
    await watch();
    assert.deepEqual(await daysLeft(), [7]);
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.clientSecrets = [{ expiresOn: dateIn(50), fingerprint: 'b' } as never];
    await watch();
    assert.deepEqual(await daysLeft(), [60]);
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.clientSecrets = [{ expiresOn: dateIn(500), fingerprint: 'c' } as never];
    await watch();
    assert.deepEqual(await daysLeft(), []);
  });
});

describe('mail', () => {
  const handIn = async (clientId = office.device.clientId, to = ['ann@contoso.example']): Promise<string> => {
    const id = `sub_${world.clock.now()}${Math.round(now(world)) % 7}`;
    const submission: Submission = {
      ...{ id, organizationId: office.organization.id, clientId, slot: 'scan', mailboxId: office.mailbox.id },
      ...{ account: office.mailbox.address, messageId: `<${id}@contoso.example>`, sizeBytes: 20, attempts: 0 },
      ...{ envelope: { from: office.mailbox.address, to }, delivered: [], rejected: [] },
      ...{ acceptedAt: now(world), status: { state: 'queued' } },
    };
    await world.blobs.put(blobKeyOf(id), Buffer.from('Subject: Scan\r\n\r\nX\r\n'));
    await process.records.submissions.create(submission);
    await world.clock.advance(1);
    return id;
  };
  const send = () => settle(world, process.sendOutbox(office.mailbox.id));

  it('that is held is one notice, however much of it, and over when it goes on', async () => {
    world.smtp.answerAlways(SWITCHED_OFF);
    await handIn();
    await handIn();
    await send();
    await advanceSeconds(world, 2 * HOUR);
    await send();
    const [notice, ...others] = await open();
    assert.deepEqual(others, []);
    assert.equal(notice?.kind, 'mailbox.held');
    assert.equal(notice && 'reason' in notice && notice.reason, 'mail_server_refused_sign_in');
    await heard();
    world.smtp.answerAlways(undefined);
    await advanceSeconds(world, 2 * HOUR);
    await send();
    assert.deepEqual(await kinds(), []);
    assert.deepEqual(phasesTold(), ['raised', 'resolved']);
  });

  it('that is held since its sign-in has ended is told of by that alone', async () => {
    await advanceSeconds(world, HOUR);
    world.microsoft.revoke(accountOf(office.mailbox.address).subject);
    await handIn();
    await send();
    assert.equal((await process.records.outboxes.get(office.mailbox.id)).outbox.stop?.cause, 'hold');
    assert.deepEqual(await kinds(), ['grant.invalid']);
  });

  it('that was held waits after a sign-out as well, which is told in the place of what kept it', async () => {
    world.smtp.answerAlways(SWITCHED_OFF);
    await handIn();
    await send();
    await heard();
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    const [notice, ...others] = await open();
    assert.deepEqual(others, []);
    assert.ok(notice?.kind === 'mailbox.held');
    assert.equal(notice.reason, 'signed_out');
    assert.deepEqual(phasesTold(), ['raised', 'raised'], 'nobody hears that it goes out again');
    assert.equal((await process.records.outboxes.get(office.mailbox.id)).outbox.stop?.reason, 'signed_out');
    world.smtp.answerAlways(undefined);
    await send();
    assert.equal((await process.records.outboxes.pending(office.mailbox.id)).length, 1);
    value(await signIn(world, process, office.mailbox));
    await send();
    assert.deepEqual(await process.records.outboxes.pending(office.mailbox.id), []);
    assert.deepEqual(await kinds(), []);
  });

  it('of which nothing waits is not held by a sign-out', async () => {
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    assert.deepEqual(await kinds(), []);
    assert.equal((await process.records.outboxes.get(office.mailbox.id)).outbox.stop, undefined);
  });

  it('that some recipients were refused is a notice, which says that others have got it', async () => {
    const refused = Array.from({ length: 7 }, (_, at) => ({
      ...{ address: `no${at}@contoso.example`, response: `550 5.1.1 ${'x'.repeat(900)}`, tryAgain: false },
    }));
    world.smtp.answerNext({ outcome: 'sent', response: '250 2.0.0 OK', refused });
    const addresses = refused.map(({ address }) => address);
    const id = await handIn(office.device.clientId, ['ann@contoso.example', ...addresses]);
    await send();
    assert.equal((await process.records.submissions.get(id))?.submission.status.state, 'sent');
    const [notice, ...others] = await open();
    assert.deepEqual(others, []);
    assert.ok(notice?.kind === 'submission.failed');
    assert.deepEqual([notice.subject, notice.reason, notice.isPartial], [id, 'invalid_recipient', true]);
    assert.deepEqual(notice.recipients, addresses);
    assert.match(notice.detail ?? '', /^no0@contoso\.example: 550 5\.1\.1 x+; no1@.*; and 2 more$/);
    assert.ok((notice.detail ?? '').length < 2500, 'replies are cut');
  });

  it('that has failed is a notice, with what the server said', async () => {
    world.smtp.answerNext(REFUSED);
    const id = await handIn();
    await send();
    const [notice] = await open();
    assert.ok(notice?.kind === 'submission.failed');
    assert.deepEqual(
      [notice.subject, notice.clientId, notice.reason, notice.detail],
      [id, office.device.clientId, 'mail_server_refused_message', '554 5.2.0 Message content rejected.'],
    );
    const { messageId, recipients, isPartial } = notice;
    assert.deepEqual([messageId, recipients, isPartial], [`<${id}@contoso.example>`, ['ann@contoso.example'], false]);
  });

  it('that has failed is a notice wherever the process dies', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let write = 1; ; write++) {
        world = makeWorld();
        ({ process, ...office } = await signedInOffice(world));
        world.smtp.answerNext(REFUSED);
        const id = await handIn();
        const fuse = makeFuse(write, moment);
        await settle(world, startProcess(world, { fuse }).sendOutbox(office.mailbox.id)).catch(() => undefined);
        if (!fuse.blown) break;
        const { state } = (await process.records.submissions.get(id))?.submission.status ?? {};
        if (state === 'failed') assert.deepEqual(await kinds(), ['submission.failed'], `${moment} write ${write}`);
      }
    }
  });

  it('of the broker itself that has failed is none, so that notices do not breed notices', async () => {
    world.smtp.answerNext(REFUSED);
    const id = await handIn(BROKER_SENDER);
    await send();
    assert.equal((await process.records.submissions.get(id))?.submission.status.state, 'failed');
    assert.deepEqual(await kinds(), []);
  });
});
