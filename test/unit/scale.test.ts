import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import type { Grant } from '../../shared/domain/grant.ts';
import { ok } from '../../shared/domain/result.ts';
import { dueShardOf } from '../../shared/domain/timing.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';
import type { Table } from '../../shared/ports/table.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { attributes, keys } from '../../shared/records/items.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import { newDevice } from '../../shared/usecases/devices/register-device.ts';
import { makeMaintainGrant } from '../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../shared/usecases/grants/refresh-grant.ts';
import { type GrantWork, makeSweepGrants } from '../../shared/usecases/grants/sweep-grants.ts';
import { billOf, consumptionOf, dataOutDollars } from '../bench/scale/bill.ts';
import { seededChance } from '../bench/scale/chance.ts';
import { measureCosts } from '../bench/scale/costs.ts';
import * as deployment from '../bench/scale/deployment.ts';
import { dueCalendar } from '../bench/scale/due-calendar.ts';
import { itemBytes, meteredTable } from '../bench/scale/dynamodb-units.ts';
import { makeFleet } from '../bench/scale/fleet.ts';
import { monthOf, rateOf } from '../bench/scale/month.ts';
import { SHARDS, type SimulatedRun, simulate, type Usage } from '../bench/scale/simulate.ts';
import { MINUTES_OF_DAY, makeTally } from '../bench/scale/tally.ts';
import { DAY_SECONDS, GOOGLE_SHARE, HOUR_SECONDS, START } from '../bench/scale/usage.ts';
import { identityProviders } from '../fakes/identity-providers.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

const PACE = { periodSeconds: 60, grantsPerSecond: 600 };
const WIDE = { seed: 7, pace: PACE, workedPerSecond: 1000 };
const NOBODY: Usage = { scans: () => 0, alerts: () => 0 };

/** The same days over and over. */
const repeated = (run: SimulatedRun, days: number): SimulatedRun => ({
  ...run,
  byDay: Array.from({ length: days }, (_, day) => run.byDay[day % run.byDay.length]).filter((day) => day !== undefined),
});

const total = (counts: Uint32Array): number => counts.reduce((sum, count) => sum + count, 0);

describe('the simulated due index', () => {
  it('gives what is due, oldest minute first, whatever was moved before', () => {
    const chance = seededChance(3);
    const calendar = dueCalendar(60, 2, START);
    const dues = new Map<number, { shard: number; dueAt: number }>();
    for (let minute = 0; minute < 300; minute++) {
      const now = START + minute * 60;
      for (let moves = 0; moves < 20; moves++) {
        const grant = chance.whole(60);
        const move = { shard: grant % 2, dueAt: now - 90 + chance.whole(3600) };
        calendar.put(grant, move.shard, move.dueAt);
        dues.set(grant, move);
      }
      const shard = minute % 2;
      const expected = [...dues].filter(([, due]) => due.shard === shard && due.dueAt <= now).map(([grant]) => grant);
      const taken = calendar.find(shard, now, 5);
      assert.deepEqual(calendar.find(shard, now, 5), taken, 'what is found stays there');
      for (const grant of taken) calendar.remove(grant);
      assert.equal(taken.length, Math.min(5, expected.length), `minute ${minute}`);
      assert.ok(taken.every((grant) => expected.includes(grant)));
      const left = expected.filter((grant) => !taken.includes(grant)).map((grant) => dues.get(grant)?.dueAt ?? 0);
      for (const grant of taken) {
        // What was overdue when it was put is found with that minute's.
        const minuteOf = (at: number) => Math.ceil((at - START) / 60);
        assert.ok(left.every((at) => minuteOf(at) >= minuteOf(dues.get(grant)?.dueAt ?? 0) - 2));
        dues.delete(grant);
      }
    }
  });
});

