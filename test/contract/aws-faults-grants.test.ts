import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isPassingFault } from '../../shared/adapters/vaults/passing-fault.ts';
import { passesByItself } from '../../shared/domain/errors.ts';
import type { Audience } from '../../shared/domain/provider.ts';
import type { AwsFault, FaultRule } from '../fakes/aws-faults/rules.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import {
  accountOf,
  callbackOf,
  depart,
  type Office,
  openOffice,
  type Process,
  tokenRequest,
  value,
} from '../unit/support.ts';
import { type Emulators, type FaultyCloud, openFaultyCloud, startEmulators } from './faulty-cloud.ts';

/** More of them, or one again: `AWS_FAULT_RUNS=200`, `AWS_FAULT_SEED=…` as a failure names it. */
const RUNS = Number(process.env.AWS_FAULT_RUNS ?? 3);
const SEED = process.env.AWS_FAULT_SEED;

const ofAttempts = (fault: AwsFault, chance: number): FaultRule => ({ fault, chance });
const ofCalls = (fault: AwsFault, chance: number, ...operation: readonly string[]): FaultRule => ({
  ...{ fault, chance, level: 'call' },
  ...(operation.length > 0 && { operation }),
});

/** A bad day: every tenth request meets something, and a few calls fail for good. */
const BAD_DAY: readonly FaultRule[] = [
  ofAttempts('throttle', 0.05),
  ofAttempts('time_out_before', 0.02),
  ofAttempts('time_out_after', 0.05),
  ofAttempts('twice', 0.03),
  ofAttempts('slow', 0.05),
  ofCalls('throttle', 0.01),
  ofCalls('time_out_after', 0.015),
  ofCalls('twice', 0.3, 'ReceiveMessage'),
  ofCalls('stale', 0.5, 'GetSecretValue'),
  // Of items only where a consistent read was not asked for, and the broker always asks for it.
  ofCalls('stale', 0.4, 'Query', 'GetItem', 'BatchGetItem'),
];

const familyOf = (refreshToken: string): string => /family-(\d+)-/.exec(refreshToken)?.[1] ?? '';

/** Sees what the provider is asked, and knows what became of each refresh token. */
const watchProvider = ({ world }: FaultyCloud, { hasArrived }: Emulators) => {
  const provider = world.microsoft;
  const violations: string[] = [];
  const successors = new Map<string, string>();
  const underWay = new Set<string>();
  /** Sign-ins of which a token was lost with nobody having written it down (ADR 5): no more is expected of them. */
  const lost = new Set<string>();
  const { refresh } = provider;
  provider.refresh = async (request) => {
    const { refreshToken } = request;
    const family = familyOf(refreshToken);
    if (underWay.has(family)) violations.push(`two calls at once for sign-in ${family}`);
    const successor = successors.get(refreshToken);
    if (successor !== undefined && hasArrived(successor)) violations.push(`${refreshToken} again, after ${successor}`);
    if (successor !== undefined) lost.add(family);
    underWay.add(family);
    const reply = await refresh(request).finally(() => underWay.delete(family));
    if (reply.ok && reply.value.refreshToken) successors.set(refreshToken, reply.value.refreshToken);
    return reply;
  };
  return { violations, lost, isRetired: (refreshToken: string): boolean => successors.has(refreshToken) };
};

const signedIn = async (cloud: FaultyCloud, address: string): Promise<Office> => {
  const office = await openOffice(cloud.calm, { address });
  const departed = await depart(cloud.calm, office.mailbox);
  const { state, code } = cloud.world.microsoft.login(departed.authorizationUrl, { account: accountOf(address) });
  value(await cloud.calm.completeSignIn(callbackOf(departed, { state, code })));
  return office;
};

