import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { googleIdentityProvider } from '../../shared/adapters/google/google-identity-provider.ts';
import { msalIdentityProvider } from '../../shared/adapters/msal/msal-identity-provider.ts';
import type { OAuthClientConfig } from '../../shared/adapters/oauth-http/endpoints.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';
import { type DecidedReply, type ScriptedTokenEndpoint, startScriptedTokenEndpoint } from '../fakes/token-endpoint.ts';

const OLD = 'made-up-old-secret';
const NEW = 'made-up-new-secret';
const HOUR_MS = 3_600_000;

const SUBJECTS = {
  msalIdentityProvider: (config: OAuthClientConfig): IdentityProvider =>
    msalIdentityProvider({ ...config, tenant: 'organizations' }),
  googleIdentityProvider: (config: OAuthClientConfig): IdentityProvider => googleIdentityProvider(config),
};

const GIVEN: DecidedReply = { status: 200, body: { access_token: 'made-up-access-token', expires_in: 3600 } };
const REFUSED: DecidedReply = {
  status: 401,
  body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' },
};
const ENDED: DecidedReply = { status: 400, body: { error: 'invalid_grant' } };

for (const [name, make] of Object.entries(SUBJECTS)) {
  describe(`${name} with two client secrets`, () => {
    let server: ScriptedTokenEndpoint;
    let now: number;
    let provider: IdentityProvider;

    const withSecrets = (timeoutMs?: number): IdentityProvider =>
      make({
        clientId: 'made-up-client',
        clientSecrets: [{ value: OLD, expiresOn: '2026-12-01' }, { value: NEW }],
        endpoints: { authorization_endpoint: `${server.origin}/a`, token_endpoint: `${server.origin}/token` },
        now: () => now,
        timeoutMs,
      });

    before(async () => {
      server = await startScriptedTokenEndpoint();
    });
    beforeEach(() => {
      server.reset();
      now = Date.parse('2026-11-21T10:00:00Z');
      provider = withSecrets();
    });
    after(() => server.close());

    const accept = (...secrets: readonly string[]): void =>
      server.decide((form) => (secrets.includes(form.get('client_secret') ?? '') ? GIVEN : REFUSED));

    const refresh = (by = provider) => by.refresh({ refreshToken: 'made-up-refresh-token', audience: 'smtp' });

    /** The secrets sent since the last look, and the positions that the reply calls refused. */
    const tried = async (result: ReturnType<typeof refresh>) => {
      const reply = await result;
      const sent = server.requests.splice(0).map(({ form }) => form.get('client_secret'));
      const said = reply.ok ? reply.value : reply.error;
      assert.ok(said.refusedClientSecrets === undefined || said.refusedClientSecrets.length > 0);
      return { ok: reply.ok, sent, refused: said.refusedClientSecrets };
    };

    const redeem = (by = provider) =>
      by.redeemCode({ code: 'made-up-code', codeVerifier: 'v'.repeat(43), redirectUri: 'http://localhost/callback' });

    it('shows of them, in order, the days they expire and a few letters that change with them', () => {
      const days = provider.clientSecrets.map(({ expiresOn }) => expiresOn);
      assert.deepEqual(days, ['2026-12-01', undefined]);
      const fingerprints = provider.clientSecrets.map(({ fingerprint = '' }) => fingerprint);
      assert.equal(new Set(fingerprints).size, 2);
      for (const fingerprint of fingerprints) assert.match(fingerprint, /^[\w-]{6}$/);
    });

    it('uses the first alone while it is accepted', async () => {
      accept(OLD, NEW);
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [OLD], refused: undefined });
      assert.deepEqual(await tried(redeem()), { ok: true, sent: [OLD], refused: undefined });
    });

    it('tries the second in the same call where the first is refused, and begins the next call with it', async () => {
      accept(NEW);
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [OLD, NEW], refused: [0] });
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [NEW], refused: undefined });
      assert.deepEqual(await tried(redeem()), { ok: true, sent: [NEW], refused: undefined });
    });

    it('sends the same refresh token and the same code again', async () => {
      accept(NEW);
      assert.ok((await refresh()).ok);
      assert.ok((await redeem(withSecrets())).ok);
      const [first, second, third, fourth] = server.requests.map(({ form }) => form);
      assert.equal(second?.get('refresh_token'), 'made-up-refresh-token');
      assert.equal(second?.get('refresh_token'), first?.get('refresh_token'));
      assert.equal(second?.get('scope'), first?.get('scope'));
      assert.equal(fourth?.get('code'), 'made-up-code');
      for (const name of ['code', 'code_verifier', 'redirect_uri']) assert.equal(fourth?.get(name), third?.get(name));
    });

    it('returns to the first in the same call where the second is refused later', async () => {
      accept(NEW);
      await tried(refresh());
      accept(OLD);
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [NEW, OLD], refused: [1] });
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [OLD], refused: undefined });
    });

    it('calls the operator when both are refused, after one request with each', async () => {
      accept();
      const reply = await refresh();
      assert.ok(!reply.ok);
      const { class: who, affects, kind, refusedClientSecrets } = reply.error;
      assert.deepEqual([who, affects, kind], ['operator_must_act', 'registration', 'app_registration_refused']);
      assert.deepEqual(refusedClientSecrets, [0, 1]);
      assert.equal(server.requests.splice(0).length, 2);
      assert.deepEqual(await tried(redeem()), { ok: false, sent: [OLD, NEW], refused: [0, 1] });
    });

    it('names the refused positions in order, whichever it began with', async () => {
      accept(NEW);
      await tried(refresh());
      accept();
      assert.deepEqual(await tried(refresh()), { ok: false, sent: [NEW, OLD], refused: [0, 1] });
    });

    it('looks at the first again after an hour, once, and stays with the second where it is still refused', async () => {
      accept(NEW);
      await tried(refresh());
      now += HOUR_MS - 1;
      assert.deepEqual((await tried(refresh())).sent, [NEW]);
      now += 1;
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [OLD, NEW], refused: [0] });
      assert.deepEqual((await tried(refresh())).sent, [NEW]);
      now += HOUR_MS;
      const sides = await Promise.all([refresh(), refresh(), refresh()]);
      assert.ok(sides.every(({ ok }) => ok));
      const sent = server.requests.splice(0).map(({ form }) => form.get('client_secret'));
      assert.deepEqual(sent.toSorted(), [NEW, NEW, NEW, OLD], 'one call looks, the others go on');
    });

    it('goes back to the first once a look finds it accepted', async () => {
      accept(NEW);
      await tried(refresh());
      accept(OLD, NEW);
      now += HOUR_MS;
      assert.deepEqual(await tried(refresh()), { ok: true, sent: [OLD], refused: undefined });
      assert.deepEqual((await tried(refresh())).sent, [OLD]);
    });

    it('stays with the second where a look at the first meets a passing fault', async () => {
      accept(NEW);
      await tried(refresh());
      now += HOUR_MS;
      server.answer(503, {});
      assert.deepEqual(await tried(refresh()), { ok: false, sent: [OLD], refused: undefined });
      accept(NEW);
      assert.deepEqual((await tried(refresh())).sent, [NEW]);
    });

    it('holds one time-out for both tries together, and begins the next call with the second', async () => {
      const timeoutMs = 1000;
      const hurried = withSecrets(timeoutMs);
      server.decide((form) => ({ ...REFUSED, afterMs: form.get('client_secret') === OLD ? 700 : 30_000 }));
      const started = Date.now();
      const reply = await refresh(hurried);
      const elapsedMs = Date.now() - started;
      assert.ok(!reply.ok);
      assert.deepEqual(
        [reply.error.class, reply.error.affects, reply.error.code],
        ['retry_later', 'provider', 'network'],
      );
      assert.match(reply.error.message, /time-out/);
      assert.deepEqual(reply.error.refusedClientSecrets, [0]);
      assert.ok(elapsedMs < 700 + timeoutMs, `one time-out, not one for each try: ${elapsedMs} ms`);
      server.requests.length = 0;
      accept(NEW);
      assert.deepEqual((await tried(refresh(hurried))).sent, [NEW]);
    });

    it('tries no other secret where the provider says something else', async () => {
      const disabled = {
        status: 401,
        body: { error: 'disabled_client', error_description: 'AADSTS7000112: disabled' },
      };
      const busy = { status: 429, body: { error: 'invalid_client' } };
      for (const reply of [ENDED, disabled, busy, { status: 400, body: { error: 'something_new' } }]) {
        server.decide(() => reply);
        assert.deepEqual(await tried(refresh()), { ok: false, sent: [OLD], refused: undefined });
      }
    });

    it('believes the second that the grant has ended', async () => {
      server.decide((form) => (form.get('client_secret') === OLD ? REFUSED : ENDED));
      const reply = await refresh();
      assert.ok(!reply.ok);
      assert.deepEqual([reply.error.class, reply.error.affects], ['person_must_act', 'grant']);
      assert.deepEqual(reply.error.refusedClientSecrets, [0]);
    });

    it('authenticates by header with each, at a server that takes nothing else', async () => {
      const byHeader = make({
        clientId: 'made-up-client',
        clientSecrets: [{ value: OLD }, { value: NEW }],
        endpoints: {
          authorization_endpoint: `${server.origin}/a`,
          token_endpoint: `${server.origin}/token`,
          token_endpoint_auth_methods_supported: ['client_secret_basic'],
        },
      });
      server.decide(() => (server.requests.length === 1 ? REFUSED : GIVEN));
      assert.ok((await refresh(byHeader)).ok);
      const sent = server.requests.map(({ authorization = '' }) =>
        Buffer.from(authorization.slice('Basic '.length), 'base64').toString(),
      );
      assert.deepEqual(sent, [`made-up-client:${OLD}`, `made-up-client:${NEW}`]);
    });
  });
}
