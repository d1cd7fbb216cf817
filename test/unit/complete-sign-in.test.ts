import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { lapsesAt } from '../../shared/domain/grant.ts';
import { INACTIVITY } from '../../shared/domain/provider.ts';
import type { Table } from '../../shared/ports/table.ts';
import type { Callback } from '../../shared/usecases/sign-in/complete-sign-in.ts';
import { Crash, makeFuse } from '../fakes/fuse.ts';
import { INVALID_GRANT, type Login, REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  comeBack,
  type Departed,
  depart,
  everythingAtRest,
  failure,
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
  tokenStatusOf,
  value,
  type World,
} from './support.ts';

const OWNER = accountOf('scan@contoso.example');

describe('completeSignIn', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const stateOf = async ({ signIn: { id } }: Departed) => (await process.records.signIns.get(id))?.state;

  it('moves the token status from not acquired over waiting to acquired', async () => {
    assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
    const departed = await depart(process, office.mailbox);
    assert.equal(await tokenStatusOf(process, office.mailbox), 'waiting');
    const completed = value(await comeBack(world, process, departed, { account: OWNER }));
    assert.equal(completed.tokenStatus, 'acquired');
    assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
    assert.equal(await stateOf(departed), 'completed');
  });

  it('has a token ready before a device asks', async () => {
    value(await signIn(world, process, office.mailbox));
    const calls = world.microsoft.refreshCalls;
    value(await process.fetchToken(tokenRequest(office.credential)));
    assert.equal(world.microsoft.refreshCalls, calls);
  });

  it('accepts the expected account in whatever letter case, and under any of its addresses', async () => {
    const account = { subject: 'owner', addresses: ['someone@contoso.example', 'Scan@CONTOSO.example'] };
    value(await signIn(world, process, office.mailbox, { account }));
  });

  it('lets one of two parallel callbacks of an attempt win', async () => {
    const departed = await depart(process, office.mailbox);
    const callback = callbackOf(departed, world.microsoft.login(departed.authorizationUrl, { account: OWNER }));
    const both = [process, startProcess(world)].map((one) => one.completeSignIn(callback));
    const results = await settle(world, Promise.all(both));
    assert.equal(results.filter(({ ok }) => ok).length, 1);
    assert.deepEqual(results.map((result) => (result.ok ? undefined : result.error.kind)).filter(Boolean), [
      'sign_in_already_used',
    ]);
    assert.equal(world.microsoft.redeemCalls, 1);
    assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
  });

  it('waits, with the grant durable, where the provider redeems the code and then gives no token', async () => {
    world.microsoft.failNext(unavailable());
    assert.equal(value(await signIn(world, process, office.mailbox)).tokenStatus, 'waiting');
    assert.equal(await tokenStatusOf(process, office.mailbox), 'waiting');
    await advanceSeconds(world, 60);
    value(await process.fetchToken(tokenRequest(office.credential)));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
  });

  it('waits where the provider then refuses the registration of the broker', async () => {
    world.microsoft.failNext(REGISTRATION_REFUSED);
    assert.equal(value(await signIn(world, process, office.mailbox)).tokenStatus, 'waiting');
  });

  it('tells when the new permission is refused at its first use', async () => {
    world.microsoft.failNext(INVALID_GRANT);
    const { kind, tookEffect } = failure(await signIn(world, process, office.mailbox));
    assert.deepEqual({ kind, tookEffect }, { kind: 'sign_in_lapsed', tookEffect: true });
    assert.equal(await tokenStatusOf(process, office.mailbox), 'invalid');
  });

  it('heals a lapsed grant', async () => {
    value(await signIn(world, process, office.mailbox));
    world.microsoft.revoke(OWNER.subject);
    await advanceSeconds(world, 3601);
    failure(await process.fetchToken(tokenRequest(office.credential)));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'invalid');
    value(await signIn(world, process, office.mailbox));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
    value(await process.fetchToken(tokenRequest(office.credential)));
  });

  it('dates its refresh token later than the one it replaces, also within a second, and the lapse by whole seconds', async () => {
    const stored = async () => (await process.vault.read(office.mailbox.id))?.storedAt ?? 0;
    value(await signIn(world, process, office.mailbox));
    const first = await stored();
    value(await signIn(world, process, office.mailbox));
    assert.ok((await stored()) > first);
    const { grant } = await process.records.grants.get(office.mailbox.id);
    assert.equal('refreshTokenStoredAt' in grant && grant.refreshTokenStoredAt, await stored());
    assert.equal(lapsesAt(grant), now(world) + INACTIVITY.microsoft.seconds);
  });

  it('leaves neither code verifier nor tokens in the clear at rest, nor in the log', async () => {
    const departed = await depart(process, office.mailbox);
    const { state, code } = world.microsoft.login(departed.authorizationUrl, { account: OWNER });
    const { browserSecret } = departed;
    const verifier = await world.attemptKeys.open('attempt-key.0', `code-verifier|${departed.signIn.id}`);
    const midway = everythingAtRest(world);
    value(await process.completeSignIn(callbackOf(departed, { state, code })));
    const written = midway + everythingAtRest(world) + JSON.stringify(world.log.lines);
    const secrets = [verifier, browserSecret, state, code, ...world.microsoft.refreshTokens];
    for (const secret of secrets) assert.ok(!written.includes(secret), secret);
  });

  describe('refuses, and leaves the earlier grant as it was:', () => {
    let grantBefore: unknown;
    let vaultBefore: unknown;
    let tokenBefore: string;

    beforeEach(async () => {
      value(await signIn(world, process, office.mailbox));
      grantBefore = await process.records.grants.get(office.mailbox.id);
      vaultBefore = await process.vault.read(office.mailbox.id);
      tokenBefore = value(await process.fetchToken(tokenRequest(office.credential))).accessToken;
    });

    const assertUntouched = async () => {
      assert.deepEqual(await process.records.grants.get(office.mailbox.id), grantBefore);
      assert.deepEqual(await process.vault.read(office.mailbox.id), vaultBefore);
      const token = value(await process.fetchToken(tokenRequest(office.credential)));
      assert.equal(token.accessToken, tokenBefore);
      assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
    };

    /** An attempt whose callback is changed on its way. */
    const attempt = async (change: (callback: Callback) => Callback, login: Partial<Login> = {}) => {
      const departed = await depart(process, office.mailbox);
      const back = world.microsoft.login(departed.authorizationUrl, { account: OWNER, ...login });
      const result = await settle(world, process.completeSignIn(change(callbackOf(departed, back))));
      return { departed, error: failure(result) };
    };

    const same = (callback: Callback): Callback => callback;

    it('a foreign state', async () => {
      const { error, departed } = await attempt((callback) => ({ ...callback, state: `${callback.state}x` }));
      assert.equal(error.kind, 'sign_in_other_browser');
      assert.equal(await stateOf(departed), 'started');
      const none = await attempt((callback) => ({ ...callback, state: undefined }));
      assert.equal(none.error.kind, 'sign_in_not_found');
      const invented = await attempt((callback) => ({ ...callback, state: 'sgn_invented.state' }));
      assert.equal(invented.error.kind, 'sign_in_not_found');
      await assertUntouched();
    });

    it("the state of another's attempt", async () => {
      const other = await depart(process, office.mailbox);
      const { searchParams } = new URL(other.authorizationUrl);
      const { error } = await attempt((callback) => ({ ...callback, state: searchParams.get('state') ?? '' }));
      assert.equal(error.kind, 'sign_in_other_browser');
      assert.equal(world.microsoft.redeemCalls, 1);
      await assertUntouched();
    });

    it('the callback of another provider', async () => {
      const { error } = await attempt((callback) => ({ ...callback, provider: 'google' }));
      assert.equal(error.kind, 'sign_in_not_found');
      assert.equal(world.google.redeemCalls, 0);
      await assertUntouched();
    });

    it("another browser's cookie, or none", async () => {
      for (const browserSecret of ['another', undefined]) {
        const { error, departed } = await attempt((callback) => ({ ...callback, browserSecret }));
        assert.equal(error.kind, 'sign_in_other_browser');
        assert.equal(await stateOf(departed), 'started');
      }
      assert.equal(world.microsoft.redeemCalls, 1);
      await assertUntouched();
    });

    it('an attempt that has expired', async () => {
      const departed = await depart(process, office.mailbox);
      const back = world.microsoft.login(departed.authorizationUrl, { account: OWNER });
      await advanceSeconds(world, 600);
      const error = failure(await process.completeSignIn(callbackOf(departed, back)));
      assert.equal(error.kind, 'sign_in_expired');
      assert.equal(world.microsoft.redeemCalls, 1);
      await assertUntouched();
    });

    it('a cancelled login', async () => {
      const { error, departed } = await attempt((callback) => ({
        ...callback,
        code: undefined,
        error: 'access_denied',
      }));
      assert.equal(error.kind, 'sign_in_cancelled');
      assert.equal(await stateOf(departed), 'failed');
      await assertUntouched();
    });

    it('an error of the provider, also beside a code', async () => {
      const { error } = await attempt((callback) => ({ ...callback, error: 'server_error' }));
      assert.equal(error.kind, 'sign_in_refused');
      assert.equal(world.microsoft.redeemCalls, 1);
      await assertUntouched();
    });

    it('neither code nor error', async () => {
      const { error } = await attempt((callback) => ({ ...callback, code: undefined }));
      assert.equal(error.kind, 'sign_in_refused');
      await assertUntouched();
    });

    it('a code that the provider does not redeem', async () => {
      const { error } = await attempt((callback) => ({ ...callback, code: 'code-invented' }));
      assert.equal(error.kind, 'sign_in_refused');
      await assertUntouched();
    });

    it('a provider that is down, or that refuses the registration of the broker', async () => {
      for (const [fault, kind] of [
        [unavailable(), 'provider_unavailable'],
        [REGISTRATION_REFUSED, 'app_registration_refused'],
        [INVALID_GRANT, 'sign_in_refused'],
      ] as const) {
        world.microsoft.failNextRedemption(fault);
        assert.equal((await attempt(same)).error.kind, kind);
      }
      await assertUntouched();
    });

    it('the wrong account, and an account without a name', async () => {
      const wrong = await attempt(same, { account: accountOf('finance@contoso.example') });
      assert.equal(wrong.error.kind, 'sign_in_wrong_account');
      assert.match(wrong.error.detail ?? '', /finance@contoso\.example.*scan@contoso\.example/);
      assert.equal((await attempt(same, { withoutAccount: true })).error.kind, 'sign_in_wrong_account');
      await assertUntouched();
    });

    it('a permission that does not reach to sending', async () => {
      const { error } = await attempt(same, { scopes: ['openid', world.microsoft.scopeFor('imap') ?? ''] });
      assert.equal(error.kind, 'sign_in_scope_missing');
      await assertUntouched();
    });

    it('a permission without a refresh token', async () => {
      assert.equal((await attempt(same, { withoutRefreshToken: true })).error.kind, 'sign_in_no_refresh_token');
      await assertUntouched();
    });

    it('a callback that comes twice', async () => {
      const departed = await depart(process, office.mailbox);
      const callback = callbackOf(departed, world.microsoft.login(departed.authorizationUrl, { account: OWNER }));
      value(await process.completeSignIn(callback));
      grantBefore = await process.records.grants.get(office.mailbox.id);
      vaultBefore = await process.vault.read(office.mailbox.id);
      tokenBefore = value(await process.fetchToken(tokenRequest(office.credential))).accessToken;
      const calls = world.microsoft.redeemCalls;
      assert.equal(failure(await process.completeSignIn(callback)).kind, 'sign_in_already_used');
      assert.equal(world.microsoft.redeemCalls, calls);
      await assertUntouched();
    });

    it('and says in the audit log why', async () => {
      await attempt(same, { withoutRefreshToken: true });
      const entries = await process.records.audit.list(office.organization.id, 100);
      const failed = entries.filter(({ action }) => action === 'sign-in.failed');
      assert.deepEqual(
        failed.map(({ subject, detail }) => [subject, detail]),
        [[office.mailbox.id, 'sign_in_no_refresh_token']],
      );
    });
  });

  it('is no longer waiting once an attempt has failed or run out', async () => {
    const departed = await depart(process, office.mailbox);
    failure(await process.completeSignIn(callbackOf(departed, { state: stateIn(departed), error: 'access_denied' })));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
    await depart(process, office.mailbox);
    await advanceSeconds(world, 599);
    assert.equal(await tokenStatusOf(process, office.mailbox), 'waiting');
    await advanceSeconds(world, 1);
    assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
  });

  it('leaves a newer attempt open when an older one ends', async () => {
    const older = await depart(process, office.mailbox);
    await depart(process, office.mailbox);
    failure(await process.completeSignIn(callbackOf(older, { state: stateIn(older), error: 'access_denied' })));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'waiting');
  });

  it('notes a client secret that the provider refused, though another was taken', async () => {
    world.microsoft.clientSecrets = [{}, {}];
    const { redeemCode } = world.microsoft;
    world.microsoft.redeemCode = async (request) => {
      const reply = await redeemCode(request);
      return reply.ok ? { ...reply, value: { ...reply.value, refusedClientSecrets: [0] } } : reply;
    };
    value(await signIn(world, process, office.mailbox));
    const [microsoft] = await process.administration.appRegistrations.list();
    assert.equal(microsoft?.clientSecrets[0]?.refusedAt, now(world));
    assert.equal(world.log.of('client_secret.refused').length, 1);
  });

  it('makes the refresh token durable before the grant promises it', async () => {
    for (let write = 1; ; write++) {
      world = makeWorld();
      ({ process, ...office } = await signedInOffice(world));
      const departed = await depart(process, office.mailbox);
      const fuse = makeFuse(write, 'after');
      const dying = startProcess(world, { fuse });
      const attempt = settle(world, comeBack(world, dying, departed, { account: OWNER }));
      const died = await attempt.then(
        () => false,
        (error: unknown) => error instanceof Crash,
      );
      if (!died) {
        assert.ok(write > 6);
        return;
      }
      // Whatever happened, the mailbox works as before or better, and no token of an earlier sign-in is served.
      await advanceSeconds(world, 31);
      const { grant } = await process.records.grants.get(office.mailbox.id);
      const survivor = startProcess(world);
      const token = value(
        await settle(world, survivor.fetchToken(tokenRequest(office.credential, { minTtlSeconds: 1 }))),
      );
      const isOld = token.accessToken === 'access-token-microsoft-1-of-subject-of-scan@contoso.example';
      if (isOld) assert.equal(grant.state !== 'never' && grant.generation, 1);
      await advanceSeconds(world, 3601);
      value(await settle(world, survivor.fetchToken(tokenRequest(office.credential))));
    }
  });

  it('stores its refresh token though a refresh that has lost the lease to it stores one just before', async () => {
    value(await signIn(world, process, office.mailbox));
    await advanceSeconds(world, 3601);
    const { id } = office.mailbox;
    let isFirst = true;
    const table: Table = {
      ...world.table,
      write: async (one) => {
        if (isFirst && 'put' in one && one.put.pk === `vault#${id}`) {
          isFirst = false;
          const { version = '', refreshToken = '' } = (await process.vault.read(id)) ?? {};
          const late = { refreshToken: 'rotated-late', previousRefreshToken: refreshToken, storedAt: now(world) };
          assert.equal((await process.vault.store(id, late, version)).outcome, 'stored');
        }
        return world.table.write(one);
      },
    };
    value(await signIn(world, startProcess(world, { table }), office.mailbox));
    assert.equal(isFirst, false);
    const { refreshToken } = (await process.vault.read(id)) ?? {};
    assert.match(refreshToken ?? '', /^refresh-token-of-family-1-/);
  });

  it('wins over a refresh that is under way', async () => {
    value(await signIn(world, process, office.mailbox));
    await advanceSeconds(world, 3601);
    world.microsoft.answerGate.close();
    const refreshing = process.fetchToken(tokenRequest(office.credential));
    await meanwhile(world);
    const departed = await depart(process, office.mailbox);
    const signingIn = comeBack(world, startProcess(world), departed, { account: OWNER });
    await meanwhile(world);
    world.microsoft.answerGate.open();
    const [, completed] = await settle(world, Promise.all([refreshing, signingIn]));
    assert.equal(value(completed).tokenStatus, 'acquired');
    const { refreshToken } = (await process.vault.read(office.mailbox.id)) ?? {};
    assert.match(refreshToken ?? '', /^refresh-token-of-family-1-/);
    await advanceSeconds(world, 3601);
    value(await process.fetchToken(tokenRequest(office.credential)));
  });
});

const stateIn = ({ authorizationUrl }: Departed): string => new URL(authorizationUrl).searchParams.get('state') ?? '';