interface Wish {
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** What a device gets is its own mailbox's and lives; or it is told to come again. */
const fetchAndCheck = async (cloud: FaultyCloud, by: Process, office: Office, wish: Wish, violations: string[]) => {
  const result = await by.fetchToken(tokenRequest(office.credential, wish)).catch((error: unknown) => {
    if (!isPassingFault(error)) violations.push(`a device was told of a bug: ${error}`);
    return undefined;
  });
  if (result === undefined) return;
  if (!result.ok) {
    const { error } = result;
    if (!passesByItself(error)) violations.push(`a device was told ${JSON.stringify(error)}`);
    return;
  }
  const issued = cloud.world.microsoft.issued.find((one) => one.accessToken === result.value.accessToken);
  if (issued?.subject !== accountOf(office.mailbox.address).subject) violations.push("another mailbox's token");
  if (issued?.audience !== wish.audience) violations.push('a token of another audience');
  if ((issued?.expiresAt ?? 0) * 1000 <= cloud.clock.now()) violations.push('a token that had run out');
};

/** Works through the queue as Lambda does: what fails stays there. */
const workGrants = async (by: Process): Promise<void> => {
  const messages = await by.grantQueue.receive({ limit: 10, waitSeconds: 0 });
  for (const message of messages) {
    await by.maintainGrant(JSON.parse(message.body));
    await by.grantQueue.done(message);
  }
};

const passing = async (work: Promise<unknown>, violations: string[]): Promise<void> => {
  await work.catch((error: unknown) => {
    if (!isPassingFault(error)) violations.push(`thrown: ${error instanceof Error ? error.stack : error}`);
  });
};

const PAUSES_SECONDS = [0.5, 2, 40, 700, 2800, 3700, 90_000];

const play = async (emulators: Emulators, seed: string) => {
  const { fraction } = seededRandom(seed);
  const oneOf = <Value>(values: readonly Value[]): Value => values[Math.floor(fraction() * values.length)] as Value;
  const cloud = await openFaultyCloud(emulators, { seed, late: 'all' });
  const { clock, world, faults, calm } = cloud;
  const { violations, lost, isRetired } = watchProvider(cloud, emulators);
  world.microsoft.latencyMs = 300;
  const offices = await clock.drive(
    Promise.all(['scan@contoso.example', 'fax@contoso.example'].map((address) => signedIn(cloud, address))),
  );
  const processes = [cloud.start(), cloud.start(), cloud.start()];

  const event = async (): Promise<void> => {
    await clock.sleep(fraction() * 1500);
    const by = oneOf(processes);
    const office = oneOf(offices);
    const wish = { audience: oneOf(['smtp', 'smtp', 'imap'] as const), minTtlSeconds: oneOf([30, 600, 3500]) };
    const act = oneOf(['fetch', 'fetch', 'fetch', 'sweep', 'maintain']);
    if (act === 'fetch') await fetchAndCheck(cloud, by, office, wish, violations);
    else if (act === 'sweep')
      await passing(
        by.sweepGrants().then(() => workGrants(by)),
        violations,
      );
    else await passing(by.maintainGrant({ mailboxId: office.mailbox.id }), violations);
  };

  faults.add(...BAD_DAY);
  for (let scene = 0; scene < 4; scene++) {
    await clock.drive(clock.sleep(oneOf(PAUSES_SECONDS) * 1000));
    await clock.drive(Promise.all(Array.from({ length: 6 }, event)));
  }
  faults.stop();

  await clock.drive(clock.sleep(2_000_000));
  for (const { mailbox, credential } of offices) {
    const stored = await clock.drive(calm.vault.read(mailbox.id));
    const { refreshToken = '' } = stored ?? {};
    if (lost.has(familyOf(refreshToken))) continue;
    const result = await clock.drive(calm.fetchToken(tokenRequest(credential, { minTtlSeconds: 3500 })));
    if (lost.has(familyOf(refreshToken))) continue;
    if (!result.ok) violations.push(`in the end: ${JSON.stringify(result.error)}`);
    if (isRetired((await clock.drive(calm.vault.read(mailbox.id)))?.refreshToken ?? ''))
      violations.push('the vault holds a token that was used up');
  }
  cloud.close();
  return { violations, lost: lost.size, calls: world.microsoft.refreshCalls, strikes: faults.strikes };
};

describe('grants in AWS that throttles, repeats, times out and reads stale', () => {
  let emulators: Emulators;
  before(async () => {
    emulators = await startEmulators();
  });
  after(() => emulators.close());

  it('keep the rules of refreshing', async (t) => {
    const figures = { runs: 0, calls: 0, strikes: 0, stale: 0, lost: 0 };
    const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, run) => `grants ${run}`) : [SEED];
    for (const seed of seeds) {
      const { violations, lost, calls, strikes } = await play(emulators, seed);
      assert.deepEqual(violations, [], `seed "${seed}"`);
      figures.runs++;
      figures.calls += calls;
      figures.strikes += strikes.length;
      figures.stale += strikes.filter(({ fault }) => fault === 'stale').length;
      figures.lost += lost;
    }
    t.diagnostic(JSON.stringify(figures));
    assert.ok(figures.strikes > 10 * figures.runs);
  });

  it('know a store for one whose second answer was lost, though the vault is late with it', async () => {
    const cloud = await openFaultyCloud(emulators, { seed: 'late store', late: 'all' });
    const { clock, faults } = cloud;
    const { vault } = cloud.start();
    const stored = (refreshToken: string) => ({ refreshToken, storedAt: 1 });
    const first = await clock.drive(vault.store('g', stored('first'), 'absent'));
    assert.ok(first.outcome === 'stored');
    await clock.drive(clock.sleep(3000));
    faults.add(
      { fault: 'time_out_after', operation: 'UpdateSecretVersionStage', at: [1] },
      { fault: 'stale', level: 'call', operation: 'GetSecretValue' },
    );
    await assert.rejects(clock.drive(vault.store('g', stored('second'), first.version)), { reason: 'busy' });
    faults.stop();
    const again = await clock.drive(vault.store('g', stored('second'), first.version));
    assert.equal(again.outcome, 'stored');
    assert.equal((await clock.drive(vault.read('g')))?.refreshToken, 'second');
    cloud.close();
  });
});
