import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Grant } from '../../shared/domain/grant.ts';
import { LEASE_SECONDS, VAULT_SETTLES_SECONDS } from '../../shared/domain/timing.ts';
import type { Table, Write } from '../../shared/ports/table.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../shared/ports/token-vault.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import { INVALID_GRANT, REGISTRATION_REFUSED, type Rotation, unavailable } from '../fakes/scripted-provider.ts';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  depart,
  makeWorld,
  meanwhile,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  tokenRequest,
  value,
  type World,
} from './support.ts';

describe('refreshGrant', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
    await advanceSeconds(world, 3601);
  });

  const refresh = (by = process, minTtlSeconds = 600) =>
    by.refreshGrant({ mailboxId: office.mailbox.id, audience: 'smtp', minTtlSeconds, askedAt: now(world) });
  const grantNow = async (): Promise<Grant> => (await process.records.grants.get(office.mailbox.id)).grant;
  const heldGrant = async () => {
    const grant = await grantNow();
    assert.ok(grant.state === 'active' || grant.state === 'unproven' || grant.state === 'invalid');
    return grant;
  };
  const cachedToken = async (): Promise<string | undefined> => {
    const { tokens } = await process.records.grants.getWithTokens(office.mailbox.id, ['smtp']);
    const { organizationId, id } = office.mailbox;
    return tokens[0] && process.records.grants.openAccessToken(organizationId, id, 'smtp', tokens[0].sealed);
  };
  const inVault = async () => (await process.vault.read(office.mailbox.id))?.refreshToken;
  const newestOf = <Entry>(entries: readonly Entry[]): Entry | undefined => entries.at(-1);

  describe('in many processes at once', () => {
    it('lets one ask the provider, and the others use what it brought', async () => {
      const callsBefore = world.microsoft.refreshCalls;
      world.microsoft.latencyMs = 5000;
      const processes = Array.from({ length: 10 }, () => startProcess(world));
      const outcomes = await settle(world, Promise.all(processes.map((one) => refresh(one))));
      assert.deepEqual(outcomes, Array(10).fill({ outcome: 'fresh' }));
      assert.equal(world.microsoft.refreshCalls - callsBefore, 1);
    });

    it('asks one at a time even where they want different audiences, and a reused token would be fatal', async () => {
      world.microsoft.latencyMs = 300;
      const mailboxId = office.mailbox.id;
      const outcomes = (['smtp', 'imap', 'pop'] as const).map((audience) =>
        startProcess(world).refreshGrant({ mailboxId, audience, minTtlSeconds: 600, askedAt: now(world) }),
      );
      for (const { outcome } of await settle(world, Promise.all(outcomes))) assert.equal(outcome, 'fresh');
      assert.equal(world.microsoft.mostAtOnce, 1);
      assert.equal((await grantNow()).state, 'active');
    });

    it('tells those who wait to come back when the answer takes too long', async () => {
      world.microsoft.requestGate.close();
      const holder = refresh();
      const waiting = refresh(startProcess(world));
      const startedAt = now(world);
      const outcome = await settle(world, waiting);
      assert.ok(outcome.outcome === 'failed');
      assert.equal(outcome.error.kind, 'provider_unavailable');
      assert.equal(outcome.error.retryAfterSeconds, 5);
      assert.ok(now(world) - startedAt <= 26, 'within the patience of API Gateway');
      world.microsoft.requestGate.open();
      assert.deepEqual(await settle(world, holder), { outcome: 'fresh' });
    });

    it('takes over from a process that died with the lease', async () => {
      const fuse = makeFuse(1, 'after');
      await assert.rejects(refresh(startProcess(world, { fuse })), Crash);
      const callsBefore = world.microsoft.refreshCalls;
      await advanceSeconds(world, 29);
      const waiting = refresh();
      await meanwhile(world);
      assert.equal(world.microsoft.refreshCalls, callsBefore);
      assert.deepEqual(await settle(world, waiting), { outcome: 'fresh' });
      assert.equal(world.microsoft.refreshCalls, callsBefore + 1);
    });

    it('lets nobody write who lost the lease, even before the new holder has an answer', async () => {
      world.microsoft.rotation = 'none';
      world.microsoft.answerGate.close();
      const slow = refresh(startProcess(world));
      await meanwhile(world);
      await advanceSeconds(world, 31);
      const quick = refresh(startProcess(world));
      await meanwhile(world);
      assert.equal(world.microsoft.answerGate.waiting, 2);
      const before = { grant: await grantNow(), token: await cachedToken() };

      world.microsoft.answerGate.letOneThrough();
      await meanwhile(world);
      assert.deepEqual({ grant: await grantNow(), token: await cachedToken() }, before);

      world.microsoft.answerGate.open();
      const [late, inTime] = await settle(world, Promise.all([slow, quick]));
      assert.equal(late.outcome, 'failed');
      assert.equal(inTime.outcome, 'fresh');
      assert.equal(await cachedToken(), world.microsoft.issued.at(-1)?.accessToken);
    });

    it('keeps the rotated token of whoever stored it first', async () => {
      world.microsoft.rotation = 'lenient';
      world.microsoft.answerGate.close();
      const slow = refresh(startProcess(world));
      await meanwhile(world);
      await advanceSeconds(world, 31);
      world.microsoft.answerGate.open();
      // The late answer and the new holder's come together; one of the two is stored, and no third.
      const quick = refresh(startProcess(world));
      await settle(world, Promise.all([slow, quick]));
      assert.ok(world.microsoft.refreshTokens.includes((await inVault()) ?? ''));
      assert.equal((await grantNow()).state, 'active');
      await advanceSeconds(world, 3601);
      assert.deepEqual(await refresh(), { outcome: 'fresh' });
    });
  });

  describe('when it dies at any of its writes', () => {
    const dieAndGoOn = async (rotation: Rotation, moment: 'before' | 'after'): Promise<void> => {
      for (let write = 1; ; write++) {
        world = makeWorld();
        ({ process, ...office } = await signedInOffice(world));
        await advanceSeconds(world, 3601);
        world.microsoft.rotation = rotation;
        const issuedBefore = world.microsoft.issued.length;
        const fuse = makeFuse(write, moment);
        const dying = startProcess(world, { fuse });
        const attempt = dying.fetchToken(tokenRequest(office.credential));
        if (
          !(await settle(
            world,
            attempt.then(
              () => fuse.blown,
              () => true,
            ),
          ))
        ) {
          assert.ok(
            write > (rotation === 'strict' ? 3 : 2),
            'lease, vault (if used tokens are retired) and grant are written',
          );
          return;
        }
        const cached = await cachedToken();
        const isNew = world.microsoft.issued.slice(issuedBefore).some(({ accessToken }) => accessToken === cached);
        if (isNew && rotation === 'strict') assert.equal(await inVault(), newestOf(world.microsoft.refreshTokens));
        await advanceSeconds(world, 31);
        const survivor = startProcess(world);
        value(await settle(world, survivor.fetchToken(tokenRequest(office.credential))));
        await advanceSeconds(world, 3601);
        value(await settle(world, survivor.fetchToken(tokenRequest(office.credential))));
      }
    };

    it('leaves a grant that works, after each, where the provider retires used tokens', () =>
      dieAndGoOn('strict', 'after'));
    it('leaves a grant that works, after each, where used tokens stay good', () => dieAndGoOn('lenient', 'after'));
    it('leaves a grant that works, before each, where used tokens stay good', () => dieAndGoOn('lenient', 'before'));
    it('leaves a grant that works, before each, where tokens do not rotate', () => dieAndGoOn('none', 'before'));
  });

  it('holds the lease though its write was repeated, for the answer was lost', async () => {
    const table: Table = {
      ...world.table,
      write: async (one) => {
        const isLease = 'put' in one && one.put.sk === 'lease';
        if (isLease) await world.table.write(one);
        return world.table.write(one);
      },
    };
    const startedAt = now(world);
    assert.deepEqual(await settle(world, refresh(startProcess(world, { table }))), { outcome: 'fresh' });
    assert.equal(now(world), startedAt);
  });

  it('keeps a refresh token that came without a usable access token', async () => {
    world.microsoft.failNext({ ...unavailable(), refreshToken: 'made-up-rotated-refresh-token' });
    const before = await inVault();
    assert.equal((await refresh()).outcome, 'failed');
    assert.equal(await inVault(), 'made-up-rotated-refresh-token');
    assert.equal((await process.vault.read(office.mailbox.id))?.previousRefreshToken, before);
    const written = JSON.stringify([world.log.lines, await grantNow()]);
    assert.ok(!written.includes('made-up-rotated-refresh-token'));
    assert.equal((await grantNow()).state, 'active');
  });

  it('ends no grant because the vault is empty: restored, it works again', async () => {
    const stored = await process.vault.read(office.mailbox.id);
    assert.ok(stored);
    await process.vault.remove(office.mailbox.id);
    const failed = await refresh();
    assert.ok(failed.outcome === 'failed');
    assert.equal(failed.error.kind, 'stored_sign_in_missing');
    assert.equal((await grantNow()).state, 'active');
    await process.vault.store(office.mailbox.id, { refreshToken: stored.refreshToken, storedAt: now(world) }, 'absent');
    await advanceSeconds(world, 301);
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
  });

  it('has the rotated refresh token in the vault before the access token is in the cache', async () => {
    const order: string[] = [];
    const table: Table = {
      ...world.table,
      write: (one) => {
        if ('put' in one && one.put.pk.startsWith('vault#')) order.push('vault');
        return world.table.write(one);
      },
      writeAll: async (all) => {
        if (all.some((one) => 'put' in one && one.put.sk === 'token#smtp')) {
          order.push('cache');
          assert.equal(await inVault(), newestOf(world.microsoft.refreshTokens));
        }
        return world.table.writeAll(all);
      },
    };
    assert.deepEqual(await refresh(startProcess(world, { table })), { outcome: 'fresh' });
    assert.deepEqual(order, ['vault', 'cache']);
  });

  it('dates each token later than the one before, also within a second, lest the newer pass for a late reading', async () => {
    world.microsoft.rotation = 'strict';
    const storedAt = async () => (await process.vault.read(office.mailbox.id))?.storedAt ?? 0;
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
    const first = await storedAt();
    await process.records.grants.forgetAccessTokens(office.mailbox.id, ['smtp']);
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
    assert.ok((await storedAt()) > first);
    assert.equal((await heldGrant()).refreshTokenStoredAt, await storedAt());
  });

  describe('where the vault is late with what was stored, uses nothing up twice', () => {
    /** For longer than a back-off, and shorter than the vault may take at most. */
    const LATE_MS = 15_000;

    /** Over a vault that gives for a while what was there before, and over a table that refuses the writes of this kind. */
    const processOver = (isRefused: (write: Write) => boolean = () => false): Process => {
      const table: Table = {
        ...world.table,
        write: async (one) => {
          if (isRefused(one)) throw new Error('the table is away');
          return world.table.write(one);
        },
        writeAll: async (all) => {
          if (all.some(isRefused)) throw new Error('the table is away');
          return world.table.writeAll(all);
        },
      };
      return startProcess(world, { vault: lateVault, table });
    };
    let lateVault: TokenVault;

    beforeEach(async () => {
      world.microsoft.rotation = 'strict';
      const { vault } = process;
      let late: { readonly until: number; readonly token: StoredRefreshToken | undefined } | undefined;
      lateVault = {
        ...vault,
        read: async (id) => (late !== undefined && world.clock.now() < late.until ? late.token : vault.read(id)),
        store: async (id, ...what) => {
          late = { until: world.clock.now() + LATE_MS, token: await vault.read(id) };
          return vault.store(id, ...what);
        },
      };
      await process.records.grants.forgetAccessTokens(office.mailbox.id, ['smtp']);
    });

    const stored = async () => (await process.vault.read(office.mailbox.id))?.refreshToken;

    const putOf = (sk: string) => (write: Write) => 'put' in write && write.put.sk === sk;

    for (const [what, isRefused] of [
      ['the token that came with it', putOf('token#smtp')],
      ['that the provider is well again', putOf('cool-down')],
    ] as const) {
      it(`nor knows of it, as ${what} could not be written down`, async () => {
        world.microsoft.failNext(unavailable());
        assert.equal((await refresh(processOver())).outcome, 'failed');
        await advanceSeconds(world, 120);
        const former = await stored();
        await assert.rejects(refresh(processOver(isRefused)), /the table is away/);
        assert.notEqual(await stored(), former);
        const calls = world.microsoft.refreshCalls;
        const tooSoon = await settle(world, refresh(processOver()));
        assert.deepEqual([tooSoon.outcome, world.microsoft.refreshCalls], ['failed', calls]);
        await advanceSeconds(world, LEASE_SECONDS);
        assert.deepEqual(await refresh(processOver()), { outcome: 'fresh' });
      });
    }

    it('nor says whether it has stored it', async () => {
      const silent: TokenVault = {
        ...lateVault,
        store: async (...what) => {
          await lateVault.store(...what);
          throw new TokenVaultError('busy', 'no answer');
        },
      };
      const former = await stored();
      const outcome = await settle(world, refresh(startProcess(world, { vault: silent })));
      assert.ok(outcome.outcome === 'failed' && (outcome.error.retryAfterSeconds ?? 0) >= VAULT_SETTLES_SECONDS);
      assert.notEqual(await stored(), former);
      await advanceSeconds(world, LATE_MS / 1000 - 5);
      const calls = world.microsoft.refreshCalls;
      assert.equal((await refresh(processOver())).outcome, 'failed');
      assert.equal(world.microsoft.refreshCalls, calls);
      await advanceSeconds(world, 3600);
      assert.deepEqual(await refresh(processOver()), { outcome: 'fresh' });
    });

    it('though it came with a refusal of one audience, and another was stored by the answer for the grant', async () => {
      world.microsoft.failNext({ ...INVALID_GRANT, refreshToken: 'sent-with-the-refusal' });
      const wish = { mailboxId: office.mailbox.id, audience: 'imap', minTtlSeconds: 600, askedAt: now(world) } as const;
      await settle(world, processOver().refreshGrant(wish));
      const { refreshTokenVersion } = await heldGrant();
      assert.equal(refreshTokenVersion, (await process.vault.read(office.mailbox.id))?.version);
    });

    it('though it came with a refusal', async () => {
      world.microsoft.failNext({ ...unavailable(), refreshToken: 'sent-with-the-refusal' });
      assert.equal((await refresh(processOver())).outcome, 'failed');
      assert.equal(await stored(), 'sent-with-the-refusal');
      const { refreshTokenVersion } = await heldGrant();
      assert.equal(refreshTokenVersion, (await process.vault.read(office.mailbox.id))?.version);
    });
  });

  it('writes nothing to the vault where the provider sends no new refresh token', async () => {
    world.microsoft.rotation = 'none';
    const before = await process.vault.read(office.mailbox.id);
    assert.deepEqual(await refresh(), { outcome: 'fresh' });
    assert.deepEqual(await process.vault.read(office.mailbox.id), before);
  });

  describe('ends a grant', () => {
    it('on no other word than the clear one', async () => {
      const before = await inVault();
      const faults = [
        unavailable(),
        unavailable(60),
        REGISTRATION_REFUSED,
        { ...REGISTRATION_REFUSED, kind: 'consent_needed' as const },
      ];
      for (const fault of [...faults, ...faults, ...faults]) {
        world.microsoft.failNext(fault);
        const outcome = await refresh();
        assert.ok(outcome.outcome === 'failed');
        assert.equal(outcome.error.kind, fault.kind);
        assert.equal((await grantNow()).state, 'active');
        assert.equal(await inVault(), before);
        await advanceSeconds(world, 1801);
      }
      assert.deepEqual(await refresh(), { outcome: 'fresh' });
    });

    it('on invalid_grant, with the reason, an audit entry, and the refresh token still in the vault', async () => {
      world.microsoft.failNext(INVALID_GRANT);
      const before = await inVault();
      const outcome = await refresh();
      assert.ok(outcome.outcome === 'failed');
      assert.equal(outcome.error.kind, 'sign_in_lapsed');
      const grant = await grantNow();
      assert.ok(grant.state === 'invalid');
      assert.equal(grant.reason, 'sign_in_lapsed');
      assert.equal(grant.invalidSince, now(world));
      assert.equal(await inVault(), before);
      const [entry] = await process.records.audit.list(office.organization.id, 1);
      assert.equal(entry?.action, 'grant.invalid');
    });

    it('and then asks the provider no more', async () => {
      world.microsoft.failNext(INVALID_GRANT);
      await refresh();
      const calls = world.microsoft.refreshCalls;
      await advanceSeconds(world, 86_400);
      assert.equal((await refresh()).outcome, 'failed');
      assert.equal(world.microsoft.refreshCalls, calls);
    });

    it('only after it has tried a newer token that came meanwhile', async () => {
      const refreshToken = (await inVault()) ?? '';
      const newer = value(await world.microsoft.refresh({ refreshToken, audience: 'smtp' })).refreshToken ?? '';
      world.microsoft.failNext(INVALID_GRANT);
      world.microsoft.requestGate.close();
      const callsBefore = world.microsoft.refreshCalls;
      const refreshing = refresh();
      await meanwhile(world);
      const stored = await process.vault.read(office.mailbox.id);
      await process.vault.store(
        office.mailbox.id,
        { refreshToken: newer, storedAt: now(world) },
        stored?.version ?? 'absent',
      );
      world.microsoft.requestGate.open();
      assert.deepEqual(await settle(world, refreshing), { outcome: 'fresh' });
      assert.equal(world.microsoft.refreshCalls - callsBefore, 2);
      assert.equal((await grantNow()).state, 'active');
    });

    it('when the newer token is refused too, without a third try', async () => {
      world.microsoft.failAlways(INVALID_GRANT);
      world.microsoft.requestGate.close();
      const callsBefore = world.microsoft.refreshCalls;
      const refreshing = refresh();
      for (const refreshToken of ['newer', 'newest']) {
        await meanwhile(world);
        const stored = await process.vault.read(office.mailbox.id);
        await process.vault.store(
          office.mailbox.id,
          { refreshToken, storedAt: now(world) },
          stored?.version ?? 'absent',
        );
        world.microsoft.requestGate.letOneThrough();
      }
      assert.equal((await settle(world, refreshing)).outcome, 'failed');
      assert.equal(world.microsoft.refreshCalls - callsBefore, 2);
      assert.equal((await grantNow()).state, 'invalid');
    });
  });

  describe('after a passing fault', () => {
    it('does not ask before the time that the provider named', async () => {
      world.microsoft.failNext(unavailable(700));
      await refresh();
      const calls = world.microsoft.refreshCalls;
      for (const [seconds, left] of [
        [1, 699],
        [300, 399],
        [398, 1],
      ] as const) {
        await advanceSeconds(world, seconds);
        const outcome = await refresh();
        assert.ok(outcome.outcome === 'failed');
        assert.equal(outcome.error.retryAfterSeconds, left);
      }
      assert.equal(world.microsoft.refreshCalls, calls);
      await advanceSeconds(world, 1);
      assert.deepEqual(await refresh(), { outcome: 'fresh' });
    });

    it('of this grant alone waits longer each time, up to half an hour, and asks once at each end', async () => {
      world.microsoft.failAlways({ ...unavailable(), affects: 'grant' });
      const waits: number[] = [];
      for (let failures = 1; failures <= 15; failures++) {
        const calls = world.microsoft.refreshCalls;
        await refresh();
        assert.equal(world.microsoft.refreshCalls, calls + 1);
        const { trouble } = await heldGrant();
        assert.ok(trouble);
        waits.push(trouble.retryAt - now(world));
        await advanceSeconds(world, trouble.retryAt - now(world) - 1);
        await refresh();
        assert.equal(world.microsoft.refreshCalls, calls + 1);
        await advanceSeconds(world, 1);
      }
      for (const [index, wait] of waits.entries()) {
        const ceiling = Math.min(1800, 5 * 2 ** index);
        assert.ok(wait >= ceiling / 2 && wait <= ceiling, `${wait} s after ${index + 1} failures`);
      }
    });

    it('looks again at a refused registration every five minutes, and heals by itself', async () => {
      world.microsoft.failNext(REGISTRATION_REFUSED);
      await refresh();
      const { trouble } = await heldGrant();
      assert.equal(trouble?.code, 'AADSTS7000222');
      const calls = world.microsoft.refreshCalls;
      await advanceSeconds(world, 299);
      await refresh();
      assert.equal(world.microsoft.refreshCalls, calls);
      await advanceSeconds(world, 1);
      assert.deepEqual(await refresh(), { outcome: 'fresh' });
      const healed = await heldGrant();
      assert.equal(healed.trouble, undefined);
      assert.equal(healed.failures, 0);
    });
  });

  describe('while the mailbox changes hands', () => {
    it('does not bring a grant back that was signed out meanwhile', async () => {
      for (const rotation of ['strict', 'none'] as const) {
        const other = makeWorld();
        const { process: here, mailbox } = await signedInOffice(other);
        await advanceSeconds(other, 3601);
        other.microsoft.rotation = rotation;
        other.microsoft.answerGate.close();
        const refreshing = here.refreshGrant({
          mailboxId: mailbox.id,
          audience: 'smtp',
          minTtlSeconds: 600,
          askedAt: now(other),
        });
        await meanwhile(other);
        value(await here.administration.mailboxes.signOut(mailbox.id));
        other.microsoft.answerGate.open();
        const outcome = await settle(other, refreshing);
        assert.ok(outcome.outcome === 'failed');
        assert.equal(outcome.error.kind, 'signed_out');
        const { grant, tokens } = await here.records.grants.getWithTokens(mailbox.id, ['smtp']);
        assert.equal(grant.state, 'signed_out');
        assert.equal(tokens[0], undefined);
        assert.equal(await here.vault.read(mailbox.id), undefined);
      }
    });

    it('lets no late refusal of an earlier sign-in end the newer one', async () => {
      world.microsoft.failNext(INVALID_GRANT);
      world.microsoft.answerGate.close();
      const late = refresh();
      await meanwhile(world);
      const departed = await depart(process, office.mailbox);
      const back = world.microsoft.login(departed.authorizationUrl, { account: accountOf(office.mailbox.address) });
      const signingIn = startProcess(world).completeSignIn(callbackOf(departed, back));
      await meanwhile(world);
      world.microsoft.answerGate.open();
      const [, completed] = await settle(world, Promise.all([late, signingIn]));
      assert.equal(value(completed).tokenStatus, 'acquired');
      assert.equal((await grantNow()).state, 'active');
    });
  });

  it('knows no mailbox that does not exist', async () => {
    const outcome = await process.refreshGrant({
      mailboxId: 'mbx_none',
      audience: 'smtp',
      minTtlSeconds: 600,
      askedAt: 0,
    });
    assert.deepEqual(outcome, { outcome: 'failed', error: { kind: 'not_signed_in' } });
  });
});