describe('the simulation', () => {
  it('calls the provider in the very minutes in which the broker itself does', async () => {
    // A seed whose one mailbox is Google's: its tokens live an hour, so that nothing is left to chance.
    const seed = [...Array(100).keys()].find((one) => isGoogle(one)) ?? 0;
    const days = 5;
    // Used on Monday; left alone for longer than it is kept warm; then used again.
    const uses = new Set([1, 1.1, 4, 6, 95, 95.5, 100].map((hours) => START + hours * HOUR_SECONDS));
    const usage: Usage = { scans: (_, at) => (uses.has(at) ? 1 : 0), alerts: () => 0 };
    const run = await simulate({ ...WIDE, mailboxes: 1, days, seed }, usage);
    const called = await callsOfBroker({ seed, days, uses });
    assert.deepEqual(
      [...run.callsByMinute].flatMap((calls, minute) => Array(calls).fill(minute)),
      called,
    );
    assert.ok(called.length > 80, `only ${called.length} calls`);
    const longestPause = Math.max(...called.slice(1).map((minute, index) => minute - (called[index] ?? 0)));
    assert.ok(longestPause > 600, 'it was never left alone');
  });

  it('never lets the sweep through more than its pace, and catches up with all of it', async () => {
    const pace = { periodSeconds: 60, grantsPerSecond: 2 };
    const run = await simulate({ ...WIDE, pace, mailboxes: 1000, days: 1 }, NOBODY);
    assert.equal(run.caughtUpAfterMinutes, Math.ceil(1000 / 120));
    assert.ok(Math.max(...run.callsByMinute) <= 120);
    assert.ok(total(run.callsByMinute.subarray(0, run.caughtUpAfterMinutes - 1)) < 1000);
    assert.equal(total(run.callsByMinute.subarray(0, run.caughtUpAfterMinutes)), 1000);
  });

  it('is as slow as its workers', async () => {
    const run = await simulate({ ...WIDE, workedPerSecond: 1, mailboxes: 500, days: 1 }, NOBODY);
    assert.ok(Math.max(...run.callsByMinute) <= 60);
    assert.ok(total(run.callsByMinute.subarray(0, 10)) >= 500);
  });

  it('spreads a fleet whose tokens all came at once, and lets next to nobody wait', async () => {
    const run = await simulate({ ...WIDE, mailboxes: 2000, days: 2 });
    const { mean, peak } = rateOf(run.callsByMinute, 15);
    assert.ok(peak / mean <= 1.3, `peak over mean is ${peak / mean}`);
    const [, second] = run.byDay;
    assert.ok(second !== undefined && second.waited / second.fetched < 0.002, `${second?.waited} waited`);
  });

  it("writes the vault once a week for each of Microsoft's, and never for Google's", async () => {
    // They came in at once, so long ago that the first come of age on the second day, and the last on the fourth.
    const run = await simulate({ ...WIDE, mailboxes: 300, days: 5 });
    const stored = run.byDay.map((day) => day.stored);
    assert.equal(stored[0], 0);
    assert.equal(
      total(run.storesByMinute),
      stored.reduce((sum, count) => sum + count, 0),
    );
    assert.equal(total(run.storesByMinute), microsoftOf(300, WIDE.seed));
  });

  it('is the same in every run, and another with another seed', async () => {
    const [first, again, other] = [
      await simulate({ ...WIDE, mailboxes: 200, days: 1 }),
      await simulate({ ...WIDE, mailboxes: 200, days: 1 }),
      await simulate({ ...WIDE, mailboxes: 200, days: 1, seed: 8 }),
    ];
    assert.deepEqual(first.callsByMinute, again.callsByMinute);
    assert.notDeepEqual(first.callsByMinute, other.callsByMinute);
  });
});

describe('the rates', () => {
  it('finds mean and peak of any window after the first day', () => {
    const minutes = new Uint32Array(2 * MINUTES_OF_DAY).fill(60);
    minutes[5] = 6000;
    minutes.fill(180, MINUTES_OF_DAY + 10, MINUTES_OF_DAY + 20);
    assert.deepEqual(rateOf(minutes, 1).peak, 3);
    assert.deepEqual(rateOf(minutes, 20).peak, 2);
    assert.ok(Math.abs(rateOf(minutes, 1).mean - (1 + 20 / MINUTES_OF_DAY)) < 1e-9);
  });

  it('adds up a month, and nothing that is none', async () => {
    const day = await simulate({ ...WIDE, mailboxes: 100, days: 1 }, NOBODY);
    const ofDay = day.byDay[0]?.google ?? 0;
    assert.ok(ofDay > 0);
    assert.equal(monthOf(repeated(day, 30)).google, 30 * ofDay);
    assert.throws(() => monthOf(day), RangeError);
  });
});

