import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLive } from '../../../shared/domain/grant.ts';
import type { GrantWork } from '../../../shared/usecases/grants/sweep-grants.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { startFleet, type Used, type Worker } from './fleet.ts';
import type { Weather } from './unreliable.ts';

/** How long the faults last; SOAK_SECONDS says otherwise, up to two minutes. */
const SOAK_SECONDS = Math.min(Number(process.env.SOAK_SECONDS ?? 15), 100);
const SEED = process.env.SOAK_SEED ?? String(randomInt(1_000_000));
/** However slow the machine, so many rounds are worth the name. */
const FEWEST_ROUNDS = 5;
const MAILBOXES = 50;
const FETCHES_A_ROUND = 60;

/** A token lives an hour, and is renewed in its last 25 minutes, or a moment of the ten before: no earlier than this. */
const EARLIEST_RENEWAL_SECONDS = 2100;
/** The longest back-off of one grant. */
const LONGEST_WAIT_SECONDS = 1900;

/** What a device may be told while things go wrong, and come back. */
const PASSING = ['provider_unavailable', 'vault_unavailable'];

/** Faults that a process answers with HTTP 500 or leaves a message for: the table is throttled beyond the client's retries. */
const isThrottle = (error: unknown): boolean =>
  error instanceof Error &&
  /ProvisionedThroughput|TransactionCanceled|Throttl|socket hang up|ECONNRESET/.test(`${error.name} ${error.message}`);

type Fleet = Awaited<ReturnType<typeof startFleet>>;

const makeTally = () => ({ rounds: 0, fetched: 0, waits: 0, thrown: 0, unexpected: [] as string[], skippedSeconds: 0 });
type Tally = ReturnType<typeof makeTally>;

const attempt = async (tally: Tally, work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    tally.thrown++;
    if (!isThrottle(error)) tally.unexpected.push(String(error));
  }
};

const fetchOne = async ({ fetchToken }: Worker, { device, mailbox }: Used, tally: Tally): Promise<void> => {
  const result = await fetchToken({ ...device, slot: 'scan', audience: 'smtp', minTtlSeconds: 600 });
  if (result.ok) {
    tally.fetched++;
    if (result.value.account !== mailbox.address) tally.unexpected.push('a token of another mailbox');
    return;
  }
  tally.waits++;
  if (!PASSING.includes(result.error.kind)) tally.unexpected.push(JSON.stringify(result.error));
};

/** Empties the queue as far as it can; what throws stays in it. */
const work = async ({ queue, maintainGrant }: Worker, tally: Tally): Promise<void> => {
  for (;;) {
    const messages = await queue.receive({ limit: 10, waitSeconds: 0 });
    if (messages.length === 0) return;
    const handle = (message: (typeof messages)[number]) =>
      attempt(tally, async () => {
        await maintainGrant(JSON.parse(message.body) as GrantWork);
        await queue.done(message);
      });
    await Promise.all(messages.map(handle));
  }
};

/** Half an hour goes by; then all sweep, all work, and devices fetch, at once. */
const playRound = async ({ workers, fleet, skip }: Fleet, { random }: Weather, tally: Tally, seconds: number) => {
  skip(seconds);
  tally.skippedSeconds += seconds;
  tally.rounds++;
  const one = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random.fraction() * values.length)] as Value;
  const fetches = Array.from({ length: FETCHES_A_ROUND }, async () => {
    await sleep(random.fraction() * 400);
    await attempt(tally, () => fetchOne(one(workers), one(fleet), tally));
  });
  const rounds = workers.map(async (worker) => {
    await attempt(tally, async () => void (await worker.sweepGrants()));
    await work(worker, tally);
  });
  await Promise.all([...fetches, ...rounds]);
};

