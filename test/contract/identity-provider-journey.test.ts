import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { makePerson, type SignInWish } from '../../local/demo/person.ts';
import { type IdentityStandIn, startIdentityStandIn } from '../../local/stand-ins/identity/server.ts';
import { googleIdentityProvider } from '../../shared/adapters/google/google-identity-provider.ts';
import { msalIdentityProvider } from '../../shared/adapters/msal/msal-identity-provider.ts';
import type { OAuthClientConfig } from '../../shared/adapters/oauth-http/endpoints.ts';
import { AUDIENCES, type ProviderName, scopeGranted } from '../../shared/domain/provider.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';

const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
const CLIENT_SECRET = 'made-up-client-secret';
const CLIENT = { clientId: CLIENT_ID, clientSecrets: [{ value: CLIENT_SECRET }] } as const;
const WRONG_SECRET = { value: 'made-up-wrong-secret' };
const REDIRECT_URI = 'http://127.0.0.1:9/oauth/callback';

const SUBJECTS = {
  microsoft: {
    address: 'scanner@contoso.example',
    provider: (config: OAuthClientConfig) => msalIdentityProvider({ ...config, tenant: 'organizations' }),
  },
  google: {
    address: 'scanner@gmail.example',
    provider: googleIdentityProvider,
  },
} as const satisfies Record<
  ProviderName,
  { address: string; provider: (config: OAuthClientConfig) => IdentityProvider }
>;

