import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { isLive, type LiveGrant } from '../../shared/domain/grant.ts';
import { AUDIENCES, type Audience } from '../../shared/domain/provider.ts';
import type { ProviderFailure } from '../../shared/ports/identity-provider.ts';
import { countingTable } from '../fakes/counting-table.ts';
import { CONSENT_MISSING, INVALID_GRANT, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  now,
  type Office,
  type Process,
  settle,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  tokenStatusOf,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const OUTLOOK = ['SMTP.Send', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All'].map(
  (name) => `https://outlook.office.com/${name}`,
);

describe('one grant and its audiences', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const fetch = (audience: Audience, changes = {}, by = process) =>
    settle(world, by.fetchToken(tokenRequest(office.credential, { audience, ...changes })));
  const liveGrant = async (): Promise<LiveGrant> => {
    const { grant } = await process.records.grants.get(office.mailbox.id);
    assert.ok(isLive(grant), grant.state);
    return grant;
  };
  const calls = async (act: () => Promise<unknown>): Promise<number> => {
    const before = world.microsoft.refreshCalls;
    await act();
    return world.microsoft.refreshCalls - before;
  };
  /** The sweep and its workers, every so often. */
  const letPass = async (seconds: number, everySeconds = 300) => {
    for (let passed = 0; passed < seconds; passed += everySeconds) {
      await advanceSeconds(world, everySeconds);
      await process.sweepGrants();
      await settle(world, process.workGrants());
    }
  };

  it('gives each its own token, and renews each for itself', async () => {
    const tokens = new Map<string, Audience | undefined>();
    for (const audience of AUDIENCES) {
      const { accessToken } = value(await fetch(audience));
      tokens.set(accessToken, world.microsoft.issued.find((one) => one.accessToken === accessToken)?.audience);
    }
    assert.deepEqual([...tokens.values()], [...AUDIENCES]);
    await advanceSeconds(world, 3000);
    for (const audience of AUDIENCES) {
      const stale = value(await fetch(audience, { minTtlSeconds: 300 }));
      const fresh = value(await fetch(audience, { minTtlSeconds: 1800 }));
      assert.ok(stale.expiresInSeconds <= 600 && fresh.expiresInSeconds >= 1800, audience);
    }
  });

  describe('of which the sign-in allowed only mail, as before there was another,', () => {
    beforeEach(async () => {
      value(await signIn(world, process, office.mailbox, { scopes: OUTLOOK }));
    });

    it('refuses the other with what is missing and what to do, and asks nobody', async () => {
      const asked = await calls(async () => {
        const { kind, detail } = failure(await fetch('api'));
        assert.equal(kind, 'scope_not_granted');
        assert.match(detail ?? '', /not https:\/\/graph\.microsoft\.com\/Mail\.Send: sign in again/);
      });
      assert.equal(asked, 0);
      for (const audience of ['smtp', 'imap', 'pop'] as const) value(await fetch(audience));
    });

    it('gives the other too after a new sign-in', async () => {
      value(await signIn(world, process, office.mailbox));
      value(await fetch('api'));
    });
  });

  describe('of which the provider refuses one', () => {
    const refusals: readonly ProviderFailure[] = [
      CONSENT_MISSING,
      // What personal accounts are told (AADSTS70000) reads like the end of the whole sign-in.
      INVALID_GRANT,
      { ...CONSENT_MISSING, kind: 'conditional_access', code: 'AADSTS53003' },
      { ...CONSENT_MISSING, class: 'operator_must_act', kind: 'consent_needed', code: 'AADSTS500011' },
    ];

    it('goes on for the others, whatever the refusal says and however used tokens are treated', async () => {
      for (const rotation of ['strict', 'lenient', 'none'] as const) {
        for (const refusal of refusals) {
          world = makeWorld();
          ({ process, ...office } = await signedInOffice(world));
          value(await fetch('imap'));
          await advanceSeconds(world, 2 * DAY);
          world.microsoft.rotation = rotation;
          world.microsoft.refuseAudience('api', refusal);
          const { kind, code, detail } = failure(await fetch('api'));
          assert.deepEqual([kind, code], ['scope_not_granted', refusal.code]);
          assert.equal(detail, `The sign-in is good, but not for the scope api. ${refusal.message}`);
          const grant = await liveGrant();
          assert.deepEqual([grant.failures, grant.trouble], [0, undefined]);
          assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
          for (const audience of ['smtp', 'imap', 'pop'] as const) value(await fetch(audience));
          assert.equal(world.log.of('grant.invalid').length, 0);
        }
      }
    });

    it('tells it once, in log and audit', async () => {
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      for (let hour = 0; hour < 5; hour++) {
        failure(await fetch('api'));
        await advanceSeconds(world, HOUR + 1);
      }
      const warnings = world.log.of('grant.audience_refused').filter(({ level }) => level === 'warn');
      assert.equal(warnings.length, 1);
      const entries = await process.records.audit.list(office.organization.id, 20);
      const told = entries.filter(({ action }) => action === 'grant.audience-refused');
      assert.deepEqual(
        told.map(({ subject, detail }) => [subject, detail]),
        [[office.mailbox.id, `api: AADSTS65001: ${CONSENT_MISSING.message}`]],
      );
    });

    it('is asked for it no more for an hour, by however many, and tells them in one round trip', async () => {
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      world.microsoft.latencyMs = 400;
      const processes = Array.from({ length: 5 }, () => startProcess(world));
      const storm = async () => {
        const all = processes.flatMap((one) => Array.from({ length: 10 }, () => fetch('api', {}, one)));
        for (const result of await Promise.all(all)) assert.equal(failure(result).kind, 'scope_not_granted');
      };
      // One for what was asked, and one that tells whether the grant stands.
      assert.equal(await calls(storm), 2);
      const table = countingTable(world.table);
      const warm = startProcess(world, { table });
      failure(await fetch('api', {}, warm));
      table.reset();
      const asked = await calls(async () => {
        for (let minute = 0; minute < 50; minute++) {
          await advanceSeconds(world, 60);
          assert.equal(failure(await fetch('api', {}, warm)).code, 'AADSTS65001');
        }
      });
      assert.deepEqual([asked, table.roundTrips], [0, Array(50).fill('getMany')]);
      await advanceSeconds(world, 700);
      assert.equal(await calls(() => fetch('api')), 2);
    });

    it('gives it again, without a sign-in, when consent was given meanwhile', async () => {
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      failure(await fetch('api'));
      world.microsoft.refuseAudience('api', undefined);
      failure(await fetch('api'));
      await advanceSeconds(world, HOUR);
      value(await fetch('api'));
      assert.equal((await liveGrant()).refused, undefined);
    });

    it('keeps what is known of a second one', async () => {
      for (const audience of ['api', 'pop'] as const) {
        world.microsoft.refuseAudience(audience, CONSENT_MISSING);
        failure(await fetch(audience));
      }
      assert.deepEqual(Object.keys((await liveGrant()).refused ?? {}), ['api', 'pop']);
      world.microsoft.refuseAudience('api', undefined);
      await advanceSeconds(world, HOUR);
      value(await fetch('api'));
      assert.deepEqual(Object.keys((await liveGrant()).refused ?? {}), ['pop']);
      value(await signIn(world, process, office.mailbox));
      assert.equal((await liveGrant()).refused, undefined);
    });

    it('does not serve the token at hand either', async () => {
      const { expiresInSeconds } = value(await fetch('api'));
      await advanceSeconds(world, expiresInSeconds - 300);
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      assert.equal(failure(await fetch('api')).kind, 'scope_not_granted');
    });

    it('leaves it out of the sweep, and keeps the others warm', async () => {
      for (const audience of ['smtp', 'api'] as const) value(await fetch(audience));
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      const refused = () => world.log.of('grant.audience_refused').length;
      await letPass(2 * DAY);
      assert.equal(refused(), 1);
      const busy = await calls(() => letPass(4 * HOUR));
      assert.ok(busy <= 8, `${busy} calls in four hours for one audience`);
      assert.equal(await calls(() => fetch('smtp')), 0);
      assert.equal(refused(), 1);
    });

    it('is found out by the daily use where nothing but the refused one is used', async () => {
      value(await fetch('api'));
      world.microsoft.refuseAudience('api', CONSENT_MISSING);
      await letPass(DAY);
      world.microsoft.revoke('subject-of-scan@contoso.example');
      await letPass(36 * HOUR);
      assert.equal((await process.records.grants.get(office.mailbox.id)).grant.state, 'invalid');
    });

    it('takes a passing fault for no refusal', async () => {
      world.microsoft.failNext(unavailable());
      assert.equal(failure(await fetch('api')).kind, 'provider_unavailable');
      assert.equal((await liveGrant()).refused, undefined);
      await advanceSeconds(world, 120);
      value(await fetch('api'));
    });

    it('takes a refusal of one for nothing while it cannot be known whether the grant stands', async () => {
      world.microsoft.failNext(CONSENT_MISSING, unavailable());
      assert.equal(failure(await fetch('api')).kind, 'provider_unavailable');
      assert.equal((await liveGrant()).refused, undefined);
    });
  });

  it('ends with the word about what every grant must give, whichever audience was asked for', async () => {
    for (const audience of ['api', 'imap'] as const) {
      world = makeWorld();
      ({ process, ...office } = await signedInOffice(world));
      for (const every of AUDIENCES) world.microsoft.refuseAudience(every, CONSENT_MISSING);
      const { kind, code } = failure(await fetch(audience));
      assert.deepEqual([kind, code], ['consent_withdrawn', 'AADSTS65001']);
      const { grant } = await process.records.grants.get(office.mailbox.id);
      assert.ok(grant.state === 'invalid');
      assert.deepEqual([grant.reason, grant.invalidSince], ['consent_withdrawn', now(world)]);
    }
  });

  it('finds the refresh token before the refused one for every audience', async () => {
    world.microsoft.rotation = 'lenient';
    await advanceSeconds(world, 8 * DAY);
    value(await fetch('smtp'));
    const before = await process.vault.read(office.mailbox.id);
    assert.ok(before?.previousRefreshToken, 'there is one before');
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.failNext(INVALID_GRANT, INVALID_GRANT);
    value(await fetch('api'));
    assert.notEqual((await process.vault.read(office.mailbox.id))?.refreshToken, before.refreshToken);
    assert.equal((await liveGrant()).refused, undefined);
  });

  it('finds it also where what was asked for is refused besides', async () => {
    world.microsoft.rotation = 'lenient';
    await advanceSeconds(world, 8 * DAY);
    value(await fetch('smtp'));
    await advanceSeconds(world, 2 * HOUR);
    world.microsoft.failNext(INVALID_GRANT, INVALID_GRANT);
    world.microsoft.refuseAudience('api', CONSENT_MISSING);
    assert.equal(failure(await fetch('api')).kind, 'scope_not_granted');
    value(await fetch('smtp'));
  });

  it('is never ended by a word about another audience, whatever it is', async () => {
    const anyRefusal = fc.record({
      class: fc.constantFrom<ProviderFailure['class'][]>('retry_later', 'operator_must_act', 'person_must_act'),
      kind: fc.constantFrom('consent_withdrawn', 'sign_in_lapsed', 'conditional_access', 'scope_not_granted' as const),
      code: fc.constantFrom('AADSTS65001', 'AADSTS70000', 'AADSTS53003', 'invalid_scope'),
    });
    const step = fc.record({
      audience: fc.constantFrom<Audience[]>('imap', 'pop', 'api'),
      refusal: fc.option(anyRefusal, { nil: undefined }),
      seconds: fc.constantFrom(1, 1800, 3601, 40_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        world = makeWorld();
        ({ process, ...office } = await signedInOffice(world));
        for (const { audience, refusal, seconds } of steps) {
          const failing: ProviderFailure | undefined = refusal && { ...CONSENT_MISSING, ...refusal };
          world.microsoft.refuseAudience(audience, failing);
          await fetch(audience);
          await advanceSeconds(world, seconds);
          await liveGrant();
        }
        await advanceSeconds(world, HOUR);
        value(await fetch('smtp'));
      }),
      { numRuns: 40 },
    );
  });
});