it('a fleet in use loses no grant to throttles, stale and repeated work, and a provider that fails in every way', async (t) => {
  const weather: Weather = { bad: false, random: seededRandom(SEED) };
  t.diagnostic(`SOAK_SEED=${SEED}`);
  const soak = await startFleet(weather, { mailboxes: MAILBOXES, workers: 3 });
  t.after(() => soak.close());
  const tally = makeTally();
  const endAt = Date.now() + SOAK_SECONDS * 1000;

  weather.bad = true;
  while (Date.now() < endAt || tally.rounds < FEWEST_ROUNDS) {
    // Every fourth round the provider is down altogether.
    soak.provider.setDown(tally.rounds % 4 === 2);
    await playRound(soak, weather, tally, 1200 + Math.floor(weather.random.fraction() * 600));
  }
  const { calls, successes, faults } = soak.provider.figures();
  weather.bad = false;
  soak.provider.setDown(false);
  const fair = makeTally();
  // Messages that a process left come back after a second.
  for (let round = 0; round < 3; round++) {
    await sleep(1100);
    await playRound(soak, weather, fair, LONGEST_WAIT_SECONDS);
  }
  const figures = { calls, successes, faults, ...tally, kinds: Object.fromEntries(soak.faults) };
  t.diagnostic(JSON.stringify(figures));

  // On a machine so slow that a call ran out of time while the server did what it asked, its grant is lost, and said so.
  const { lost } = soak.provider.figures();
  const unexpected = tally.unexpected.filter((one) => lost.length === 0 || !one.includes('sign_in_lapsed'));
  assert.deepEqual(unexpected, []);
  for (const kind of ['stale index', 'message twice', 'done forgotten', 'table throttled', 'vault throttled']) {
    assert.ok((soak.faults.get(kind) ?? 0) > 0, `${kind} never happened`);
  }

  // Each was renewed when it was time, and again where a process could not write down what it had got.
  const renewals = 1 + Math.ceil(tally.skippedSeconds / EARLIEST_RENEWAL_SECONDS);
  assert.ok(successes <= MAILBOXES * (1 + renewals) + tally.thrown, `${successes} of at most ${MAILBOXES * renewals}`);
  // An outage and faults cost less than one call for each grant and round.
  assert.ok(faults <= MAILBOXES * tally.rounds, `${faults} calls failed`);

  assert.equal(fair.thrown, 0);
  const alive: Used[] = [];
  for (const { mailbox, device } of soak.fleet) {
    const { grant } = await soak.first.records.grants.get(mailbox.id);
    if (grant.state === 'invalid' && lost.length > 0) continue;
    alive.push({ mailbox, device });
    assert.ok(isLive(grant) && grant.trouble === undefined, JSON.stringify(grant));
    const fetched = await soak.first.fetchToken({ ...device, slot: 'scan', audience: 'smtp', minTtlSeconds: 600 });
    assert.ok(fetched.ok, JSON.stringify(fetched));
  }
  assert.ok(alive.length >= MAILBOXES - lost.length);
  if (lost.length === 0) assert.deepEqual(fair.unexpected, []);
  // What rests in the vault is what the provider will take.
  soak.skip(4000);
  const before = soak.provider.figures();
  const refreshed = await Promise.all(
    alive.map(({ mailbox }) => {
      const askedAt = soak.clock.now() / 1000;
      return soak.first.refreshGrant({ mailboxId: mailbox.id, audience: 'smtp', minTtlSeconds: 600, askedAt });
    }),
  );
  assert.deepEqual(refreshed, Array(alive.length).fill({ outcome: 'fresh' }));
  const after = soak.provider.figures();
  assert.deepEqual([after.calls - before.calls, after.successes - before.successes], [alive.length, alive.length]);
  assert.deepEqual(
    after.reused.filter((token) => !lost.includes(token)),
    [],
  );
  assert.equal((await soak.first.queue.depth()).dead, 0);
  const ended = soak.workers.flatMap(({ log }) => log.of('grant.invalid'));
  assert.equal(ended.length, MAILBOXES - alive.length);
});
