import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Mailbox } from '../../shared/domain/entities.ts';
import { isLive } from '../../shared/domain/grant.ts';
import type { ProviderFailure } from '../../shared/ports/identity-provider.ts';
import type { RefreshOutcome } from '../../shared/ports/refresher.ts';
import type { Table } from '../../shared/ports/table.ts';
import { makeGate } from '../fakes/gate.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import { IN_HAND, runFleet, signedInFleet, use } from './fleet.ts';
import {
  advanceSeconds,
  makeWorld,
  meanwhile,
  now,
  type Process,
  settle,
  signIn,
  startProcess,
  value,
  type World,
} from './support.ts';

/** The numbers of domain/cool-down.ts, said once more: who changes them there shall see what follows. */
const FAULTS_BEFORE_PAUSE = 5;
const FIRST_PAUSE_SECONDS = 15;
const LONGEST_PAUSE_SECONDS = 600;
const REGISTRATION_PAUSE_SECONDS = 300;
const PROBE_SECONDS = 30;

const HOUR = 3600;

/** What Microsoft says of one mailbox that was asked for too often: wait, and no word about anybody else. */
const LOOP_GUARD: ProviderFailure = {
  class: 'retry_later',
  affects: 'grant',
  kind: 'provider_unavailable',
  code: 'AADSTS50196',
  message: 'A loop was met.',
  retryAfterSeconds: 300,
};

const kindOf = (outcome: RefreshOutcome): string => (outcome.outcome === 'failed' ? outcome.error.kind : 'fresh');

/** Every pause is at least half of what it may be: so many calls, one at the end of each, fit into an outage. */
const mostProbes = (outageSeconds: number): number => {
  let probes = 0;
  for (let at = 0, pause = FIRST_PAUSE_SECONDS; at < outageSeconds; probes++) {
    at += pause / 2;
    pause = Math.min(pause * 2, LONGEST_PAUSE_SECONDS);
  }
  return probes;
};

describe('an outage of six hours, with 1,000 grants in use', () => {
  const PACE = { periodSeconds: 60, grantsPerSecond: 5 };

  it('costs a bounded number of calls, heals by itself within the longest pause, and is caught up with slowly', async () => {
    const world = makeWorld();
    const processes = [startProcess(world), startProcess(world)];
    const [first] = processes as [Process];
    const mailboxes = await signedInFleet(world, first, { count: 1000 });
    // As after some hours of work: not all of them due at one moment.
    await runFleet(world, processes, { minutes: 90, pace: PACE });
    await use(world, first, mailboxes);

    world.microsoft.failAlways(unavailable());
    const before = world.microsoft.refreshCalls;
    const fetchSome = async (minute: number) => {
      for (const [index, { id }] of mailboxes.entries()) {
        if (index % 50 !== minute % 50) continue;
        const by = processes[index % 2] as Process;
        await by.refreshGrant({ mailboxId: id, audience: 'smtp', minTtlSeconds: 600, askedAt: now(world) });
      }
    };
    await runFleet(world, processes, { minutes: 6 * 60, pace: PACE, eachMinute: fetchSome });
    const calls = world.microsoft.refreshCalls - before;
    // Until the first pause stands, every worker may have a call under way; after it, there is one at a time.
    const bound = FAULTS_BEFORE_PAUSE + processes.length * IN_HAND - 1 + mostProbes(6 * HOUR);
    assert.ok(calls <= bound, `${calls} calls, at most ${bound} expected`);
    assert.ok(calls >= 30, `${calls} calls: somebody must find out that it is over`);

    world.microsoft.failAlways(undefined);
    const perMinute: number[] = [];
    let seen = world.microsoft.refreshCalls;
    await runFleet(world, processes, {
      // The longest pause, the sweep after it, its spread; then 1,000 grants at 300 a minute, and the last back-offs.
      minutes: LONGEST_PAUSE_SECONDS / 60 + 2 + 6,
      pace: PACE,
      eachMinute: async () => {
        perMinute.push(world.microsoft.refreshCalls - seen);
        seen = world.microsoft.refreshCalls;
      },
    });
    const firstCall = perMinute.findIndex((count) => count > 0);
    assert.ok(firstCall * 60 <= LONGEST_PAUSE_SECONDS + 60, `the first call came after ${firstCall} minutes`);
    // What one sweep let through may be worked on up to a minute later, beside that of the next.
    assert.ok(Math.max(...perMinute) <= 2 * 300, `${perMinute} calls a minute`);
    for (const { id } of mailboxes) {
      const { grant, tokens } = await first.records.grants.getWithTokens(id, ['smtp']);
      assert.ok(isLive(grant) && grant.trouble === undefined, JSON.stringify(grant));
      assert.ok((tokens[0]?.expiresAt ?? 0) > now(world));
    }
  });
});

