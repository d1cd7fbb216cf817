import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { startWorkers } from '../../local/workers.ts';
import { deadLetters } from '../../shared/adapters/sqlite/queue-statements.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import { dueShardOf } from '../../shared/domain/timing.ts';
import type { Due, Table } from '../../shared/ports/table.ts';
import type { Message, ReceivedMessage, WorkQueue } from '../../shared/ports/work-queue.ts';
import type { GrantWork, SweepPace } from '../../shared/usecases/grants/sweep-grants.ts';
import { makeReportDeadLetters } from '../../shared/usecases/report-dead-letters.ts';
import { unavailable } from '../fakes/scripted-provider.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { runFleet, signedInFleet, sweepAt, use, workOnce } from './fleet.ts';
import {
  advanceSeconds,
  makeWorld,
  meanwhile,
  now,
  type Process,
  settle,
  startProcess,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const PACE: SweepPace = { periodSeconds: 60, grantsPerSecond: 10 };
const MOST_A_SWEEP = 600;

describe('the sweep', () => {
  let world: World;
  let process: Process;
  let sent: Message[];
  /** How many messages the queue says it holds. */
  let waiting: number;

  beforeEach(() => {
    world = makeWorld();
    process = startProcess(world);
    sent = [];
    waiting = 0;
  });

  /** Takes messages and gives none out. */
  const queue = (): WorkQueue => ({
    ...process.grantQueue,
    depth: async () => ({ waiting, dead: 0 }),
    sendAll: async (messages) => {
      sent.push(...messages);
    },
  });
  const sweep = (pace = PACE, table: Table = process.table) =>
    sweepAt({ ...process, table, grantQueue: queue() }, pace)();
  const sentIds = (): string[] => sent.map(({ body }) => (JSON.parse(body) as GrantWork).mailboxId);

  /** Nothing but what the due index shows of a grant. */
  const becomeDue = async (mailboxId: string, dueAt: number, provider: ProviderName = 'microsoft') => {
    const dueShard = dueShardOf(`grant-${provider}`, mailboxId);
    await world.table.write({ put: { pk: `mailbox#${mailboxId}`, sk: 'grant', dueShard, dueAt } });
  };
  const manyDue = async (count: number, dueAt: (index: number) => number, provider?: ProviderName) => {
    for (let index = 0; index < count; index++)
      await becomeDue(`${provider ?? 'mbx'}-${index}`, dueAt(index), provider);
  };
  const workOff = async () => {
    for (const id of sentIds()) await becomeDue(id, now(world) + HOUR);
    sent = [];
  };

  it('spreads what is due together evenly over the minute', async () => {
    // Ids as they are made: random.
    const random = seededRandom('ids');
    for (let index = 0; index < 600; index++) {
      await becomeDue(`mbx_${Buffer.from(random.bytes(9)).toString('base64url')}`, now(world));
    }
    assert.equal(await sweep({ periodSeconds: 60, grantsPerSecond: 100 }), 600);
    const tenths = Array<number>(6).fill(0);
    for (const { delaySeconds = -1 } of sent) {
      assert.ok(Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds < 60);
      tenths[Math.floor(delaySeconds / 10)] = (tenths[Math.floor(delaySeconds / 10)] ?? 0) + 1;
    }
    for (const count of tenths) assert.ok(count > 70 && count < 130, `${tenths} in every ten seconds`);
  });

  it('takes nothing that is not due yet', async () => {
    await becomeDue('now', now(world));
    await becomeDue('later', now(world) + 1);
    assert.equal(await sweep(), 1);
    assert.deepEqual(sentIds(), ['now']);
  });

  it('says how long the oldest has been due, though there is no room for it', async () => {
    const oldest = () => world.log.of('grants.swept').map(({ fields }) => fields.oldest_due_seconds);
    assert.equal(await sweep(), 0);
    assert.deepEqual(oldest(), [], 'nothing is due');
    await manyDue(50, (index) => now(world) - index);
    await becomeDue('oldest', now(world) - 300, 'google');
    await sweep();
    waiting = MOST_A_SWEEP - 3;
    await sweep();
    waiting = MOST_A_SWEEP;
    assert.equal(await sweep(), 0);
    assert.deepEqual(oldest(), [300, 300, 300]);
    assert.equal(world.log.of('grants.swept').at(-1)?.fields.count, 0);
  });

  it('catches up with a missed hour at its rate, the oldest first, though one provider has it all', async () => {
    const dueAt = new Map<string, number>();
    for (let index = 0; index < 3000; index++) {
      dueAt.set(`mbx-${index}`, now(world) - HOUR + Math.floor((index * HOUR) / 3000));
    }
    for (const [id, at] of dueAt) await becomeDue(id, at);
    for (let minute = 0; dueAt.size > 0; minute++) {
      assert.ok(minute < 6, 'five minutes and a bit');
      const count = await sweep();
      const taken = new Set(sentIds());
      assert.equal(taken.size, count, 'none of them twice');
      // What is less than one for each shard may wait.
      const most = Math.min(MOST_A_SWEEP, dueAt.size);
      assert.ok(count <= most && count > most - 16, `${count} of ${most}`);
      const newestTaken = Math.max(...[...taken].map((id) => dueAt.get(id) ?? 0));
      for (const id of taken) dueAt.delete(id);
      const oldestLeft = Math.min(Number.MAX_SAFE_INTEGER, ...dueAt.values());
      // Oldest first within each of the sixteen shards; their ages differ by chance.
      assert.ok(newestTaken - oldestLeft < 600, `${newestTaken - oldestLeft} s younger than one that was left`);
      await workOff();
      await advanceSeconds(world, 60);
    }
    assert.equal(await sweep(), 0);
  });

  it('shares its room between the providers, and gives one what the other leaves', async () => {
    await manyDue(2000, () => now(world) - HOUR, 'microsoft');
    await manyDue(100, () => now(world) - HOUR, 'google');
    assert.equal(await sweep(), MOST_A_SWEEP);
    assert.equal(sentIds().filter((id) => id.startsWith('google')).length, 100);
  });

  it('fills the queue no further than one period’s work', async () => {
    await manyDue(2000, () => now(world) - HOUR);
    waiting = MOST_A_SWEEP - 40;
    assert.equal(await sweep(), 40);
    waiting = MOST_A_SWEEP + 1;
    assert.equal(await sweep(), 0);
    waiting = 0;
    assert.equal(await sweep({ periodSeconds: 5, grantsPerSecond: 1 }), 5, 'less than one for each shard');
  });

  it('leaves a paused provider out while the other goes on, and then lets a few go first', async () => {
    await manyDue(200, () => now(world), 'microsoft');
    await manyDue(200, () => now(world), 'google');
    const about = { failures: 1, code: 'http_429', message: 'Wait.', since: now(world) };
    const pause = { ...about, cause: 'throttled' } as const;
    await process.records.coolDowns.replace({ provider: 'microsoft' }, 0, { ...pause, until: now(world) + 100 });
    assert.equal(await sweep(), 200);
    assert.ok(sentIds().every((id) => id.startsWith('google')));
    await advanceSeconds(world, 100);
    sent = [];
    assert.equal(await sweep(), 200 + 16);
    assert.equal(new Set(sentIds()).size, 216);
    await process.records.coolDowns.replace({ provider: 'microsoft' }, 1, undefined);
    sent = [];
    assert.equal(await sweep(), 400);
  });

  it('says in each minute of a pause that it leaves the provider out, however often it runs, and not before or after', async () => {
    const leftOut = () => world.log.of('provider.left_out').map(({ fields }) => fields);
    await advanceSeconds(world, (60 - (now(world) % 60)) % 60);
    await sweep();
    assert.deepEqual(leftOut(), []);
    const about = { failures: 0, code: 'http_429', message: 'Wait for an hour.', since: now(world) };
    const until = now(world) + HOUR;
    await process.records.coolDowns.replace({ provider: 'google' }, 0, { ...about, cause: 'throttled', until });
    for (let minute = 0; minute < 60; minute++) {
      await sweep();
      await advanceSeconds(world, 60);
    }
    assert.equal(leftOut().length, 60);
    assert.deepEqual(leftOut()[10], {
      ...{ provider: 'google', cause: 'throttled', code: 'http_429', pause_seconds: HOUR - 600 },
    });
    await sweep();
    assert.equal(leftOut().length, 60, 'the pause is over');
    await process.records.coolDowns.replace({ provider: 'google' }, 1, {
      ...about,
      cause: 'outage',
      until: until + 600,
    });
    for (let second = 0; second < 120; second += 5) {
      await sweep({ ...PACE, periodSeconds: 5 });
      await advanceSeconds(world, 5);
    }
    assert.equal(leftOut().length, 62);
  });
});

describe('the sweep and its workers', () => {
  let world: World;
  let processes: readonly Process[];
  let first: Process;

  beforeEach(() => {
    world = makeWorld();
    processes = [startProcess(world), startProcess(world), startProcess(world)];
    first = processes[0] as Process;
  });

  it('ask the provider once for each grant, however often a stale index and the queue name it', async () => {
    const mailboxes = await signedInFleet(world, first, { count: 30 });
    await advanceSeconds(world, 2800);
    const seen: { at: number; due: readonly Due[] }[] = [];
    // Every answer of the index comes again and again, long after it was true.
    const stale: Table = {
      ...world.table,
      due: async (shard, until, limit) => {
        seen.push({ at: now(world), due: await world.table.due(shard, until, limit) });
        return [...seen.flatMap(({ due }) => due), ...seen.flatMap(({ due }) => due)].slice(0, limit);
      },
    };
    const late = startProcess(world, { table: stale });
    const calls = world.microsoft.refreshCalls;
    world.microsoft.latencyMs = 300;
    for (let minute = 0; minute < 5; minute++) {
      await sweepAt(late, { periodSeconds: 1, grantsPerSecond: 2000 })();
      while ((await workOnce(world, processes)) > 0);
      await advanceSeconds(world, 60);
    }
    assert.equal(world.microsoft.refreshCalls - calls, mailboxes.length);
    assert.equal(world.microsoft.mostAtOnce > 1, true, 'several grants at once');
  });

  it('leave alone what was signed out, has ended, or is gone since the index was read', async () => {
    const mailboxes = await signedInFleet(world, first, { count: 4 });
    const [out, ended, gone] = mailboxes.map(({ id }) => id);
    await advanceSeconds(world, 2800);
    await first.sweepGrants();
    value(await first.administration.mailboxes.signOut(out ?? ''));
    value(await first.administration.mailboxes.signOut(gone ?? ''));
    value(await first.administration.mailboxes.remove(gone ?? ''));
    world.microsoft.revoke(`subject-of-${mailboxes[1]?.address}`);
    const askedAt = now(world);
    await first.refreshGrant({ mailboxId: ended ?? '', audience: 'smtp', minTtlSeconds: 3000, askedAt });
    const calls = world.microsoft.refreshCalls;
    await settle(world, first.workGrants());
    assert.equal(world.microsoft.refreshCalls - calls, 1, 'the fourth one alone');
  });

  it('keep the calls of a fleet in use as even as its sign-ins were, and never let a token run out', async () => {
    const mailboxes = await signedInFleet(world, first, { count: 120 });
    const pace = { periodSeconds: 60, grantsPerSecond: 1 };
    const each = async () => {
      for (const { id } of mailboxes) {
        const { tokens } = await first.records.grants.getWithTokens(id, ['smtp']);
        assert.ok((tokens[0]?.expiresAt ?? 0) - now(world) > 600);
      }
    };
    // All signed in within one second: the first renewals are spread over ten minutes, the later ones further.
    const perMinute: number[] = [];
    let seen = world.microsoft.refreshCalls;
    await runFleet(world, processes, {
      minutes: 240,
      pace,
      eachMinute: async (minute) => {
        perMinute.push(world.microsoft.refreshCalls - seen);
        seen = world.microsoft.refreshCalls;
        if (minute % 10 === 0) {
          await each();
          await use(world, first, mailboxes);
        }
      },
    });
    const mean = perMinute.slice(120).reduce((sum, count) => sum + count, 0) / 120;
    assert.ok(Math.max(...perMinute.slice(120)) <= 6 * mean, `${perMinute.slice(120)} a minute, ${mean} on average`);
  });

  it('bring an hour that was missed back within the time that the rate needs', async () => {
    await signedInFleet(world, first, { count: 150 });
    await runFleet(world, processes, { minutes: 10, pace: PACE });
    await advanceSeconds(world, HOUR);
    const perMinute: number[] = [];
    let seen = world.microsoft.refreshCalls;
    await runFleet(world, processes, {
      minutes: 5,
      pace: { periodSeconds: 60, grantsPerSecond: 1 },
      eachMinute: async () => {
        perMinute.push(world.microsoft.refreshCalls - seen);
        seen = world.microsoft.refreshCalls;
      },
    });
    assert.equal(
      perMinute.reduce((sum, count) => sum + count, 0),
      150,
    );
    assert.ok(Math.max(...perMinute) <= 60 + 10, `${perMinute} a minute`);
  });

  it('go on with one provider while the other is paused', async () => {
    const slow = await signedInFleet(world, first, { count: 20 });
    await signedInFleet(world, first, { count: 20, provider: 'google' });
    await runFleet(world, processes, { minutes: 2, pace: PACE });
    await advanceSeconds(world, HOUR);
    world.microsoft.failAlways(unavailable(1800));
    const [microsoft, google] = [world.microsoft.refreshCalls, world.google.refreshCalls];
    await runFleet(world, processes, { minutes: 10, pace: PACE });
    assert.equal(world.google.refreshCalls - google, 20);
    // Those that were in hand when the first of them was told to wait.
    assert.ok(world.microsoft.refreshCalls - microsoft <= 24, `${world.microsoft.refreshCalls - microsoft} calls`);
    assert.ok(slow.length > 0);
  });
});

describe('what no worker can deal with', () => {
  const MAX_RECEIVES = 5;
  const start = () => {
    const world = makeWorld();
    const options = {
      name: 'grants',
      fifo: false,
      visibilitySeconds: 120,
      maxReceives: MAX_RECEIVES,
      clock: world.clock,
    };
    const queue = sqliteWorkQueue(world.database, options);
    const report = makeReportDeadLetters({ queues: { grants: queue }, log: world.log });
    return { world, queue, report };
  };
  const told = ({ log }: World) => log.of('queue.dead_letters').map(({ fields }) => [fields.queue, fields.count]);

  it('is tried five times, stops nobody else, and lands in the dead letters, where it is told of once', async (t) => {
    const { world, queue, report } = start();
    const process = startProcess(world);
    const mailboxes = await signedInFleet(world, process, { count: 6 });
    await advanceSeconds(world, 2800);
    const calls = world.microsoft.refreshCalls;
    await queue.send({ body: 'not JSON' });
    await queue.sendAll(mailboxes.map(({ id }) => ({ body: JSON.stringify({ mailboxId: id }) })));
    await queue.send({ body: 'null' });
    const handle = (body: unknown) => process.maintainGrant(body as GrantWork);
    const workers = startWorkers([{ name: 'grants', queue, concurrency: 2, handle }], [report], world.log);
    t.after(() => settle(world, workers.stop()));
    for (let second = 0; second < 5; second++) await advanceSeconds(world, 1);
    assert.equal(world.microsoft.refreshCalls - calls, mailboxes.length);
    await report();
    assert.deepEqual(told(world), []);

    for (let second = 0; second < MAX_RECEIVES * 31; second++) await advanceSeconds(world, 1);
    assert.deepEqual(
      deadLetters(world.database, 'grants')
        .map(({ body }) => body)
        .toSorted(),
      ['not JSON', 'null'],
    );
    assert.equal(world.log.of('message.failed').length, 2 * MAX_RECEIVES);
    assert.deepEqual(await queue.depth(), { waiting: 0, dead: 2 });
    for (let time = 0; time < 3; time++) await report();
    assert.deepEqual(told(world), [['grants', 2]]);
  });

  it('is told of again whenever the number changes, and not when nothing is left', async () => {
    const { world } = start();
    const dead = { grants: 0, mail: 1 };
    const depthOf = (name: keyof typeof dead) => ({ depth: async () => ({ waiting: 9, dead: dead[name] }) });
    const queues = { grants: depthOf('grants'), mail: depthOf('mail') };
    const report = makeReportDeadLetters({ queues, log: world.log });
    for (const count of [0, 3, 3, 4, 0, 0, 4]) {
      dead.grants = count;
      await report();
    }
    assert.deepEqual(told(world), [
      ['mail', 1],
      ['grants', 3],
      ['grants', 4],
      ['grants', 4],
    ]);
  });

  it('holds up no other message while it rests', async (t) => {
    const { world, queue } = start();
    const handled: unknown[] = [];
    const failing = (message: ReceivedMessage['body']) => message.startsWith('bad');
    for (let index = 0; index < 20; index++) {
      await queue.send({ body: JSON.stringify(index % 2 === 0 ? `bad ${index}` : index) });
    }
    const handle = async (body: unknown) => {
      if (typeof body === 'string' && failing(body)) throw new Error('poison');
      handled.push(body);
    };
    const workers = startWorkers([{ name: 'grants', queue, concurrency: 4, handle }], [], world.log);
    t.after(() => settle(world, workers.stop()));
    await meanwhile(world);
    for (let second = 0; second < 10; second++) await advanceSeconds(world, 1);
    assert.equal(handled.length, 10);
  });
});
