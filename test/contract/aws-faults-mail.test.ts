import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as realTime } from 'node:timers/promises';
import { isPassingFault } from '../../shared/adapters/vaults/passing-fault.ts';
import { MAILBOX_LIMITS } from '../../shared/domain/outbox.ts';
import type { Submission } from '../../shared/domain/submission.ts';
import { makeNotices } from '../../shared/usecases/notices/raise-notice.ts';
import { makeSweepNotices } from '../../shared/usecases/notices/sweep-notices.ts';
import type { AwsFault, FaultRule } from '../fakes/aws-faults/rules.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { accountOf, callbackOf, depart, type Office, openOffice, type Process, value } from '../unit/support.ts';
import { type Emulators, type FaultyCloud, openFaultyCloud, startEmulators } from './faulty-cloud.ts';

/** More of them, or one again: `AWS_FAULT_RUNS=100`, `AWS_FAULT_SEED=…` as a failure names it. */
const RUNS = Number(process.env.AWS_FAULT_RUNS ?? 2);
const SEED = process.env.AWS_FAULT_SEED;

const ofAttempts = (fault: AwsFault, chance: number): FaultRule => ({ fault, chance });
const ofCalls = (fault: AwsFault, chance: number, operation?: string): FaultRule => ({
  ...{ fault, chance, level: 'call' },
  ...(operation && { operation }),
});

const BAD_DAY: readonly FaultRule[] = [
  ofAttempts('throttle', 0.05),
  ofAttempts('time_out_before', 0.02),
  ofAttempts('time_out_after', 0.05),
  ofAttempts('twice', 0.03),
  ofCalls('throttle', 0.01),
  ofCalls('time_out_after', 0.015),
  ofCalls('twice', 0.3, 'ReceiveMessage'),
  ofCalls('time_out_before', 0.2, 'DeleteMessage'),
  ofCalls('throttle', 0.2, 'SendMessage'),
  ofCalls('stale', 0.4, 'Query'),
];

/** The mailbox's own, before anything fails. */
const signedIn = async ({ calm, world }: FaultyCloud): Promise<Office> => {
  const office = await openOffice(calm);
  const departed = await depart(calm, office.mailbox);
  const account = accountOf(office.mailbox.address);
  const { state, code } = world.microsoft.login(departed.authorizationUrl, { account });
  value(await calm.completeSignIn(callbackOf(departed, { state, code })));
  return office;
};

const messageOf = (name: string): Buffer =>
  Buffer.from(`From: scan@contoso.example\r\nTo: ann@contoso.example\r\nSubject: ${name}\r\n\r\nSee below.\r\n`);

/** As a device does it: the same again, until it is told that it was taken. Undefined: it was not, and the device says so. */
const handIn = async ({ clock }: FaultyCloud, by: Process, { credential }: Office, name: string) => {
  const message = { slot: 'scan', message: messageOf(name), envelopeTo: undefined, idempotencyKey: name };
  for (let tries = 0; tries < 6; tries++) {
    const taken = await by.acceptMessage({ ...credential, ...message }).catch((error: unknown) => {
      if (!isPassingFault(error)) throw error;
      return undefined;
    });
    if (taken) return value(taken);
    await clock.sleep(5000);
  }
  return undefined;
};

/** Takes what is in the queue and works on it as Lambda does: what fails is left there, what is done is removed. */
const workMail = async (by: Process): Promise<void> => {
  for (const message of await by.mailQueue.receive({ limit: 10, waitSeconds: 0 })) {
    await by.sendOutbox(JSON.parse(message.body).mailboxId);
    await by.mailQueue.done(message);
  }
};

const passing = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => undefined,
    (error: unknown) => {
      if (!isPassingFault(error)) throw error;
    },
  );

/** When each message went over the counter. */
const watchServer = ({ world, clock }: FaultyCloud) => {
  const sentAt: number[] = [];
  let mostSessions = 0;
  const { open } = world.smtp;
  world.smtp.open = async (account) => {
    const opened = await open(account);
    mostSessions = Math.max(mostSessions, world.smtp.sessions.open);
    if (!opened.ok) return opened;
    const { send } = opened.value;
    opened.value.send = async (message) => {
      sentAt.push(clock.now());
      return send(message);
    };
    return opened;
  };
  return { sentAt, mostSessions: () => mostSessions };
};

const copiesOf = ({ world }: FaultyCloud, { messageId }: Submission) =>
  world.smtp.attempts.flatMap(({ content }, index) => (content.includes(messageId) ? [index] : []));

