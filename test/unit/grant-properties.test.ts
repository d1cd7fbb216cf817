import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { type Grant, generationOf, isLive } from '../../shared/domain/grant.ts';
import { AUDIENCES, type Audience } from '../../shared/domain/provider.ts';
import type { Table } from '../../shared/ports/table.ts';
import { Crash, type Fuse, makeFuse } from '../fakes/fuse.ts';
import { makeGate } from '../fakes/gate.ts';
import { type Rotation, scriptedProvider, unavailable } from '../fakes/scripted-provider.ts';
import { seededRandom } from '../fakes/seeded-random.ts';
import { type StepClock, stepClock } from '../fakes/step-clock.ts';
import {
  advanceSeconds,
  makeWorld,
  meanwhile,
  now,
  type Office,
  openOffice,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';
import { makeWitness, type Witness } from './witness.ts';

const ANSWERS = {
  fault: unavailable(),
  busy: unavailable(20),
  busy_for_long: unavailable(400),
  lost: 'lost',
} as const;

type Act =
  | { readonly do: 'fetch'; readonly audience: Audience; readonly minTtlSeconds: number }
  | { readonly do: 'storm' | 'sweep' | 'message' | 'person refreshes' | 'sign in' | 'sign out' };

/** Something that happens on one of the processes, or in one that dies at its nth write. */
interface Event {
  readonly atMs: number;
  readonly process: number;
  readonly act: Act;
  readonly dies?: { readonly at: number; readonly moment: 'before' | 'after' } | undefined;
}

/** Time passes, the provider is in some mood, and then several things happen at once. */
interface Scene {
  readonly passSeconds: number;
  readonly latencyMs: number;
  readonly answers: readonly (keyof typeof ANSWERS)[];
  readonly revoked: boolean;
  readonly events: readonly Event[];
}

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fetch'),
      audience: fc.constantFrom('smtp', 'imap'),
      // No less than the slowest way to the device takes.
      minTtlSeconds: fc.constantFrom(30, 600, 3000),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('storm', 'sweep', 'message', 'person refreshes') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('sign in', 'sign in', 'sign in', 'sign out') }) },
);

const event: fc.Arbitrary<Event> = fc.record({
  atMs: fc.nat(600),
  process: fc.nat(2),
  act,
  dies: fc.option(fc.record({ at: fc.integer({ min: 1, max: 9 }), moment: fc.constantFrom('before', 'after') }), {
    nil: undefined,
    freq: 3,
  }),
});

const at = (atMs: fc.Arbitrary<number>, what: Act) => fc.record({ atMs, process: fc.nat(2), act: fc.constant(what) });

/** A sign-in takes about a second; a sign-out may meet any of its steps. */
const changesOfMind: fc.Arbitrary<readonly Event[]> = fc.tuple(
  at(fc.constant(0), { do: 'sign in' }),
  at(fc.nat(1500), { do: 'sign out' }),
  event,
);

const scene: fc.Arbitrary<Scene> = fc.record({
  passSeconds: fc.constantFrom(0, 3, 61, 700, 2800, 3601, 3601, 90_000),
  latencyMs: fc.constantFrom(0, 300, 3000),
  answers: fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    { weight: 3, arbitrary: fc.array(fc.constantFrom('fault', 'fault', 'busy', 'busy_for_long'), { maxLength: 7 }) },
    { weight: 1, arbitrary: fc.constant(['lost'] as const) },
  ),
  revoked: fc.oneof({ weight: 14, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  events: fc.oneof(
    { weight: 4, arbitrary: fc.array(event, { minLength: 1, maxLength: 5 }) },
    { weight: 1, arbitrary: changesOfMind },
  ),
});

const SUBJECT = 'subject-of-scan@contoso.example';

/** The table at a distance: every request and every answer takes its time, in some processes a long one. */
const distantTable = (table: Table, clock: StepClock, seed: string): Table => {
  const random = seededRandom(seed);
  // So slow that others do all their work between two steps, and so quick that a sign-out keeps within its lease.
  const mostMs = random.fraction() < 0.25 ? 400 : 25;
  const travel = () => clock.sleep(Math.ceil(random.fraction() * mostMs));
  const trip = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    await travel();
    const value = await work();
    await travel();
    return value;
  };
  return {
    get: (key) => trip(() => table.get(key)),
    getMany: (keys) => trip(() => table.getMany(keys)),
    write: (one) => trip(() => table.write(one)),
    writeAll: (all) => trip(() => table.writeAll(all)),
    query: (pk, options) => trip(() => table.query(pk, options)),
    due: (shard, until, limit) => table.due(shard, until, limit),
  };
};