describe('the cool-down of a provider', () => {
  let world: World;
  let one: Process;
  let other: Process;
  let mailboxes: readonly Mailbox[];

  beforeEach(async () => {
    world = makeWorld();
    one = startProcess(world);
    other = startProcess(world);
    mailboxes = await signedInFleet(world, one, { count: 12 });
    await advanceSeconds(world, HOUR + 1);
  });

  const start = (index: number, by = one, duringBackOff = false): Promise<RefreshOutcome> =>
    by.refreshGrant({
      mailboxId: mailboxes[index]?.id ?? '',
      audience: 'smtp',
      minTtlSeconds: 600,
      askedAt: now(world),
      duringBackOff,
    });
  const refresh = async (index: number, by = one, duringBackOff = false): Promise<string> =>
    kindOf(await settle(world, start(index, by, duringBackOff)));
  const calls = async (work: () => Promise<unknown>): Promise<number> => {
    const before = world.microsoft.refreshCalls;
    await work();
    return world.microsoft.refreshCalls - before;
  };
  const pauseUntil = async () => (await one.records.coolDowns.get({ provider: 'microsoft' })).coolDown?.until ?? 0;
  /** Until the pause that stands is over. */
  const endOfPause = async () => advanceSeconds(world, (await pauseUntil()) - now(world));
  /** One fault for each of the first grants. */
  const failFaults = async (count: number, failure = unavailable(), from = 0) => {
    for (let index = from; index < from + count; index++) {
      world.microsoft.failNext(failure);
      await refresh(index, index % 2 === 0 ? one : other);
    }
  };

  it('begins with the fifth fault in a row, whichever the mailbox and the process', async () => {
    await failFaults(FAULTS_BEFORE_PAUSE - 1);
    assert.equal(await pauseUntil(), 0);
    assert.equal(await refresh(8), 'fresh', 'four faults are no outage');
    await failFaults(FAULTS_BEFORE_PAUSE - 1, unavailable(), 4);
    assert.equal(await pauseUntil(), 0, 'the success in between began a new row');
    await failFaults(1, unavailable(), 9);
    const pause = (await pauseUntil()) - now(world);
    assert.ok(pause >= FIRST_PAUSE_SECONDS / 2 && pause <= FIRST_PAUSE_SECONDS, `${pause} s`);
    for (const by of [one, other]) {
      assert.equal(await calls(async () => assert.equal(await refresh(10, by), 'provider_unavailable')), 0);
    }
    const { grant } = await one.records.grants.get(mailboxes[10]?.id ?? '');
    assert.ok(isLive(grant) && grant.trouble === undefined && grant.failures === 0, 'who was not asked is untouched');
  });

  it('keeps Retry-After in all processes, from the first reply that has one, and not a second longer', async () => {
    await failFaults(1, unavailable(120));
    const outcome = await start(5, other);
    assert.ok(outcome.outcome === 'failed' && outcome.error.retryAfterSeconds === 120);
    await advanceSeconds(world, 119);
    for (const by of [one, other]) {
      assert.equal(await calls(async () => assert.equal(await refresh(6, by), 'provider_unavailable')), 0);
    }
    await advanceSeconds(world, 1);
    assert.equal(await refresh(6, other), 'fresh');
    assert.equal(await refresh(7), 'fresh');
  });

  it('is made longer by a Retry-After that comes while it lasts, and never shorter', async () => {
    world.microsoft.requestGate.close();
    const underWay = [0, 1, 2].map((index) => start(index));
    await meanwhile(world);
    world.microsoft.failNext(unavailable(60), unavailable(300), unavailable(10));
    world.microsoft.requestGate.open();
    await settle(world, Promise.all(underWay));
    assert.equal((await pauseUntil()) - now(world), 300);
  });

  it('is no longer than an hour, whatever one reply asks for', async () => {
    await failFaults(1, unavailable(20 * HOUR));
    assert.equal((await pauseUntil()) - now(world), HOUR);
    await advanceSeconds(world, HOUR);
    assert.equal(await refresh(1), 'fresh');
    assert.equal(await refresh(0), 'fresh');
  });

  it('is as long as each throttle asks for, however many there were, and takes them for no outage', async () => {
    for (let mailbox = 0; mailbox < 10; mailbox++) {
      await failFaults(1, unavailable(1), mailbox);
      assert.equal((await pauseUntil()) - now(world), 1);
      await advanceSeconds(world, 1);
    }
    await failFaults(1, unavailable(), 10);
    assert.equal(await refresh(11), 'fresh', 'one failure makes no pause');
  });

  it('is told once, and then that it lasts', async () => {
    for (let mailbox = 0; mailbox < 3; mailbox++) {
      await failFaults(1, unavailable(2), mailbox);
      await advanceSeconds(world, 2);
    }
    assert.equal(world.log.of('provider.paused').length, 1);
    assert.equal(world.log.of('provider.still_paused').length, 2);
  });

  it('keeps a Retry-After in full, though it begins in the middle of a second', async () => {
    await world.clock.advance(900);
    const startedAt = world.clock.now();
    await failFaults(1, unavailable(3));
    const { coolDown } = await one.records.coolDowns.get({ provider: 'microsoft' });
    assert.ok((coolDown?.until ?? 0) * 1000 >= startedAt + 3000);
    const { grant } = await one.records.grants.get(mailboxes[0]?.id ?? '');
    assert.ok('trouble' in grant && (grant.trouble?.retryAt ?? 0) * 1000 >= startedAt + 3000);
  });

  it('ends with one call, while the others wait for what becomes of it', async () => {
    await failFaults(FAULTS_BEFORE_PAUSE);
    await endOfPause();
    world.microsoft.requestGate.close();
    const underWay = [5, 6, 7, 8, 9].map((index) => start(index, index % 2 === 0 ? one : other));
    await meanwhile(world);
    assert.equal(world.microsoft.requestGate.waiting, 1);
    world.microsoft.requestGate.open();
    const kinds = (await settle(world, Promise.all(underWay))).map(kindOf);
    assert.deepEqual(kinds.toSorted(), ['fresh', ...Array(4).fill('provider_unavailable')]);
    assert.equal(await refresh(10), 'fresh', 'after it all may ask again');
  });

  it('grows with every call that finds the fault still there', async () => {
    await failFaults(FAULTS_BEFORE_PAUSE);
    world.microsoft.failAlways(unavailable());
    for (let pause = 2 * FIRST_PAUSE_SECONDS; pause <= 4 * LONGEST_PAUSE_SECONDS; pause *= 2) {
      await endOfPause();
      // Several find the pause over at once: they are one call, and one failure.
      assert.equal(await calls(() => Promise.all([refresh(8), refresh(9, other), refresh(10)])), 1);
      const most = Math.min(pause, LONGEST_PAUSE_SECONDS);
      const found = (await pauseUntil()) - now(world);
      assert.ok(found >= most / 2 && found <= most, `${found} s where up to ${most} s were expected`);
      // Their own back-off is over with the pause, or soon after.
      await advanceSeconds(world, Math.max(0, 60 - found));
    }
  });

  it('lets another call find out when the first one dies', async () => {
    await failFaults(FAULTS_BEFORE_PAUSE);
    await endOfPause();
    const gate = makeGate();
    gate.close();
    const table: Table = { ...world.table, writeAll: (all) => gate.pass().then(() => world.table.writeAll(all)) };
    void startProcess(world, { table }).refreshGrant({
      ...{ mailboxId: mailboxes[5]?.id ?? '', audience: 'smtp', minTtlSeconds: 600, askedAt: now(world) },
    });
    // It dies before the provider answers: nobody hears of it.
    world.microsoft.requestGate.close();
    await meanwhile(world);
    await advanceSeconds(world, PROBE_SECONDS - 1);
    assert.equal(await calls(() => start(6, other)), 0);
    await advanceSeconds(world, 1);
    const next = start(6, other);
    await meanwhile(world);
    assert.equal(world.microsoft.requestGate.waiting, 2);
    world.microsoft.requestGate.open();
    assert.equal(kindOf(await settle(world, next)), 'fresh');
  });

  it('of an outage is passed by a person who asks, and of a Retry-After is not', async () => {
    await failFaults(FAULTS_BEFORE_PAUSE);
    assert.equal(await refresh(8), 'provider_unavailable');
    assert.equal(await refresh(8, one, true), 'fresh');
    assert.equal(await refresh(9), 'fresh', 'what the person found out is good for all');
    await failFaults(1, unavailable(120), 10);
    assert.equal(await calls(async () => assert.equal(await refresh(11, one, true), 'provider_unavailable')), 0);
  });

  it('is left alone by what concerns one mailbox, and is ended by it: the provider answers', async () => {
    for (let round = 0; round < 2; round++) {
      world.microsoft.failNext(...Array(6).fill(LOOP_GUARD));
      for (let index = 0; index < 6; index++) await refresh(index);
      world.microsoft.revoke(`subject-of-${mailboxes[6]?.address}`);
      assert.equal(await refresh(6), 'sign_in_lapsed');
      assert.equal(await pauseUntil(), 0);
      assert.equal(await refresh(7), 'fresh');
      await advanceSeconds(world, HOUR + 1);
      value(await settle(world, signIn(world, one, mailboxes[6] as Mailbox)));
      await advanceSeconds(world, HOUR + 1);
    }
    await failFaults(FAULTS_BEFORE_PAUSE);
    await endOfPause();
    world.microsoft.revoke(`subject-of-${mailboxes[8]?.address}`);
    assert.equal(await refresh(8), 'sign_in_lapsed');
    assert.equal(await pauseUntil(), 0);
    assert.equal(await refresh(9), 'fresh');
  });

  it('keeps one provider apart from the other', async () => {
    const [gmail] = await signedInFleet(world, one, { count: 1, provider: 'google' });
    await advanceSeconds(world, HOUR + 1);
    await failFaults(FAULTS_BEFORE_PAUSE);
    const wish = { audience: 'smtp', minTtlSeconds: 600, askedAt: now(world) } as const;
    assert.deepEqual(await settle(world, one.refreshGrant({ mailboxId: gmail?.id ?? '', ...wish })), {
      outcome: 'fresh',
    });
  });

  it('for a refused registration is one incident for all mailboxes, and heals when the secret works again', async () => {
    const before = await Promise.all(mailboxes.map(({ id }) => one.vault.read(id)));
    world.microsoft.failAlways(REGISTRATION_REFUSED);
    const count = await calls(async () => {
      for (let minute = 0; minute < 60; minute++) {
        for (const [index] of mailboxes.entries()) {
          const kind = await refresh(index, index % 2 === 0 ? one : other);
          assert.equal(kind, 'app_registration_refused');
        }
        await advanceSeconds(world, 60);
      }
    });
    assert.equal(count, HOUR / REGISTRATION_PAUSE_SECONDS);
    assert.equal(world.log.of('app_registration.refused').length, 1);
    assert.deepEqual(world.log.of('provider.paused'), []);
    for (const [index, { id }] of mailboxes.entries()) {
      assert.ok(isLive((await one.records.grants.get(id)).grant));
      assert.deepEqual(await one.vault.read(id), before[index]);
    }

    world.microsoft.failAlways(undefined);
    await advanceSeconds(world, REGISTRATION_PAUSE_SECONDS);
    for (const [index] of mailboxes.entries()) assert.equal(await refresh(index), 'fresh');
    assert.equal(world.log.of('provider.resumed').length, 1);

    await advanceSeconds(world, HOUR + 1);
    world.microsoft.failNext(REGISTRATION_REFUSED);
    await refresh(0);
    assert.equal(world.log.of('app_registration.refused').length, 2, 'the next incident is another one');
  });
});