describe("DynamoDB's units", () => {
  const item = { pk: 'a', sk: 'b', text: 'x'.repeat(1100) };

  it('count names, values and what holds them', () => {
    assert.equal(itemBytes({ pk: 'a', sk: 'b' }), 6);
    assert.equal(itemBytes({ text: 'ä' }), 6);
    assert.equal(itemBytes({ n: 1_799_053_200, yes: true }), 1 + 5 + 3 + 1);
    assert.equal(itemBytes({ list: ['ab', 'c'] }), 4 + 3 + (1 + 2) + (1 + 1));
    assert.equal(itemBytes({ map: { k: 'v' } }), 3 + 3 + (1 + 1 + 1));
  });

  it('begin with each KB written, twice in a transaction, and with each 4 KB read', async () => {
    const { watching: table, take } = meteredTable(sqliteTable(openDatabase(':memory:')));
    await table.write({ put: item });
    await table.writeAll([{ put: item }]);
    // The larger of before and after.
    await table.write({ put: { pk: 'a', sk: 'b' } });
    await table.get({ pk: 'a', sk: 'b' });
    await table.getMany([
      { pk: 'a', sk: 'b' },
      { pk: 'a', sk: 'absent' },
    ]);
    assert.deepEqual(
      take().map(({ readUnits, writeUnits }) => [readUnits, writeUnits]),
      [
        [0, 2],
        [0, 4],
        [0, 2],
        [1, 0],
        [1, 0],
        [1, 0],
      ],
    );
  });

  it('count the due index only where its entry changes', async () => {
    const { watching: table, take } = meteredTable(sqliteTable(openDatabase(':memory:')));
    const indexed = async (write: () => Promise<unknown>): Promise<number> => {
      await write();
      return take().reduce((sum, { request, writeUnits }) => sum + (request === 'due index' ? writeUnits : 0), 0);
    };
    const due = { pk: 'a', sk: 'b', dueShard: 's', dueAt: 1 };
    assert.equal(await indexed(() => table.write({ put: due })), 1);
    assert.equal(await indexed(() => table.write({ put: { ...due, other: 1 } })), 0);
    assert.equal(await indexed(() => table.write({ update: due, changes: { set: { dueAt: 2 } } })), 2);
    assert.equal(await indexed(() => table.write({ put: { pk: 'a', sk: 'b' } })), 1);
  });
});

describe('the bill', () => {
  it('is made of what the broker was seen to do, for each vault', async () => {
    const measured = async (vault: 'secrets-manager' | 'envelope') => ({
      microsoft: await measureCosts('microsoft', vault),
      google: await measureCosts('google', vault),
    });
    const run = repeated(await simulate({ ...WIDE, mailboxes: 100, days: 1 }), 30);
    const month = monthOf(run);
    const lines = async (vault: 'secrets-manager' | 'envelope') => {
      const costs = await measured(vault);
      const used = consumptionOf(100, month, costs);
      const bill = new Map(billOf(100, vault, used, month.waited).map(({ what, dollars }) => [what, dollars]));
      return { costs, used, bill };
    };
    const [secrets, envelope] = [await lines('secrets-manager'), await lines('envelope')];
    assert.equal(secrets.costs.microsoft.stored.secretWrites, 2);
    assert.equal(secrets.costs.microsoft.refreshed.secretReads, 1);
    assert.equal(envelope.costs.microsoft.stored.secretReads, 0);
    assert.equal(secrets.bill.get('Secrets Manager: a secret for each mailbox'), 40);
    assert.equal(envelope.bill.get('Secrets Manager: a secret for each mailbox'), 0);
    assert.equal(secrets.used.secretWrites, 2 * month.stored);
    assert.ok(envelope.used.readUnits > secrets.used.readUnits);
    assert.ok((month.microsoft + month.google) / 30 / 100 > 20);
  });

  it('has less and less for each GB that goes out', () => {
    const TB = 1024;
    const bought = [
      [0, 0],
      [100, 9],
      [10 * TB, 921.6],
      [50 * TB, 921.6 + 3481.6],
      [150 * TB, 921.6 + 3481.6 + 7168],
      [250 * TB, 921.6 + 3481.6 + 7168 + 5120],
    ] as const;
    for (const [gb, dollars] of bought) assert.ok(Math.abs(dataOutDollars(gb) - dollars) < 1e-6, `${gb} GB`);
  });

  it('assumes what is deployed', () => {
    const { PACE: pace, REFRESHERS, BATCH_SIZE, MEMORY_MB } = deployment;
    const { periodSeconds, grantsPerSecond } = pace;
    const deployed = [
      [
        'functions/refresh-grants/sweep/handler.ts',
        `PACE = { periodSeconds: ${periodSeconds}, grantsPerSecond: ${grantsPerSecond} };`,
      ],
      ['infra/functions/triggers.ts', `REFRESHERS = ${REFRESHERS};`],
      ['infra/functions/triggers.ts', `BATCH_SIZE = ${BATCH_SIZE};`],
      ['infra/functions/broker-function.ts', `MEMORY_MB = ${MEMORY_MB};`],
    ] as const;
    for (const [file, line] of deployed) {
      const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      assert.ok(source.includes(line), `${file} does not say ${line}: change test/bench/scale/deployment.ts too`);
    }
  });
});

const fleetOf = (mailboxes: number, seed: number) =>
  makeFleet({ mailboxes, shards: SHARDS, start: START }, seededChance(seed), makeTally(START, 1));

/** The shard tells the provider. */
const googleShards = (mailboxes: number, seed: number): number => {
  const fleet = fleetOf(mailboxes, seed);
  const dueIn = SHARDS.map((shard, index) =>
    shard.startsWith('grant-google') ? fleet.due(index, START, mailboxes) : [],
  );
  return dueIn.flat().length;
};
const isGoogle = (seed: number): boolean => googleShards(1, seed) === 1;
const microsoftOf = (mailboxes: number, seed: number): number => mailboxes - googleShards(mailboxes, seed);