for (const name of ['microsoft', 'google'] as const) {
  const { address, provider: make } = SUBJECTS[name];

  describe(`${name}: an IdentityProvider against a real OAuth server`, () => {
    let server: IdentityStandIn;
    let provider: IdentityProvider;

    before(async () => {
      server = await startIdentityStandIn({
        provider: name,
        databasePath: ':memory:',
        clients: [{ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUris: [REDIRECT_URI] }],
        port: 0,
        host: '127.0.0.1',
      });
      provider = make({ ...CLIENT, endpoints: server.endpoints, timeoutMs: 2000 });
    });
    afterEach(() => {
      server.clearFaults();
      server.resetCounters();
      server.setRotation(name === 'microsoft' ? 'lenient' : 'none');
    });
    after(() => server.close());

    /** A person signs in; what the browser brings back. */
    const callback = async (wish: Partial<SignInWish> = {}) => {
      const codeVerifier = randomBytes(32).toString('base64url');
      const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
      const request = { redirectUri: REDIRECT_URI, state: 'made-up-state', codeChallenge, loginHint: address };
      const page = await makePerson().signIn(await provider.authorizationUrl(request), { username: address, ...wish });
      const query = new URL(page.url).searchParams;
      return { query, codeVerifier };
    };

    const signIn = async () => {
      const { query, codeVerifier } = await callback();
      const code = query.get('code') ?? '';
      const result = await provider.redeemCode({ code, codeVerifier, redirectUri: REDIRECT_URI });
      return { code, codeVerifier, result };
    };

    const refreshToken = async (): Promise<string> => {
      const { result } = await signIn();
      assert.ok(result.ok && result.value.refreshToken);
      return result.value.refreshToken;
    };

    const refused = async (token: string, by = provider) => {
      const result = await by.refresh({ refreshToken: token, audience: 'smtp' });
      assert.ok(!result.ok, 'expected a failure');
      return { who: result.error.class, kind: result.error.kind };
    };

    it('turns a sign-in into a working grant that knows its account', async () => {
      const { result } = await signIn();
      assert.ok(result.ok, result.ok ? '' : result.error.message);
      const { accessToken, account, scopes, refreshToken, expiresInSeconds } = result.value;
      assert.ok(refreshToken);
      assert.ok(expiresInSeconds > 3000);
      assert.deepEqual(account?.addresses, [address]);
      assert.ok(account?.subject);
      for (const audience of AUDIENCES)
        assert.ok(scopeGranted(scopes, provider.scopeFor(audience) ?? 'none'), audience);
      assert.deepEqual(await server.verifyToken(accessToken, 'smtp'), { outcome: 'valid', provider: name, address });
    });

    it('gets a token for each audience from the one refresh token', async () => {
      const token = await refreshToken();
      for (const audience of AUDIENCES) {
        const result = await provider.refresh({ refreshToken: token, audience });
        assert.ok(result.ok, result.ok ? '' : result.error.message);
        assert.equal((await server.verifyToken(result.value.accessToken, audience)).outcome, 'valid', audience);
      }
      assert.equal(server.counters()['token:refresh_token'], AUDIENCES.length);
    });

    if (name === 'microsoft') {
      it('gets a token for Graph that no mail server takes, and the other way round', async () => {
        const token = await refreshToken();
        for (const [audience, other] of [
          ['api', 'smtp'],
          ['smtp', 'api'],
        ] as const) {
          const result = await provider.refresh({ refreshToken: token, audience });
          assert.ok(result.ok);
          const verdict = await server.verifyToken(result.value.accessToken, other);
          assert.deepEqual(verdict, { outcome: 'refused', why: 'wrong_audience' });
        }
      });

      it('hears that consent is missing for Graph, and goes on for mail', async () => {
        const token = await refreshToken();
        server.setConsent(address, provider.scopeFor('api') ?? '', false);
        const result = await provider.refresh({ refreshToken: token, audience: 'api' });
        server.setConsent(address, provider.scopeFor('api') ?? '', true);
        assert.ok(!result.ok);
        assert.deepEqual([result.error.kind, result.error.code], ['consent_withdrawn', 'AADSTS65001']);
        assert.ok((await provider.refresh({ refreshToken: token, audience: 'smtp' })).ok);
      });
    }

    it('follows a strict rotation, link by link', async () => {
      server.setRotation('strict');
      let token = await refreshToken();
      for (let link = 0; link < 3; link++) {
        const result = await provider.refresh({ refreshToken: token, audience: 'smtp' });
        assert.ok(result.ok && result.value.refreshToken, `link ${link}`);
        assert.notEqual(result.value.refreshToken, token);
        token = result.value.refreshToken;
      }
    });

    it('hears that a grant was revoked', async () => {
      const token = await refreshToken();
      server.revokeAccount(address);
      assert.deepEqual(await refused(token), { who: 'person_must_act', kind: 'sign_in_lapsed' });
      assert.deepEqual(await refused('made-up'), { who: 'person_must_act', kind: 'sign_in_lapsed' });
    });

    it('calls the operator for a wrong secret, and the grant still works', async () => {
      const token = await refreshToken();
      const mistaken = make({ ...CLIENT, clientSecrets: [WRONG_SECRET], endpoints: server.endpoints });
      assert.deepEqual(await refused(token, mistaken), { who: 'operator_must_act', kind: 'app_registration_refused' });
      assert.ok((await provider.refresh({ refreshToken: token, audience: 'smtp' })).ok);
    });

    it('redeems and refreshes with the second client secret where the first is wrong, even under strict rotation', async () => {
      server.setRotation('strict');
      const clientSecrets = [WRONG_SECRET, { value: CLIENT_SECRET }] as const;
      const { query, codeVerifier } = await callback();
      const code = query.get('code') ?? '';
      const redeeming = make({ ...CLIENT, clientSecrets, endpoints: server.endpoints });
      const redeemed = await redeeming.redeemCode({ code, codeVerifier, redirectUri: REDIRECT_URI });
      assert.ok(redeemed.ok && redeemed.value.refreshToken, 'the refused try did not use up the code');
      assert.deepEqual(redeemed.value.refusedClientSecrets, [0]);
      const refreshing = make({ ...CLIENT, clientSecrets, endpoints: server.endpoints });
      const refreshToken = redeemed.value.refreshToken;
      const refreshed = await refreshing.refresh({ refreshToken, audience: 'smtp' });
      assert.ok(refreshed.ok, 'the refused try did not use up the refresh token');
      assert.deepEqual(refreshed.value.refusedClientSecrets, [0]);
    });

    it('takes faults of the server as passing, each after one request', async () => {
      const token = await refreshToken();
      const later = { who: 'retry_later', kind: 'provider_unavailable' };
      const faults = [
        { kind: 'reset' },
        { kind: 'lose_reply' },
        { kind: 'reply', status: 429, body: { error: 'temporarily_unavailable' }, headers: { 'retry-after': '9' } },
        { kind: 'reply', status: 502, body: '<html>Bad Gateway</html>' },
        { kind: 'reply', status: 200, body: {} },
      ] as const;
      for (const fault of faults) {
        server.resetCounters();
        server.setFault('token', fault);
        assert.deepEqual(await refused(token), later);
        assert.equal(server.counters().token, 1, JSON.stringify(fault));
      }
      assert.ok((await provider.refresh({ refreshToken: token, audience: 'smtp' })).ok);
    });

    it('redeems a code once, with the right verifier only', async () => {
      const { code, codeVerifier } = await signIn();
      const again = await provider.redeemCode({ code, codeVerifier, redirectUri: REDIRECT_URI });
      assert.deepEqual(!again.ok && again.error.class, 'person_must_act');

      const fresh = (await callback()).query.get('code') ?? '';
      const guessed = await provider.redeemCode({
        code: fresh,
        codeVerifier: 'x'.repeat(43),
        redirectUri: REDIRECT_URI,
      });
      assert.ok(!guessed.ok);
      assert.deepEqual([guessed.error.class, guessed.error.kind], ['person_must_act', 'sign_in_refused']);
    });

    it('explains a sign-in that the person broke off', async () => {
      for (const decision of ['cancel', 'refuse'] as const) {
        const { query } = await callback({ decision });
        const error = query.get('error') ?? '';
        const errorDescription = query.get('error_description') ?? undefined;
        assert.equal(provider.explainRedirectError({ error, errorDescription }).kind, 'sign_in_cancelled', decision);
        assert.equal(query.get('state'), 'made-up-state');
      }
    });
  });
}
