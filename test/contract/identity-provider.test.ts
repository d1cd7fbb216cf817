import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { googleIdentityProvider } from '../../shared/adapters/google/google-identity-provider.ts';
import { msalIdentityProvider } from '../../shared/adapters/msal/msal-identity-provider.ts';
import type { OAuthClientConfig } from '../../shared/adapters/oauth-http/endpoints.ts';
import type { IdentityProvider, ProviderFailure } from '../../shared/ports/identity-provider.ts';
import { type ScriptedTokenEndpoint, startScriptedTokenEndpoint, unsignedIdToken } from '../fakes/token-endpoint.ts';

const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
const CLIENT_SECRET = 'made-up-client-secret';
const REFRESH_TOKEN = 'made-up-refresh-token-0123456789';
const NOW = Date.parse('2026-11-21T10:00:00Z');
const REDIRECT_URI = 'http://localhost:8787/oauth/callback';

/** Long enough for a loaded machine to answer, short enough to wait for. */
const TIMEOUT_MS = 400;

interface Subject {
  readonly name: string;
  readonly provider: (config: OAuthClientConfig) => IdentityProvider;
  readonly issuer: (origin: string) => string;
  readonly claims: { readonly [name: string]: unknown };
  readonly account: { readonly subject: string; readonly addresses: readonly string[] };
  readonly smtpScope: string;
  readonly apiScope: string;
  /** What its token is asked with besides. */
  readonly apiScopesBesides: readonly string[];
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'msalIdentityProvider',
    provider: (config) => msalIdentityProvider({ ...config, tenant: 'organizations' }),
    issuer: () => 'https://login.microsoftonline.com/99999999-8888-7777-6666-555555555555/v2.0',
    claims: {
      sub: 'pairwise',
      oid: 'object-id',
      preferred_username: 'Scan@Contoso.example',
      upn: 'scan@contoso.example',
      email: 'scan.alias@contoso.example',
    },
    account: { subject: 'object-id', addresses: ['scan@contoso.example', 'scan.alias@contoso.example'] },
    smtpScope: 'https://outlook.office.com/SMTP.Send',
    apiScope: 'https://graph.microsoft.com/Mail.Send',
    apiScopesBesides: ['https://graph.microsoft.com/Mail.ReadWrite'],
  },
  {
    name: 'googleIdentityProvider',
    provider: googleIdentityProvider,
    issuer: (origin) => origin,
    claims: { sub: '1029384756', email: 'Scan@Contoso.example', email_verified: true },
    account: { subject: '1029384756', addresses: ['scan@contoso.example'] },
    smtpScope: 'https://mail.google.com/',
    apiScope: 'https://mail.google.com/',
    apiScopesBesides: [],
  },
];