const worldOn = (clock: StepClock, rotation: Rotation): World => {
  const made = makeWorld();
  const queueOptions = { name: 'grants', fifo: false, visibilitySeconds: 900, maxReceives: 100, clock };
  const microsoft = scriptedProvider('microsoft', clock);
  microsoft.rotation = rotation;
  const google = scriptedProvider('google', clock);
  return { ...made, clock, microsoft, google, grantQueue: sqliteWorkQueue(made.database, queueOptions) };
};

interface Change {
  readonly what: 'sign in' | 'sign out';
  readonly began: number;
  readonly ended: number;
  readonly outcome: 'done' | 'not done' | 'died';
}

interface Life {
  readonly clock: StepClock;
  readonly world: World;
  readonly witness: Witness;
  readonly office: Office;
  readonly processes: readonly Process[];
  readonly changes: Change[];
  start(fuse?: Fuse): Process;
}

const beginLife = async (rotation: Rotation, seed: number): Promise<Life> => {
  const clock = stepClock();
  const world = worldOn(clock, rotation);
  const setUp = startProcess(world);
  const office = await openOffice(setUp);
  const witness = makeWitness(world, office.mailbox.id);
  let started = 0;
  const start = (fuse?: Fuse): Process => {
    started++;
    const table = distantTable(witness.table(world.table), clock, `${seed} ${started}`);
    const seen: World = { ...world, microsoft: witness.providerFor(fuse), processes: seed + started };
    return startProcess(seen, { table, ...(fuse ? { fuse } : {}) });
  };
  const processes = [start(), start(), start()];
  const life = { clock, world, witness, office, processes, changes: [], start };
  const signedIn = await clock.drive(signIn(world, processes[0] as Process, office.mailbox));
  assert.ok(signedIn.ok);
  return life;
};

/** What a device gets is of the sign-in that stood when it asked, or of a later one. */
const fetchAndCheck = async ({ witness, office }: Life, by: Process, wish: object): Promise<void> => {
  const before = await witness.grantNow();
  const result = await by.fetchToken(tokenRequest(office.credential, wish));
  if (!result.ok) return;
  const { accessToken, expiresInSeconds } = result.value;
  const since = generationOf(before) + (before.state === 'signed_out' ? 1 : 0);
  if (!witness.isOfSignInSince(accessToken, since)) witness.violations.push(`served ${accessToken} since ${since}`);
  if (expiresInSeconds <= 0) witness.violations.push('served a token that had run out');
};

const change = async (life: Life, what: Change['what'], by: Process): Promise<void> => {
  const { world, office, clock, changes } = life;
  const began = clock.now();
  let outcome: Change['outcome'] = 'died';
  try {
    const { mailbox } = office;
    const result =
      what === 'sign in' ? await signIn(world, by, mailbox) : await by.administration.mailboxes.signOut(mailbox.id);
    outcome = result.ok ? 'done' : 'not done';
  } finally {
    changes.push({ what, began, ended: clock.now(), outcome });
  }
};

const perform = async (life: Life, by: Process, one: Act): Promise<void> => {
  const { mailbox } = life.office;
  switch (one.do) {
    case 'fetch':
      return fetchAndCheck(life, by, { audience: one.audience, minTtlSeconds: one.minTtlSeconds });
    case 'storm':
      await Promise.all([1, 2, 3].map(() => fetchAndCheck(life, by, {})));
      return;
    case 'sweep':
      await by.sweepGrants();
      return by.workGrants();
    case 'message':
      return by.maintainGrant({ mailboxId: mailbox.id });
    case 'person refreshes':
      await by.administration.mailboxes.refresh(mailbox.id);
      return;
    case 'sign in':
    case 'sign out':
      return change(life, one.do, by);
  }
};

const happen = async (life: Life, { atMs, process, act: one, dies }: Event): Promise<void> => {
  await life.clock.sleep(atMs);
  if (dies === undefined) return perform(life, life.processes[process] as Process, one);
  const fuse = makeFuse(dies.at, dies.moment);
  await perform(life, life.start(fuse), one).catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
};

const play = async (life: Life, { passSeconds, latencyMs, answers, revoked, events }: Scene) => {
  const { clock, world, witness } = life;
  await clock.advance(passSeconds * 1000);
  world.microsoft.latencyMs = latencyMs;
  witness.setMood(answers.map((answer) => ANSWERS[answer]));
  if (revoked) witness.revoke(SUBJECT, world.microsoft.redeemCalls);
  await clock.drive(Promise.all(events.map((one) => happen(life, one))));
};

/** All faults are over, and as much time passes as the longest wait takes. */
const settleDown = async ({ clock, world, witness, start }: Life): Promise<void> => {
  world.microsoft.latencyMs = 0;
  witness.setMood([]);
  for (let sweep = 0; sweep < 10; sweep++) {
    await clock.advance(601_000);
    const process = start();
    await clock.drive(process.sweepGrants().then(() => process.workGrants()));
  }
};

