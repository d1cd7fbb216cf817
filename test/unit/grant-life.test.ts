import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { isLive } from '../../shared/domain/grant.ts';
import type { Audience } from '../../shared/domain/provider.ts';
import { dueShards } from '../../shared/domain/timing.ts';
import { makeFuse } from '../fakes/fuse.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  makeWorld,
  now,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  value,
} from './support.ts';

const ANSWERS = {
  well: undefined,
  unavailable: unavailable(),
  busy: unavailable(400),
  registration: REGISTRATION_REFUSED,
};

type Step =
  | { readonly do: 'fetch'; readonly audience: Audience; readonly minTtlSeconds: number }
  | { readonly do: 'storm' | 'refresh' | 'sweep' | 'sign in' | 'sign out' | 'provider ends it' | 'restart' }
  | { readonly do: 'provider answers'; readonly with: keyof typeof ANSWERS }
  | { readonly do: 'time passes'; readonly seconds: number }
  | { readonly do: 'organization'; readonly enabled: boolean }
  | {
      readonly do: 'die';
      readonly at: number;
      readonly moment: 'before' | 'after';
      readonly in: 'fetch' | 'sweep' | 'sign in' | 'sign out';
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('fetch'),
      audience: fc.constantFrom('smtp', 'imap'),
      minTtlSeconds: fc.constantFrom(1, 600, 3000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('storm', 'refresh', 'sweep', 'sign in', 'restart') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('sign out', 'provider ends it') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('provider answers'),
      with: fc.constantFrom('well', 'unavailable', 'busy', 'registration'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('time passes'),
      seconds: fc.constantFrom(1, 61, 700, 1900, 2800, 3601, 90_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('organization'), enabled: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('die'),
      at: fc.integer({ min: 1, max: 8 }),
      moment: fc.constantFrom('before', 'after'),
      in: fc.constantFrom('fetch', 'sweep', 'sign in', 'sign out'),
    }),
  },
);

/** One mailbox and what may be known of it from outside. */
const makeLife = async () => {
  const world = makeWorld();
  // As Microsoft does: else a death between the provider's answer and the vault would rightly end the grant.
  world.microsoft.rotation = 'lenient';
  const { process: first, ...office } = await signedInOffice(world);
  return { world, office, process: first, endedByProvider: false };
};

type Life = Awaited<ReturnType<typeof makeLife>>;

const grantOf = async ({ process, office }: Life) => process.records.grants.get(office.mailbox.id);

const sweep = async (by: Process): Promise<void> => {
  await by.sweepGrants();
  await by.workGrants();
};

const act = async (life: Life, by: Process, what: 'fetch' | 'sweep' | 'sign in' | 'sign out', request = {}) => {
  const { world, office } = life;
  switch (what) {
    case 'fetch':
      return checkFetch(life, await settle(world, by.fetchToken(tokenRequest(office.credential, request))));
    case 'sweep':
      return settle(world, sweep(by));
    case 'sign in': {
      const organization = await life.process.records.organizations.get(office.organization.id);
      // Nobody gets as far as the provider for a disabled one.
      return organization?.enabled ? settle(world, signIn(world, by, office.mailbox)) : undefined;
    }
    case 'sign out':
      return settle(world, by.administration.mailboxes.signOut(office.mailbox.id));
  }
};

/** What a device gets was issued for this mailbox, for this audience, and is alive. */
const checkFetch = ({ world }: Life, result: Awaited<ReturnType<Process['fetchToken']>>): void => {
  if (!result.ok) return;
  const { accessToken, audience, expiresInSeconds } = result.value;
  const issued = world.microsoft.issued.find((one) => one.accessToken === accessToken);
  assert.equal(issued?.audience, audience);
  // Of a storm's fetches the first may have waited for the last.
  assert.ok(Math.abs((issued?.expiresAt ?? 0) - now(world) - expiresInSeconds) <= 60, 'told how long it lives');
  assert.ok(expiresInSeconds > 0);
};