/** A message that is sent, or of which the record tells that it may have arrived twice, and no more. */
const checkSent = async (cloud: FaultyCloud, taken: readonly Submission[]): Promise<number> => {
  const orderly: number[] = [];
  let windows = 0;
  for (const { id } of taken) {
    const { submission } = (await cloud.calm.records.submissions.get(id)) ?? assert.fail('it is gone');
    const { status, unknownOutcomes = 0 } = submission;
    const copies = copiesOf(cloud, submission);
    assert.ok(copies.length >= 1 && copies.length <= 1 + unknownOutcomes, `${copies.length} copies of ${id}`);
    // Twice in doubt, it is not tried a third time, and people are told.
    assert.equal(status.state, unknownOutcomes > 1 ? 'failed' : 'sent', JSON.stringify(status));
    windows += unknownOutcomes;
    if (unknownOutcomes === 0) orderly.push(copies[0] ?? -1);
  }
  assert.deepEqual(
    orderly,
    orderly.toSorted((a, b) => a - b),
    'the order in which they were accepted',
  );
  return windows;
};

/** Until nothing waits, as the minutes pass. What a worker left hidden comes back after a second, which is a real one. */
const calmDown = async (cloud: FaultyCloud, taken: readonly Submission[]): Promise<void> => {
  const { calm, clock } = cloud;
  const isOver = async (): Promise<boolean> => {
    const records = await calm.records.submissions.getMany(taken.map(({ id }) => id));
    return records.every(
      ({ submission }) => submission.status.state === 'sent' || submission.status.state === 'failed',
    );
  };
  for (let minute = 0; minute < 90; minute++) {
    if (minute % 15 === 0) await realTime(1050);
    await clock.drive(clock.sleep(61_000));
    await clock.drive(calm.sweepOutboxes().then(() => workMail(calm)));
    if (await clock.drive(isOver())) return;
  }
  assert.fail('some mail was never found');
};

const play = async (emulators: Emulators, seed: string, messages: number) => {
  const { fraction } = seededRandom(seed);
  const cloud = await openFaultyCloud(emulators, { seed, late: 'index' });
  const { clock, faults, world } = cloud;
  const server = watchServer(cloud);
  const office = await clock.drive(signedIn(cloud));
  const processes = [cloud.start(), cloud.start(), cloud.start()];
  const someone = (): Process => processes[Math.floor(fraction() * processes.length)] as Process;
  const taken: Submission[] = [];

  const device = async (): Promise<void> => {
    for (let count = 0; count < messages; count++) {
      const submission = await handIn(cloud, someone(), office, `scan-${count}`);
      if (submission) taken.push(submission);
      await clock.sleep(fraction() * 4000);
    }
  };
  const worker = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn++) {
      await clock.sleep(fraction() * 20_000);
      const by = someone();
      if (turn % 2 === 1) await passing(by.sweepOutboxes());
      await passing(workMail(by));
    }
  };

  faults.add(...BAD_DAY);
  await clock.drive(Promise.all([device(), worker(), worker()]));
  faults.stop();
  await calmDown(cloud, taken);
  const windows = await clock.drive(checkSent(cloud, taken));
  const once = new Set(taken.map(({ id }) => id));
  assert.equal(once.size, taken.length, 'each job is one submission');
  const strangers = world.smtp.attempts.filter(
    ({ content }) => !taken.some(({ messageId }) => content.includes(messageId)),
  );
  assert.ok(strangers.length <= messages - taken.length, 'a message of which no device was told that it was taken');
  assert.equal(server.mostSessions(), 1);
  cloud.close();
  return { taken: taken.length, strikes: faults.strikes.length, windows, sentAt: server.sentAt };
};

describe('mail in AWS that throttles, repeats and times out', () => {
  let emulators: Emulators;
  before(async () => {
    emulators = await startEmulators();
  });
  after(() => emulators.close());

  it('is sent once it was accepted, once, in order, whatever became of the queue', async (t) => {
    const figures = { runs: 0, taken: 0, strikes: 0, windows: 0 };
    const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, run) => `mail ${run}`) : [SEED];
    for (const seed of seeds) {
      const played = await play(emulators, seed, 4).catch((cause: unknown) => {
        throw new Error(`seed "${seed}": ${cause}`, { cause });
      });
      figures.runs++;
      for (const figure of ['taken', 'strikes', 'windows'] as const) figures[figure] += played[figure];
    }
    t.diagnostic(JSON.stringify(figures));
    assert.ok(figures.strikes > 5 * figures.runs && figures.taken > 2 * figures.runs);
  });

  const isShort = RUNS < 20 && 'takes half a minute: AWS_FAULT_RUNS=20';
  it('keeps to the pace of its mailbox', { skip: isShort }, async () => {
    const { sentAt } = await play(emulators, 'pace', 36);
    const { messagesPerMinute } = MAILBOX_LIMITS.microsoft;
    assert.ok(sentAt.length >= 36);
    for (const from of sentAt) {
      const within = sentAt.filter((at) => at >= from && at < from + 60_000).length;
      assert.ok(within <= messagesPerMinute, `${within} in one minute`);
    }
  });
});