for (const subject of SUBJECTS) {
  describe(`${subject.name} as IdentityProvider`, () => {
    let server: ScriptedTokenEndpoint;
    let provider: IdentityProvider;

    const idToken = (claims: { readonly [name: string]: unknown } = {}): string =>
      unsignedIdToken({
        iss: subject.issuer(server.origin),
        aud: CLIENT_ID,
        exp: NOW / 1000 + 3600,
        ...subject.claims,
        ...claims,
      });

    const refresh = () => provider.refresh({ refreshToken: REFRESH_TOKEN, audience: 'smtp' });
    const redeem = () =>
      provider.redeemCode({ code: 'made-up-code', codeVerifier: 'v'.repeat(43), redirectUri: REDIRECT_URI });

    const refreshFailure = async (): Promise<ProviderFailure> => {
      const result = await refresh();
      assert.ok(!result.ok, 'expected a failure');
      return result.error;
    };

    before(async () => {
      server = await startScriptedTokenEndpoint();
      provider = subject.provider({
        clientId: CLIENT_ID,
        clientSecrets: [{ value: CLIENT_SECRET, expiresOn: '2027-03-01' }],
        endpoints: {
          authorization_endpoint: `${server.origin}/authorize`,
          token_endpoint: `${server.origin}/token`,
          issuer: server.origin,
          jwks_uri: `${server.origin}/jwks`,
        },
        timeoutMs: TIMEOUT_MS,
        now: () => NOW,
      });
    });
    beforeEach(() => server.reset());
    after(() => server.close());

    it('asks for everything in the authorization URL', async () => {
      const url = new URL(
        await provider.authorizationUrl({
          redirectUri: REDIRECT_URI,
          state: 'st&te',
          codeChallenge: 'c'.repeat(43),
          loginHint: 'scan+1@contoso.example',
        }),
      );
      const query = Object.fromEntries(url.searchParams);
      assert.equal(url.origin + url.pathname, `${server.origin}/authorize`);
      assert.equal(query.response_type, 'code');
      assert.equal(query.client_id, CLIENT_ID);
      assert.equal(query.redirect_uri, REDIRECT_URI);
      assert.equal(query.state, 'st&te');
      assert.equal(query.code_challenge, 'c'.repeat(43));
      assert.equal(query.code_challenge_method, 'S256');
      assert.equal(query.login_hint, 'scan+1@contoso.example');
      assert.equal(query.nonce, undefined);
      const scopes = query.scope?.split(' ') ?? [];
      assert.ok(scopes.includes('openid') && scopes.includes('email') && scopes.includes(subject.smtpScope));
      if (provider.name === 'microsoft') {
        for (const audience of ['smtp', 'imap', 'pop', 'api'] as const) {
          assert.ok(scopes.includes(provider.scopeFor(audience) ?? 'none'), audience);
        }
        assert.ok(scopes.includes('offline_access'));
        assert.equal(query.prompt, undefined);
      } else {
        assert.deepEqual([query.access_type, query.prompt], ['offline', 'consent']);
      }
      assert.equal(server.requests.length, 0);
    });

    it('names its client, and of the client secret the day it expires and a few letters that change with it', () => {
      assert.equal(provider.clientId, CLIENT_ID);
      const [{ expiresOn, fingerprint } = {}, ...others] = provider.clientSecrets;
      assert.deepEqual([expiresOn, others], ['2027-03-01', []]);
      assert.match(fingerprint ?? '', /^[\w-]{6}$/);
    });

    it('names the scope of each audience', () => {
      assert.equal(provider.scopeFor('smtp'), subject.smtpScope);
      assert.equal(provider.scopeFor('api'), subject.apiScope);
    });

    it('redeems a code with verifier and secret, and says who signed in', async () => {
      server.answer(200, {
        access_token: 'made-up-access-token',
        token_type: 'Bearer',
        expires_in: 3599,
        refresh_token: 'made-up-first-refresh-token',
        scope: `openid email ${subject.smtpScope}`,
        id_token: idToken(),
      });
      assert.deepEqual(await redeem(), {
        ok: true,
        value: {
          accessToken: 'made-up-access-token',
          expiresInSeconds: 3599,
          refreshToken: 'made-up-first-refresh-token',
          // Consented to with the rest, though the reply names its own resource's alone.
          scopes: [...new Set(['openid', 'email', subject.smtpScope, subject.apiScope, ...subject.apiScopesBesides])],
          formerStaysValid: false,
          account: subject.account,
        },
      });
      const form = server.requests[0]?.form;
      assert.equal(form?.get('grant_type'), 'authorization_code');
      assert.equal(form?.get('code'), 'made-up-code');
      assert.equal(form?.get('code_verifier'), 'v'.repeat(43));
      assert.equal(form?.get('redirect_uri'), REDIRECT_URI);
      assert.equal(form?.get('client_id'), CLIENT_ID);
      assert.equal(form?.get('client_secret'), CLIENT_SECRET);
      if (provider.name === 'microsoft') {
        const asked = form?.get('scope')?.split(' ') ?? [];
        assert.ok(asked.includes(subject.smtpScope));
        assert.ok(!asked.some((scope) => scope.includes('graph')), 'one request is for one resource');
      }
    });

    it('does not say who signed in where the ID token is missing, broken, expired or for another client', async () => {
      const tokens = [undefined, 'x.y', 'not.a.jwt', idToken({ aud: 'other' }), idToken({ exp: NOW / 1000 - 600 })];
      if (provider.name === 'google') tokens.push(idToken({ iss: 'https://evil.example' }));
      for (const id_token of tokens) {
        server.answer(200, { access_token: 'a', expires_in: 3600, refresh_token: 'r', id_token });
        const result = await redeem();
        assert.ok(result.ok);
        assert.equal(result.value.account, undefined);
        assert.equal(result.value.refreshToken, 'r');
      }
    });

    if (subject.name === 'googleIdentityProvider') {
      it('takes nobody at an address that the provider has not verified', async () => {
        for (const email_verified of [false, 'false']) {
          const id_token = idToken({ email_verified });
          server.answer(200, { access_token: 'a', expires_in: 3600, refresh_token: 'r', id_token });
          const result = await redeem();
          assert.ok(result.ok);
          assert.deepEqual(result.value.account, { subject: subject.account.subject, addresses: [] });
        }
      });
    }

    it('refreshes for one audience', async () => {
      for (const [audience, scopes] of [
        ['smtp', [subject.smtpScope]],
        ['api', [subject.apiScope, ...subject.apiScopesBesides]],
      ] as const) {
        server.answer(200, { access_token: 'made-up-access-token', expires_in: 3599 });
        assert.deepEqual(await provider.refresh({ refreshToken: REFRESH_TOKEN, audience }), {
          ok: true,
          value: {
            accessToken: 'made-up-access-token',
            expiresInSeconds: 3599,
            scopes: [...scopes],
            formerStaysValid: false,
          },
        });
        const form = server.requests.at(-1)?.form;
        assert.equal(form?.get('grant_type'), 'refresh_token');
        assert.equal(form?.get('refresh_token'), REFRESH_TOKEN);
        assert.equal(form?.get('client_secret'), CLIENT_SECRET);
        const asked = form?.get('scope')?.split(' ') ?? [];
        if (provider.name === 'google') assert.deepEqual(asked, []);
        else
          assert.deepEqual(
            asked.filter((name) => name.startsWith('https:')),
            [...scopes],
          );
      }
    });

    it('authenticates by header at a server that takes nothing else', async () => {
      const clientSecret = 'made-up: +ü/&=secret';
      const strict = subject.provider({
        clientId: CLIENT_ID,
        clientSecrets: [{ value: clientSecret }],
        endpoints: {
          authorization_endpoint: `${server.origin}/authorize`,
          token_endpoint: `${server.origin}/token`,
          token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
        },
        now: () => NOW,
      });
      server.answer(200, { access_token: 'made-up-access-token', expires_in: 3599 });
      assert.ok((await strict.refresh({ refreshToken: REFRESH_TOKEN, audience: 'smtp' })).ok);
      const code = 'made-up-code';
      assert.ok((await strict.redeemCode({ code, codeVerifier: 'v'.repeat(43), redirectUri: REDIRECT_URI })).ok);
      assert.equal(server.requests.length, 2);
      const encoded = 'made-up%3A+%2B%C3%BC%2F%26%3Dsecret';
      for (const { form, authorization } of server.requests) {
        const credential = Buffer.from(authorization?.split(' ')[1] ?? '', 'base64').toString();
        assert.equal(credential, `${CLIENT_ID}:${encoded}`);
        assert.deepEqual([form.get('client_id'), form.get('client_secret')], [null, null]);
      }
      assert.equal(server.requests[0]?.form.get('refresh_token'), REFRESH_TOKEN);
      assert.equal(server.requests[1]?.form.get('code'), code);
    });

    it('keeps a rotated refresh token, and the same one when it comes back', async () => {
      for (const refresh_token of ['made-up-second-refresh-token', REFRESH_TOKEN]) {
        server.answer(200, { access_token: 'a', expires_in: 3600, refresh_token });
        const result = await refresh();
        assert.ok(result.ok);
        assert.equal(result.value.refreshToken, refresh_token);
      }
    });

    it('keeps a rotated refresh token whatever else is odd about the reply', async () => {
      server.answer(200, {
        access_token: 'a',
        expires_in: '3600',
        refresh_token: 'made-up-second-refresh-token',
        id_token: 'broken',
        client_info: '!!',
        unheard_of: { deep: [] },
        refresh_in: 'x',
      });
      const result = await refresh();
      assert.ok(result.ok);
      assert.equal(result.value.refreshToken, 'made-up-second-refresh-token');
      assert.equal(result.value.expiresInSeconds, 3600);
    });

    it('takes 200 without a token for a passing fault', async () => {
      server.answer(200, { foo: 1 });
      assert.deepEqual((await refreshFailure()).class, 'retry_later');
    });

    it('gives up on a server that hangs before its reply, or within it', async () => {
      for (const hang of ['before', 'within'] as const) {
        server.hang(hang);
        const started = Date.now();
        const failure = await refreshFailure();
        assert.ok(Date.now() - started < TIMEOUT_MS * 5, 'within its own time-out');
        assert.deepEqual([failure.class, failure.affects, failure.code], ['retry_later', 'provider', 'network']);
        assert.match(failure.message, /time-out/);
      }
    });

    it('takes a dropped connection, or none, for a passing fault', async () => {
      server.drop();
      assert.deepEqual((await refreshFailure()).code, 'network');
      assert.equal(server.requests.length, 1, 'no retries inside');

      const nowhere = subject.provider({
        clientId: CLIENT_ID,
        clientSecrets: [{ value: CLIENT_SECRET }],
        endpoints: { authorization_endpoint: 'http://127.0.0.1:1/a', token_endpoint: 'http://127.0.0.1:1/t' },
      });
      const result = await nowhere.refresh({ refreshToken: REFRESH_TOKEN, audience: 'smtp' });
      assert.ok(!result.ok);
      assert.deepEqual([result.error.class, result.error.code], ['retry_later', 'network']);
      assert.match(result.error.message, /ECONNREFUSED|connection failed/);
    });

    it('passes Retry-After on, once for each request, and asks again at once when told to', async () => {
      server.answer(429, { error: 'temporarily_unavailable' }, { 'retry-after': '77' });
      const first = await refreshFailure();
      assert.deepEqual([first.class, first.affects, first.retryAfterSeconds], ['retry_later', 'provider', 77]);
      const started = Date.now();
      server.answer(503, { error: 'x' }, { 'retry-after': new Date(NOW + 90_000).toUTCString() });
      assert.equal((await refreshFailure()).retryAfterSeconds, 90);
      assert.ok(Date.now() - started < 1500, 'the library does not wait to try again');
      server.answer(200, { access_token: 'a', expires_in: 3600 });
      assert.ok((await refresh()).ok, 'one failure does not throttle the next call');
      assert.equal(server.requests.length, 3, 'one call is one request');
    });

    it('takes an HTML error page for a passing fault', async () => {
      server.answerText(502, '<html><body>Bad Gateway</body></html>', { 'content-type': 'text/html' });
      assert.deepEqual([(await refreshFailure()).class, (await refreshFailure()).code], ['retry_later', 'http_502']);
    });

    it('takes no word from a refusal that is no JSON, is empty, is cut off, or does not end', async () => {
      const dead = '{"error":"invalid_grant","error_description":"Token has been expired or revoked."';
      for (const [text, headers] of [
        [`<html>${dead}}</html>`, {}],
        ['', {}],
        [dead, {}],
        [`${dead}}`, { 'content-length': '500' }],
        [`${dead}${' '.repeat(300_000)}}`, {}],
      ] as const) {
        server.answerText(400, text, { 'content-type': 'application/json', ...headers });
        const failure = await refreshFailure();
        assert.deepEqual([failure.class, failure.affects], ['retry_later', 'provider'], text.slice(0, 40));
      }
    });

    it('does not follow a redirect with the secrets in hand', async () => {
      server.answerText(307, '', { location: `${server.origin}/elsewhere` });
      assert.deepEqual((await refreshFailure()).class, 'retry_later');
      assert.deepEqual(
        server.requests.map(({ path }) => path.split('?')[0]),
        ['/token'],
      );
    });

    it('stops reading a reply that does not end', async () => {
      server.answerText(200, ' '.repeat(300_000), { 'content-type': 'application/json' });
      assert.match((await refreshFailure()).message, /too large/);
    });

    it('ends the grant on invalid_grant', async () => {
      server.answer(400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' });
      assert.deepEqual(await refreshFailure().then(({ class: who, kind, code }) => [who, kind, code]), [
        'person_must_act',
        'sign_in_lapsed',
        'invalid_grant',
      ]);
      assert.equal(server.requests.length, 1);
    });

    it('calls the operator for a wrong secret, and leaves the grant alone', async () => {
      server.answer(401, {
        error: 'invalid_client',
        error_description: 'AADSTS7000215: Invalid client secret provided.',
      });
      const failure = await refreshFailure();
      assert.deepEqual([failure.class, failure.kind], ['operator_must_act', 'app_registration_refused']);
      assert.deepEqual([failure.affects, failure.refusedClientSecrets], ['registration', [0]]);
      assert.equal(server.requests.length, 1, 'there is no other secret to try');
    });

    it('trusts no former refresh token of another server, unless its entry says that it rotates leniently', async () => {
      for (const [refreshTokenRotation, expected] of [
        ['strict', false],
        ['lenient', true],
      ] as const) {
        const told = subject.provider({
          clientId: CLIENT_ID,
          clientSecrets: [{ value: CLIENT_SECRET }],
          endpoints: { authorization_endpoint: `${server.origin}/a`, token_endpoint: `${server.origin}/token` },
          refreshTokenRotation,
          now: () => NOW,
        });
        // A directory's id that a server claims is not believed.
        const id_token = idToken({ tid: '99999999-8888-7777-6666-555555555555' });
        server.answer(200, { access_token: 'a', expires_in: 3600, refresh_token: 'r2', id_token });
        const refreshed = await told.refresh({ refreshToken: REFRESH_TOKEN, audience: 'smtp' });
        assert.ok(refreshed.ok);
        assert.equal(refreshed.value.formerStaysValid, expected);
      }
    });

    it('shows neither tokens nor secrets nor the raw reply in a failure', async () => {
      const echoing = {
        error: 'invalid_grant',
        error_description: `no: ${REFRESH_TOKEN} ${CLIENT_SECRET}`,
        x: REFRESH_TOKEN,
      };
      const faults = [
        () => server.answer(400, echoing),
        () => server.answer(500, echoing),
        () => server.answer(401, { ...echoing, error: 'invalid_client' }),
        () => server.answerText(502, REFRESH_TOKEN, {}),
        () => server.drop(),
        () => server.hang('before'),
      ];
      for (const fault of faults) {
        for (const call of [refresh, redeem]) {
          fault();
          const result = await call();
          assert.ok(!result.ok);
          const shown = inspect(result, { depth: Infinity, showHidden: true, getters: true });
          assert.doesNotMatch(shown, /made-up/);
          const { refusedClientSecrets: _positions, ...said } = result.error;
          assert.ok(!Object.values(said).some((value) => typeof value === 'object'), 'plain data');
        }
      }
    });

    it('keeps calls of two people apart', async () => {
      server.answerWith((form) => ({ access_token: `for ${form.get('refresh_token')}`, expires_in: 3600 }));
      const people = ['ann', 'bob', 'carl'];
      const replies = await Promise.all(
        people.map((name) => provider.refresh({ refreshToken: name, audience: 'smtp' })),
      );
      assert.deepEqual(
        replies.map((reply) => reply.ok && reply.value.accessToken),
        people.map((name) => `for ${name}`),
      );
    });

    it('explains an error on the way back', () => {
      assert.equal(provider.explainRedirectError({ error: 'access_denied' }).kind, 'sign_in_cancelled');
      assert.equal(
        provider.explainRedirectError({ error: 'odd', errorDescription: '<b>x</b>' }).kind,
        'sign_in_refused',
      );
    });
  });
}
