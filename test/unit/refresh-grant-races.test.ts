import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { RESTORED_AFTER_SECONDS } from '../../shared/domain/timing.ts';
import type { Table } from '../../shared/ports/table.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import { makeGate } from '../fakes/gate.ts';
import { INVALID_GRANT, unavailable } from '../fakes/scripted-provider.ts';
import {
  accountOf,
  advanceSeconds,
  comeBack,
  depart,
  failure,
  makeWorld,
  meanwhile,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

describe('refreshGrant, when others act between two of its steps', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
    await advanceSeconds(world, 3601);
  });

  const refresh = (by = process, changes: Partial<Parameters<Process['refreshGrant']>[0]> = {}) =>
    by.refreshGrant({
      mailboxId: office.mailbox.id,
      audience: 'smtp',
      minTtlSeconds: 600,
      askedAt: now(world),
      ...changes,
    });
  const stateNow = async () => (await process.records.grants.get(office.mailbox.id)).grant.state;
  const cachedToken = async (): Promise<string | undefined> => {
    const { tokens } = await process.records.grants.getWithTokens(office.mailbox.id, ['smtp']);
    const { organizationId, id } = office.mailbox;
    return tokens[0] && process.records.grants.openAccessToken(organizationId, id, 'smtp', tokens[0].sealed);
  };

  it('uses what another brought between its look at the grant and its lease', async () => {
    const callsBefore = world.microsoft.refreshCalls;
    const gate = makeGate();
    const table: Table = {
      ...world.table,
      get: async (key) => {
        if (key.sk === 'lease') await gate.pass();
        return world.table.get(key);
      },
    };
    gate.close();
    const late = refresh(startProcess(world, { table }));
    await meanwhile(world);
    assert.equal(gate.waiting, 1);
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
    gate.open();
    assert.deepEqual(await settle(world, late), { outcome: 'fresh' });
    assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
  });

  it('gives back no lease but its own', async () => {
    world.microsoft.rotation = 'none';
    world.microsoft.answerGate.close();
    const slow = refresh(startProcess(world));
    await meanwhile(world);
    await advanceSeconds(world, 31);
    const quick = refresh(startProcess(world));
    await meanwhile(world);
    const calls = world.microsoft.refreshCalls;

    world.microsoft.answerGate.letOneThrough();
    await meanwhile(world);
    const third = refresh(startProcess(world));
    await meanwhile(world);
    assert.equal(world.microsoft.refreshCalls, calls, 'the lease is still with the quick one');

    world.microsoft.answerGate.open();
    const [late, ...inTime] = await settle(world, Promise.all([slow, quick, third]));
    assert.equal(late.outcome, 'failed');
    assert.deepEqual(inTime, [{ outcome: 'fresh' }, { outcome: 'fresh' }]);
    assert.equal(world.microsoft.refreshCalls, calls);
  });

  it('starts anew where another token came into the vault before its own', async () => {
    world.microsoft.rotation = 'lenient';
    // Where used tokens stay good, the vault is written only when its token has come of age.
    await advanceSeconds(world, RESTORED_AFTER_SECONDS);
    const { id } = office.mailbox;
    const anotherStores = async () => {
      const { refreshToken = '', version = 'absent' } = (await process.vault.read(id)) ?? {};
      const reply = value(await world.microsoft.refresh({ refreshToken, audience: 'smtp' }));
      assert.ok(reply.refreshToken);
      await process.vault.store(id, { refreshToken: reply.refreshToken, storedAt: now(world) }, version);
    };
    let isFirst = true;
    const table: Table = {
      ...world.table,
      write: async (one) => {
        if (isFirst && 'put' in one && one.put.pk === `vault#${id}`) {
          isFirst = false;
          await anotherStores();
        }
        return world.table.write(one);
      },
    };
    assert.deepEqual(await settle(world, refresh(startProcess(world, { table }))), { outcome: 'fresh' });
    assert.equal(isFirst, false);
    // The other's token is young, and stays; its own reply brought one more that nobody needs.
    assert.equal((await process.vault.read(id))?.refreshToken, world.microsoft.refreshTokens.at(-2));
    assert.equal(await cachedToken(), world.microsoft.issued.at(-1)?.accessToken);
  });

  it('leaves the grant as it is while the vault cannot be read, at whichever of its looks', async () => {
    const before = await process.records.grants.get(office.mailbox.id);
    for (const outageAt of [1, 2]) {
      world.microsoft.failAlways(INVALID_GRANT);
      let looks = 0;
      const table: Table = {
        ...world.table,
        get: async (key) => {
          if (key.pk.startsWith('vault#') && ++looks === outageAt) throw new Error('the vault is out of reach');
          return world.table.get(key);
        },
      };
      await assert.rejects(refresh(startProcess(world, { table })), /out of reach/);
      assert.equal(looks, outageAt);
      assert.deepEqual(await process.records.grants.get(office.mailbox.id), before);
    }
    world.microsoft.failAlways(undefined);
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
  });

  it('ends no grant, and reports none, that somebody signed out while the refusal was under way', async () => {
    world.microsoft.failNext(INVALID_GRANT);
    world.microsoft.answerGate.close();
    const refreshing = refresh();
    await meanwhile(world);
    value(await process.administration.mailboxes.signOut(office.mailbox.id));
    world.microsoft.answerGate.open();
    const outcome = await settle(world, refreshing);
    assert.ok(outcome.outcome === 'failed');
    assert.equal(outcome.error.kind, 'signed_out');
    assert.equal(await stateNow(), 'signed_out');
    const entries = await process.records.audit.list(office.organization.id, 100);
    assert.ok(!entries.some(({ action }) => action === 'grant.invalid'));
    assert.deepEqual(world.log.of('grant.invalid'), []);
  });

  for (const ends of ['fails', 'dies'] as const) {
    it(`lets nobody use its token while it waits for the provider, though a sign-in took its lease and ${ends}`, async () => {
      const { id } = office.mailbox;
      world.microsoft.answerGate.close();
      const slow = refresh(startProcess(world));
      await meanwhile(world);
      const calls = world.microsoft.refreshCalls;

      const throttled = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
      const table: Table = {
        ...world.table,
        write: async (one) => {
          if (ends === 'fails' && 'put' in one && one.put.pk === `vault#${id}`) throw throttled;
          return world.table.write(one);
        },
      };
      const departed = await depart(process, office.mailbox);
      // Its claim of the attempt, its lease, and the renewal of that are written before the vault.
      const signsIn = startProcess(world, { table, ...(ends === 'dies' ? { fuse: makeFuse(4, 'before') } : {}) });
      const login = comeBack(world, signsIn, departed, { account: accountOf(office.mailbox.address) });
      await settle(
        world,
        login
          .then((done) => assert.equal(failure(done).kind, 'vault_unavailable'))
          .catch((error: unknown) => {
            if (!(error instanceof Crash)) throw error;
          }),
      );

      const next = refresh(startProcess(world));
      // Longer than a change holds the lease by itself, and no longer than the provider may take.
      await advanceSeconds(world, 18);
      assert.equal(world.microsoft.refreshCalls, calls, 'nobody else asks');
      world.microsoft.answerGate.open();
      await settle(world, Promise.all([slow, next]));
      await advanceSeconds(world, 31);
      assert.deepEqual(await settle(world, refresh()), { outcome: 'fresh' });
      assert.equal(await stateNow(), 'active');
    });
  }

  describe('joins no refresh under way in its own process', () => {
    it('for one who wants more life than that brings', async () => {
      await refresh();
      await advanceSeconds(world, 1000);
      const callsBefore = world.microsoft.refreshCalls;
      const outcomes = await settle(
        world,
        Promise.all([600, 3600].map((minTtlSeconds) => refresh(process, { minTtlSeconds }))),
      );
      assert.deepEqual(outcomes, Array(2).fill({ outcome: 'fresh' }));
      assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
      assert.equal(await cachedToken(), world.microsoft.issued.at(-1)?.accessToken);
    });

    it('for a person who asks while that is turned away by the back-off', async () => {
      world.microsoft.failNext({ ...unavailable(120), affects: 'grant' });
      await refresh();
      const [turnedAway, asked] = await settle(
        world,
        Promise.all([refresh(), refresh(process, { duringBackOff: true })]),
      );
      assert.equal(turnedAway.outcome, 'failed');
      assert.deepEqual(asked, { outcome: 'fresh' });
    });
  });
});