describe('a message whose acceptance was written and never answered', () => {
  it('is the same one when its device hands it in again', async (t) => {
    const emulators = await startEmulators();
    t.after(() => emulators.close());
    const cloud = await openFaultyCloud(emulators, { seed: 'accept' });
    const { clock, faults, world } = cloud;
    const office = await clock.drive(signedIn(cloud));
    faults.add({ fault: 'time_out_after', level: 'call', operation: 'TransactWriteItems', at: [1] });
    const taken = await clock.drive(handIn(cloud, cloud.start(), office, 'once'));
    assert.equal(faults.strikes.length, 1);
    assert.ok(taken);
    await clock.drive(cloud.calm.sendOutbox(office.mailbox.id));
    assert.equal(world.smtp.attempts.length, 1);
    cloud.close();
  });
});

describe('what is due, though the index is late', () => {
  let emulators: Emulators;
  before(async () => {
    emulators = await startEmulators();
  });
  after(() => emulators.close());

  const LATE: FaultRule = { fault: 'stale', level: 'call', when: ({ input }) => 'IndexName' in input };

  it('is refreshed once, however often it is named, and found when the index has caught up', async () => {
    const cloud = await openFaultyCloud(emulators, { seed: 'sweep', late: 'index' });
    const { clock, world, faults } = cloud;
    const office = await clock.drive(signedIn(cloud));
    const by = cloud.start();
    const sweepAndWork = async (): Promise<number> => {
      const found = await by.sweepGrants();
      for (;;) {
        const messages = await by.grantQueue.receive({ limit: 10, waitSeconds: 0 });
        if (messages.length === 0) return found;
        for (const message of messages) {
          await by.maintainGrant(JSON.parse(message.body));
          await by.grantQueue.done(message);
        }
      }
    };
    await clock.drive(clock.sleep(48 * 3_600_000));
    const calls = world.microsoft.refreshCalls;
    faults.add(LATE);
    assert.equal(await clock.drive(sweepAndWork()), 0, 'the index knows nothing of it yet');
    faults.stop();
    assert.equal(await clock.drive(sweepAndWork()), 1);
    assert.equal(world.microsoft.refreshCalls, calls + 1);
    faults.add(LATE, { fault: 'twice', level: 'call', operation: 'ReceiveMessage', at: [1, 3] });
    for (let late = 0; late < 3; late++) assert.equal(await clock.drive(sweepAndWork()), 1);
    assert.equal(world.microsoft.refreshCalls, calls + 1, 'what is named again is looked at, and left alone');
    assert.equal((await clock.drive(cloud.calm.records.grants.get(office.mailbox.id))).grant.state, 'active');
    cloud.close();
  });

  it('reminds people once a day', async () => {
    const cloud = await openFaultyCloud(emulators, { seed: 'notices', late: 'index' });
    const { clock, faults } = cloud;
    const office = await clock.drive(signedIn(cloud));
    const by = cloud.start();
    const { id: subject, organizationId, address } = office.mailbox;
    const about = { subject, mailboxId: subject, organizationId, address, reason: 'smtp_switched_off' } as const;
    const { records } = cloud.calm;
    const stop = { cause: 'hold', since: 0, until: 0, reason: 'smtp_switched_off', response: '535' } as const;
    const sweep = makeSweepNotices({
      ...{ ...by, table: by.table, queue: by.mailQueue, operatorMailboxId: undefined },
      webhooks: { post: () => assert.fail('nobody has a webhook') },
      wording: { webhook: () => '', mail: () => Buffer.alloc(0) },
      publicUrl: 'https://broker.example',
    });
    const remindersNow = async () => {
      const open = await records.notices.open({ kind: 'mailbox.held', organizationId, subject });
      return open?.open.reminders;
    };
    await clock.drive(records.outboxes.replace(subject, { revision: 0 }, { stop }, undefined));
    await clock.drive(makeNotices(by).raise({ kind: 'mailbox.held', ...about }));
    await clock.drive(clock.sleep(86_401_000));
    await clock.drive(sweep());
    assert.equal(await clock.drive(remindersNow()), 1);
    faults.add(LATE);
    for (let minute = 0; minute < 3; minute++) {
      await clock.drive(clock.sleep(60_000));
      await clock.drive(sweep());
    }
    assert.equal(await clock.drive(remindersNow()), 1, 'the index still names it, and nobody is reminded again');
    cloud.close();
  });
});