/** Of a sign-in and a sign-out that came after it, or before it, the later one counts. */
const checkLastWord = ({ changes }: Life, grant: Grant): void => {
  const outs = changes.filter(({ what, outcome }) => what === 'sign out' && outcome !== 'not done');
  const ins = changes.filter(({ what }) => what === 'sign in');
  const isLast = ({ began }: Change, others: readonly Change[]) => others.every(({ ended }) => ended < began);
  if (ins.some((one) => one.outcome === 'done' && isLast(one, outs))) assert.notEqual(grant.state, 'signed_out');
  if (outs.some((one) => one.outcome === 'done' && isLast(one, ins))) assert.equal(grant.state, 'signed_out');
};

const checkSignedOut = async ({ witness, world, office, changes, start, clock }: Life): Promise<void> => {
  const { id } = office.mailbox;
  // Where a process died at it, somebody repeats it.
  if (changes.some(({ outcome }) => outcome === 'died')) {
    assert.ok((await clock.drive(start().administration.mailboxes.signOut(id))).ok);
  }
  assert.equal(await witness.vault.read(id), undefined, 'a refresh token was left behind');
  const keys = AUDIENCES.map((audience) => ({ pk: `mailbox#${id}`, sk: `token#${audience}` }));
  assert.deepEqual(await world.table.getMany(keys), Array(keys.length).fill(undefined), 'an access token was left');
};

const checkSignedIn = async ({ witness, office, start, clock }: Life, grant: Grant): Promise<void> => {
  const stored = await witness.vault.read(office.mailbox.id);
  assert.ok(stored, `the vault is empty, and the grant is ${grant.state}`);
  assert.ok(witness.familiesOf(generationOf(grant)).includes(witness.familyOf(stored.refreshToken)));
  const result = await clock.drive(start().fetchToken(tokenRequest(office.credential, { minTtlSeconds: 3600 })));
  // Only the provider ends it, or the one window. A sign-in that died half-way may have left a token that works.
  if (!result.ok && (witness.isDead(stored.refreshToken) || witness.hasEnded(generationOf(grant)))) return;
  assert.ok(isLive(grant), `${grant.state}, though the provider would have it`);
  assert.ok(result.ok, JSON.stringify(result));
};

const figures = { runs: 0, calls: 0, windowHits: 0, signedOut: 0, ended: 0 };

it('keeps its rules in any interleaving of fetches, refreshes, sign-ins, sign-outs, crashes and answers', async (t) => {
  const rotation = fc.constantFrom<Rotation>('strict', 'strict', 'lenient', 'none');
  const scenes = fc.array(scene, { minLength: 1, maxLength: 7 });
  await fc.assert(
    fc.asyncProperty(rotation, scenes, fc.nat(1_000_000), async (how, played, seed) => {
      const life = await beginLife(how, seed);
      for (const one of played) await play(life, one);
      await settleDown(life);
      const { witness, world } = life;
      assert.deepEqual(witness.violations, []);
      const grant = await witness.grantNow();
      checkLastWord(life, grant);
      if (grant.state === 'signed_out') await checkSignedOut(life);
      else await checkSignedIn(life, grant);
      assert.deepEqual(witness.violations, []);
      figures.runs++;
      figures.calls += world.microsoft.refreshCalls;
      figures.windowHits += witness.windowHits;
      if (grant.state === 'signed_out') figures.signedOut++;
      if (grant.state === 'invalid') figures.ended++;
    }),
    { numRuns: 300 },
  );
  t.diagnostic(JSON.stringify(figures));
});

it('leaves the token of a new sign-in to that sign-in, also where a refresh lost its lease just before it read it', async () => {
  const world = makeWorld();
  const { process, mailbox } = await signedInOffice(world);
  await advanceSeconds(world, 3601);
  const gate = makeGate();
  const table: Table = {
    ...world.table,
    get: async (key) => {
      if (key.pk.startsWith('vault#')) await gate.pass();
      return world.table.get(key);
    },
  };
  gate.close();
  const wish = { mailboxId: mailbox.id, audience: 'smtp', minTtlSeconds: 600, askedAt: now(world) } as const;
  const late = startProcess(world, { table }).refreshGrant(wish);
  await meanwhile(world);
  assert.equal(gate.waiting, 1, 'it holds the lease');

  const calls = world.microsoft.refreshCalls;
  world.microsoft.requestGate.close();
  const signingIn = signIn(world, process, mailbox);
  await meanwhile(world);
  assert.equal(world.microsoft.requestGate.waiting, 1, 'the new sign-in proves itself');
  gate.open();
  await meanwhile(world);
  assert.equal(world.microsoft.requestGate.waiting, 1, 'and nobody else uses its token');
  world.microsoft.requestGate.open();
  assert.equal(value(await settle(world, signingIn)).tokenStatus, 'acquired');
  await settle(world, late);
  assert.equal(world.microsoft.refreshCalls - calls, 1);
});