const perform = async (life: Life, one: Step): Promise<void> => {
  const { world, office, process } = life;
  switch (one.do) {
    case 'fetch':
      await act(life, process, 'fetch', { audience: one.audience, minTtlSeconds: one.minTtlSeconds });
      return;
    case 'sweep':
    case 'sign in':
    case 'sign out':
      await act(life, process, one.do);
      return;
    case 'storm': {
      world.microsoft.latencyMs = 300;
      const processes = [process, startProcess(world), startProcess(world)];
      const fetches = processes.flatMap((by) => [0, 1].map(() => by.fetchToken(tokenRequest(office.credential))));
      for (const result of await settle(world, Promise.all(fetches))) checkFetch(life, result);
      world.microsoft.latencyMs = 0;
      return;
    }
    case 'refresh':
      await settle(world, process.administration.mailboxes.refresh(office.mailbox.id));
      return;
    case 'restart':
      life.process = startProcess(world);
      return;
    case 'provider ends it':
      world.microsoft.revoke(`subject-of-${office.mailbox.address}`);
      life.endedByProvider = true;
      return;
    case 'provider answers':
      world.microsoft.failAlways(ANSWERS[one.with]);
      return;
    case 'time passes':
      return advanceSeconds(world, one.seconds);
    case 'organization':
      value(await process.administration.organizations.update(office.organization.id, { enabled: one.enabled }));
      return;
    case 'die': {
      const fuse = makeFuse(one.at, one.moment);
      await act(life, startProcess(world, { fuse }), one.in).catch((error: unknown) => {
        if (!fuse.blown) throw error;
      });
    }
  }
};

/** Whether the provider may be asked, as far as the table tells. */
const mayAsk = async (life: Life): Promise<boolean> => {
  const { grant } = await grantOf(life);
  return isLive(grant) && (grant.trouble?.retryAt ?? 0) <= now(life.world);
};

const checkAfter = async (life: Life): Promise<void> => {
  const { world } = life;
  const { grant } = await grantOf(life);
  if (grant.state === 'invalid') assert.ok(life.endedByProvider, 'only the clear word of the provider ends a grant');
  assert.ok(world.microsoft.mostAtOnce <= 1, 'one refresh at a time');
};

const dueEntries = async ({ world, office }: Life) => {
  const lists = await Promise.all(
    dueShards('grant-microsoft').map((shard) => world.table.due(shard, Number.MAX_SAFE_INTEGER, 1000)),
  );
  return lists.flat().filter(({ pk }) => pk === `mailbox#${office.mailbox.id}`);
};

/** However it went: after the next sweeps every live grant has one due entry, ahead of now, and others have none. */
const checkDueIndex = async (life: Life): Promise<void> => {
  const { world } = life;
  life.process = startProcess(world);
  // Twice: what a worker could not do for a lease still held, or a token just issued, it does at the next.
  for (let time = 0; time < 2; time++) {
    await advanceSeconds(world, 61);
    await settle(world, sweep(life.process));
  }
  const { grant } = await grantOf(life);
  const entries = await dueEntries(life);
  if (!isLive(grant)) return assert.deepEqual(entries, []);
  assert.equal(entries.length, 1);
  // While the provider is spared nothing is queued, and what is due stays so.
  const { coolDown } = await life.process.records.coolDowns.get({ provider: 'microsoft' });
  if (coolDown !== undefined && coolDown.until > 0) return;
  const dueAt = entries[0]?.dueAt ?? 0;
  assert.ok(dueAt > now(world) && dueAt <= now(world) + 36 * 3600, `due in ${dueAt - now(world)} s`);
};

/** Once the provider answers, a live grant gives a token, whatever befell the processes. */
const checkUsable = async (life: Life): Promise<void> => {
  const { world, office } = life;
  world.microsoft.failAlways(undefined);
  value(await life.process.administration.organizations.update(office.organization.id, { enabled: true }));
  await advanceSeconds(world, 4000);
  const { grant } = await grantOf(life);
  const result = await settle(world, life.process.fetchToken(tokenRequest(office.credential)));
  if (!result.ok) assert.ok(!isLive(grant) || life.endedByProvider, JSON.stringify(result.error));
  assert.equal(value(await settle(world, signIn(world, life.process, office.mailbox))).tokenStatus, 'acquired');
};

it('keeps a grant usable, alone and on time through any course of events', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const life = await makeLife();
      for (const one of steps) {
        const calls = life.world.microsoft.refreshCalls;
        const allowed =
          (await mayAsk(life)) || ['sign in', 'refresh'].includes(one.do) || (one.do === 'die' && one.in === 'sign in');
        const startedAt = now(life.world);
        await perform(life, one);
        const tookSeconds = now(life.world) - startedAt;
        // A step that waits may see the end of the back-off, so only one that took no time is told by its beginning.
        if (!allowed && tookSeconds === 0)
          assert.equal(life.world.microsoft.refreshCalls, calls, 'asked during the back-off');
        await checkAfter(life);
      }
      await checkDueIndex(life);
      await checkUsable(life);
    }),
    { numRuns: 200 },
  );
});