/** The broker itself, with one mailbox as the simulation begins it, swept each minute: the minutes of its calls. */
const callsOfBroker = async ({ seed, days, uses }: { seed: number; days: number; uses: ReadonlySet<number> }) => {
  assert.ok(GOOGLE_SHARE > 0);
  const id = fleetOf(1, seed).idOf(0);
  const calls: number[] = [];
  let now = START;
  const clock: Clock = { now: () => now * 1000, sleep: async () => undefined };
  const unused = (): never => assert.fail('not in this test');
  const google: IdentityProvider = {
    name: 'google',
    clientId: 'client',
    clientSecrets: [],
    scopeFor: () => 'https://mail.google.com/',
    authorizationUrl: unused,
    redeemCode: unused,
    explainRedirectError: unused,
    refresh: async () => {
      calls.push(Math.floor((now - START) / 60));
      const scopes = ['https://mail.google.com/'];
      return ok({ accessToken: 'access', expiresInSeconds: HOUR_SECONDS, scopes, formerStaysValid: false });
    },
  };
  const stored = sqliteTable(openDatabase(':memory:'));
  const shard = dueShardOf('grant-google', id);
  // Of all shards one is in use; looking into the others each minute would take most of the time.
  const table: Table = { ...stored, due: async (name, ...rest) => (name === shard ? stored.due(name, ...rest) : []) };
  const random = seededRandom('scale');
  const records = brokerRecords(table, memoryKeyRing('access'), clock, random);
  const vault = envelopeTokenVault(table, memoryKeyRing('vault'));
  const common = {
    records,
    vault,
    providers: identityProviders({ google, microsoft: google }),
    clock,
    random,
    log: memoryLog(),
  };
  const refreshGrant = makeRefreshGrant(common);
  const maintainGrant = makeMaintainGrant({ ...common, refreshGrant });
  const bySecond: GrantWork[][] = Array.from({ length: 60 }, () => []);
  const queue: WorkQueue = {
    depth: async () => ({ waiting: 0, dead: 0 }),
    sendAll: async (messages) => {
      for (const { body, delaySeconds = 0 } of messages) bySecond[delaySeconds]?.push(JSON.parse(body));
    },
    send: unused,
    receive: unused,
    done: unused,
    retryLater: unused,
  };
  const refresher = {
    refreshNow: refreshGrant,
    refreshSoon: async ({ mailboxId }: GrantWork) => void bySecond[0]?.push({ mailboxId }),
  };
  const devices = deviceUseCases({
    ...{ ...common, refresher },
    scopeFor: () => 'https://mail.google.com/',
    serverFor: () => undefined,
  });
  const sweep = makeSweepGrants({ ...common, table, coolDowns: records.coolDowns, queue, pace: PACE });

  await records.organizations.create({ id: 'org', name: 'Contoso', locale: 'en', enabled: true, createdAt: START });
  const mailbox = { id, organizationId: 'org', provider: 'google', address: 's@contoso.example', aliases: [] } as const;
  await records.mailboxes.create({ ...mailbox, createdAt: START });
  const { device, clientSecret } = newDevice('org', { clientName: 'Printer' }, clock, random);
  await table.writeAll(records.devices.creation(device));
  const { clientId } = device;
  await records.devices.bind({ clientId, slot: 'scan', mailboxId: id, organizationId: 'org', boundAt: START });
  await vault.store(id, { refreshToken: 'refresh', storedAt: START }, 'absent');
  const dayAgo = START - DAY_SECONDS;
  const grant: Grant = {
    state: 'active',
    provider: 'google',
    account: { subject: 's', addresses: [] },
    scopes: ['https://mail.google.com/'],
    ...{ signedInAt: dayAgo, provenAt: dayAgo, refreshTokenStoredAt: dayAgo, generation: 1, failures: 0 },
  };
  await table.write({ put: { ...keys.grant(id), ...attributes(grant), revision: 1, dueShard: shard, dueAt: dayAgo } });
  await table.write({ put: { ...keys.use(id), smtp: dayAgo } });

  const wish = {
    clientId,
    clientSecret,
    place: '192.0.2.1',
    slot: 'scan',
    audience: 'smtp',
    minTtlSeconds: 600,
  } as const;
  for (let minute = 0; minute < days * MINUTES_OF_DAY; minute++) {
    await sweep();
    for (let second = 0; second < 60; second++, now++) {
      for (const work of bySecond[second]?.splice(0) ?? []) await maintainGrant(work);
      if (uses.has(now)) assert.ok((await devices.fetchToken(wish)).ok);
    }
  }
  return calls;
};
