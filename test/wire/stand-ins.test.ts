import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ConfidentialClientApplication, CryptoProvider } from '@azure/msal-node';
import { CodeChallengeMethod, OAuth2Client } from 'google-auth-library';
import { formIn, makePerson } from '../../local/demo/person.ts';
import { entraErrorBody } from '../../local/stand-ins/identity/microsoft-errors.ts';
import { type IdentityStandIn, startIdentityStandIn } from '../../local/stand-ins/identity/server.ts';

const CLIENT = {
  clientId: 'test-client',
  clientSecret: 'test-client-secret',
  redirectUris: ['http://localhost:1/back'],
};
const REDIRECT_URI = 'http://localhost:1/back';
const SMTP = 'https://outlook.office.com/SMTP.Send';
const GRAPH = 'https://graph.microsoft.com/Mail.Send';
const GMAIL = 'https://mail.google.com/';

const start = (provider: 'microsoft' | 'google', more: { rotate?: 'strict'; testControls?: boolean } = {}) =>
  startIdentityStandIn({
    provider,
    host: '127.0.0.1',
    port: 0,
    databasePath: ':memory:',
    clients: [CLIENT],
    ...more,
  });

const authorizationUrl = (standIn: IdentityStandIn, parameters: Record<string, string>): string => {
  const url = new URL(standIn.endpoints.authorization_endpoint);
  const usual = { client_id: CLIENT.clientId, redirect_uri: REDIRECT_URI, response_type: 'code', state: 'abc' };
  for (const [name, value] of Object.entries({ ...usual, ...parameters })) url.searchParams.set(name, value);
  return url.href;
};

const postForm = async (url: string, form: Record<string, string>) => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

const token = (standIn: IdentityStandIn, form: Record<string, string>) =>
  postForm(standIn.endpoints.token_endpoint, {
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
    ...form,
  });

const codeFrom = (url: string): string => new URL(url).searchParams.get('code') ?? '';

const MICROSOFT_SCOPES = `openid profile email offline_access ${SMTP} ${GRAPH}`;

/** Sign-in, consent and code exchange at the Microsoft stand-in. */
const microsoftTokens = async (standIn: IdentityStandIn, username: string, scope = MICROSOFT_SCOPES) => {
  const page = await makePerson().signIn(authorizationUrl(standIn, { scope }), { username });
  return token(standIn, { grant_type: 'authorization_code', code: codeFrom(page.url), redirect_uri: REDIRECT_URI });
};

describe('the Microsoft stand-in', () => {
  let standIn: IdentityStandIn;
  before(async () => {
    standIn = await start('microsoft');
  });
  after(() => standIn.close());

  const msal = () =>
    new ConfidentialClientApplication({
      auth: {
        clientId: CLIENT.clientId,
        clientSecret: CLIENT.clientSecret,
        authority: 'https://login.microsoftonline.com/organizations',
        authorityMetadata: JSON.stringify(standIn.endpoints),
      },
    });

  const signInByMsal = async (application: ConfidentialClientApplication) => {
    const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
    const url = await application.getAuthCodeUrl({
      scopes: [SMTP, 'email'],
      redirectUri: REDIRECT_URI,
      codeChallenge: challenge,
      codeChallengeMethod: 'S256',
      loginHint: 'scanner@contoso.example',
    });
    const page = await makePerson().signIn(url, { username: 'scanner@contoso.example' });
    const code = codeFrom(page.url);
    return application.acquireTokenByCode({
      code,
      codeVerifier: verifier,
      redirectUri: REDIRECT_URI,
      scopes: [SMTP],
    });
  };

  test('signs a mailbox in through MSAL with PKCE, and its token is good for SMTP', async () => {
    const result = await signInByMsal(msal());
    assert.equal(result.account?.username, 'scanner@contoso.example');
    assert.match(result.account?.homeAccountId ?? '', /^[0-9a-f-]{36}\.[0-9a-f-]{36}$/);
    assert.deepEqual(result.scopes, [SMTP]);
    const claims = result.idTokenClaims as Record<string, unknown>;
    assert.equal(claims.email, 'scanner@contoso.example');
    assert.equal(claims.name, 'Scanner');
    assert.equal(claims.oid, claims.sub);
    assert.deepEqual(await standIn.verifyToken(result.accessToken, 'smtp'), {
      outcome: 'valid',
      provider: 'microsoft',
      address: 'scanner@contoso.example',
    });
  });

  test('gives MSAL a new refresh token at every refresh, and the old ones stay good', async () => {
    const application = msal();
    const { account } = await signInByMsal(application);
    assert.ok(account);
    const refreshToken = () => {
      const cache = JSON.parse(application.getTokenCache().serialize()) as {
        RefreshToken: Record<string, { secret: string }>;
      };
      return Object.values(cache.RefreshToken)[0]?.secret ?? '';
    };
    const first = refreshToken();
    await application.acquireTokenSilent({ account, scopes: [SMTP], forceRefresh: true });
    assert.notEqual(refreshToken(), first);
    const again = await msal().acquireTokenByRefreshToken({ refreshToken: first, scopes: [SMTP] });
    assert.ok(again?.accessToken);
  });

  test('gives from one refresh token a token for each resource, and never one for both', async () => {
    const { body } = await microsoftTokens(standIn, 'office@contoso.example');
    assert.equal(body.scope, SMTP);
    const refreshToken = String(body.refresh_token);
    const refreshed = await token(standIn, { grant_type: 'refresh_token', refresh_token: refreshToken, scope: GRAPH });
    assert.equal(refreshed.body.scope, GRAPH);
    const verdict = await standIn.verifyToken(String(refreshed.body.access_token), 'smtp');
    assert.deepEqual(verdict, { outcome: 'refused', why: 'wrong_audience' });
  });

  test('answers a scope that nobody consented to in Microsoft words, telling MSAL to ask a person', async () => {
    const { body } = await microsoftTokens(standIn, 'office@contoso.example', `offline_access openid ${SMTP}`);
    await assert.rejects(
      msal().acquireTokenByRefreshToken({ refreshToken: String(body.refresh_token), scopes: [GRAPH] }),
      (error: Error & { errorCode?: string; subError?: string }) => {
        assert.equal(error.name, 'InteractionRequiredAuthError');
        assert.equal(error.subError, 'consent_required');
        return true;
      },
    );
  });

  test('refuses a scope that consent was taken away from, until it is given back, and no other', async () => {
    const account = 'withheld@contoso.example';
    const { body } = await microsoftTokens(standIn, account);
    const refresh = (scope: string) =>
      token(standIn, { grant_type: 'refresh_token', refresh_token: String(body.refresh_token), scope });
    standIn.setConsent(' Withheld@Contoso.example', GRAPH, false);
    const refused = await refresh(`openid ${GRAPH}`);
    assert.deepEqual([refused.status, refused.body.error, refused.body.error_codes], [400, 'invalid_grant', [65001]]);
    assert.equal((await refresh(SMTP)).status, 200);
    const other = await microsoftTokens(standIn, 'office@contoso.example');
    const ofOther = { grant_type: 'refresh_token', refresh_token: String(other.body.refresh_token), scope: GRAPH };
    assert.equal((await token(standIn, ofOther)).status, 200);
    standIn.setConsent(account, GRAPH, true);
    assert.equal((await refresh(GRAPH)).status, 200);
  });

  test('says after an administrator has revoked the account that the grant was revoked', async () => {
    const { body } = await microsoftTokens(standIn, 'revoked@contoso.example');
    const other = await microsoftTokens(standIn, 'other@contoso.example');
    standIn.revokeAccount('Revoked@contoso.example');
    const refused = await token(standIn, { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.error, 'invalid_grant');
    assert.deepEqual(refused.body.error_codes, [50173]);
    assert.match(
      String(refused.body.error_description),
      /^AADSTS50173: .* Trace ID: \S+ Correlation ID: \S+ Timestamp: /,
    );
    assert.equal(typeof refused.body.correlation_id, 'string');
    const alive = await token(standIn, {
      grant_type: 'refresh_token',
      refresh_token: String(other.body.refresh_token),
    });
    assert.equal(alive.status, 200);
  });

  test('answers a wrong secret, a code used twice, a wrong verifier and nonsense each with its own number', async () => {
    const page = await makePerson().signIn(
      authorizationUrl(standIn, {
        scope: MICROSOFT_SCOPES,
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
      }),
      { username: 'scanner@contoso.example' },
    );
    // The pair of RFC 7636, appendix B.
    const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const exchange = { grant_type: 'authorization_code', code: codeFrom(page.url), redirect_uri: REDIRECT_URI };
    const number = async (form: Record<string, string>) => (await token(standIn, form)).body.error_codes;
    assert.deepEqual(await number({ ...exchange, client_secret: 'wrong' }), [7000215]);
    assert.deepEqual(await number({ ...exchange, code_verifier: `${verifier}x` }), [501481]);
    assert.equal(await number({ ...exchange, code_verifier: verifier }), undefined);
    assert.deepEqual(await number({ ...exchange, code_verifier: verifier }), [54005]);
    assert.deepEqual(await number({ grant_type: 'refresh_token', refresh_token: 'nonsense' }), [70000]);
    assert.deepEqual(await number({ grant_type: 'password' }), [70003]);
  });

  test('serves the device flow to a public client, with an interval and no complete URI', async () => {
    const asked = await postForm(standIn.endpoints.device_authorization_endpoint ?? '', {
      client_id: CLIENT.clientId,
      scope: MICROSOFT_SCOPES,
    });
    assert.equal(asked.body.interval, 5);
    assert.equal('verification_uri_complete' in asked.body, false);
    const poll = () =>
      postForm(standIn.endpoints.token_endpoint, {
        grant_type: 'device_code',
        client_id: CLIENT.clientId,
        device_code: String(asked.body.device_code),
      });
    assert.equal((await poll()).body.error, 'authorization_pending');

    const person = makePerson();
    const codePage = await person.open(String(asked.body.verification_uri));
    const wrong = await person.submit(codePage, undefined, { user_code: 'WRONG' });
    assert.match(wrong.body, /role="alert"/);
    const confirm = await person.submit(wrong, undefined, { user_code: String(asked.body.user_code) });
    const signIn = await person.submit(confirm, ['confirm', 'yes']);
    const consent = await person.submit(signIn, ['action', 'sign-in'], { username: 'scanner@contoso.example' });
    const done = await person.submit(consent, ['action', 'accept']);
    assert.match(done.body, /You have signed in/);

    const { body } = await poll();
    assert.equal(body.scope, SMTP);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) };
    assert.deepEqual((await token(standIn, refresh)).body.error_codes, [700025]);
    const public_ = await postForm(standIn.endpoints.token_endpoint, { client_id: CLIENT.clientId, ...refresh });
    assert.equal(public_.status, 200);
  });

  test('sends a person who cancels or refuses back with access_denied', async () => {
    for (const decision of ['cancel', 'refuse'] as const) {
      const url = authorizationUrl(standIn, { scope: MICROSOFT_SCOPES });
      const page = await makePerson().signIn(url, { username: 'scanner@contoso.example', decision });
      const answer = new URL(page.url).searchParams;
      assert.equal(answer.get('error'), 'access_denied');
      assert.equal(answer.get('state'), 'abc');
      assert.equal(answer.has('code'), false);
    }
  });

  test('shows the sign-in form again, with the reason, for a wrong account or password', async () => {
    const url = authorizationUrl(standIn, { scope: MICROSOFT_SCOPES, login_hint: 'scanner@contoso.example' });
    const wrongDomain = await makePerson().signIn(url, { username: 'me@fabrikam.example' });
    assert.match(wrongDomain.body, /role="alert">This stand-in knows only addresses at contoso\.example/);
    const wrongPassword = await makePerson().signIn(url, { username: 'scanner@contoso.example', password: 'guess' });
    assert.match(wrongPassword.body, /role="alert">The address or the password is wrong/);
  });

  test('fills the address in from login_hint, escaped, under a policy that lets no script run', async () => {
    const page = await makePerson().open(
      authorizationUrl(standIn, { scope: MICROSOFT_SCOPES, login_hint: '"><script>x</script>' }),
    );
    assert.equal(page.body.includes('<script'), false);
    assert.equal(formIn(page)?.fields.find(([name]) => name === 'username')?.[1], '"><script>x</script>');
    const style = /<style>([\s\S]*)<\/style>/.exec(page.body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = page.response?.headers.get('content-security-policy') ?? '';
    assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}'`), policy);
    assert.match(page.body, /<html lang="en">[\s\S]*<label for="username">[\s\S]*<label for="password">/);
  });

  test('asks every sign-in for the account, even in a browser that has signed in before', async () => {
    const person = makePerson();
    const url = authorizationUrl(standIn, { scope: MICROSOFT_SCOPES });
    for (const username of ['scanner@contoso.example', 'office@contoso.example']) {
      const page = await person.signIn(url, { username });
      const { body } = await token(standIn, {
        grant_type: 'authorization_code',
        code: codeFrom(page.url),
        redirect_uri: REDIRECT_URI,
      });
      const verdict = await standIn.verifyToken(String(body.access_token), 'smtp');
      assert.equal(verdict.outcome === 'valid' && verdict.address, username);
    }
  });

  test('shows an error page for a redirect URI that is not registered, and sends nobody there', async () => {
    const page = await makePerson().open(
      authorizationUrl(standIn, { scope: MICROSOFT_SCOPES, redirect_uri: 'http://localhost:1/elsewhere' }),
    );
    assert.equal(page.response?.status, 400);
    assert.match(page.body, /Sign-in not possible/);
  });
});

describe('refresh token rotation', () => {
  test('in strict mode lets one of several racing refreshes win, then ends the grant', async (t) => {
    const standIn = await start('microsoft', { rotate: 'strict' });
    t.after(() => standIn.close());
    const { body } = await microsoftTokens(standIn, 'scanner@contoso.example');
    const refresh = (refreshToken: unknown) =>
      token(standIn, { grant_type: 'refresh_token', refresh_token: String(refreshToken) });
    const once = await refresh(body.refresh_token);
    assert.equal(once.status, 200);
    const racing = await Promise.all([1, 2, 3, 4].map(() => refresh(once.body.refresh_token)));
    assert.deepEqual(racing.map(({ status }) => status).sort(), [200, 400, 400, 400]);
    const winner = racing.find(({ status }) => status === 200);
    const afterwards = await refresh(winner?.body.refresh_token);
    assert.equal(afterwards.body.error, 'invalid_grant');
  });

  test('can be made strict, lenient or none while it runs', async (t) => {
    const standIn = await start('microsoft');
    t.after(() => standIn.close());
    const { body } = await microsoftTokens(standIn, 'scanner@contoso.example');
    const refresh = () => token(standIn, { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) });
    standIn.setRotation('none');
    assert.equal((await refresh()).body.refresh_token, undefined);
    standIn.setRotation('lenient');
    assert.equal(typeof (await refresh()).body.refresh_token, 'string');
    assert.equal((await refresh()).status, 200);
    standIn.setRotation('strict');
    assert.equal((await refresh()).status, 200);
    assert.equal((await refresh()).status, 400);
  });
});

describe('the Google stand-in', () => {
  let standIn: IdentityStandIn;
  before(async () => {
    standIn = await start('google');
  });
  after(() => standIn.close());

  const google = () =>
    new OAuth2Client({
      clientId: CLIENT.clientId,
      clientSecret: CLIENT.clientSecret,
      redirectUri: REDIRECT_URI,
      endpoints: {
        oauth2AuthBaseUrl: standIn.endpoints.authorization_endpoint,
        oauth2TokenUrl: standIn.endpoints.token_endpoint,
        oauth2RevokeUrl: standIn.endpoints.revocation_endpoint ?? '',
        oauth2FederatedSignonPemCertsUrl: `${standIn.url}/oauth2/v1/certs`,
      },
      issuers: [standIn.endpoints.issuer],
      transporterOptions: { retry: false, retryConfig: { retry: 0 } },
    });

  const signInByLibrary = async (
    client: OAuth2Client,
    wish: { username: string; untick?: readonly string[] },
    more: { access_type?: string; prompt?: string } = { access_type: 'offline', prompt: 'consent' },
  ) => {
    const { codeVerifier, codeChallenge } = await client.generateCodeVerifierAsync();
    const url = client.generateAuthUrl({
      ...more,
      scope: ['openid', 'email', GMAIL],
      code_challenge: codeChallenge ?? '',
      code_challenge_method: CodeChallengeMethod.S256,
    });
    const page = await makePerson().signIn(url, wish);
    const { tokens } = await client.getToken({ code: codeFrom(page.url), codeVerifier });
    return tokens;
  };

  test('signs a mailbox in through google-auth-library with PKCE, and its token is good for SMTP', async () => {
    const client = google();
    const tokens = await signInByLibrary(client, { username: 'scanner@gmail.example' });
    assert.match(tokens.access_token ?? '', /^ya29\./);
    assert.match(tokens.refresh_token ?? '', /^1\/\//);
    const scopes = 'openid https://www.googleapis.com/auth/userinfo.email https://mail.google.com/';
    assert.equal(tokens.scope, scopes);
    const ticket = await client.verifyIdToken({ idToken: tokens.id_token ?? '', audience: CLIENT.clientId });
    assert.equal(ticket.getPayload()?.email, 'scanner@gmail.example');
    assert.equal(ticket.getPayload()?.email_verified, true);
    assert.match(ticket.getPayload()?.sub ?? '', /^\d{21}$/);
    const verdict = await standIn.verifyToken(tokens.access_token ?? '', 'smtp');
    assert.equal(verdict.outcome === 'valid' && verdict.address, 'scanner@gmail.example');
  });

  test('refreshes again and again with the one refresh token, and never sends another', async () => {
    const client = google();
    const { refresh_token: refreshToken } = await signInByLibrary(client, { username: 'office@gmail.example' });
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken ?? '' };
    for (const _ of [1, 2]) {
      const { status, body } = await token(standIn, form);
      assert.equal(status, 200);
      assert.equal('refresh_token' in body, false);
    }
  });

  test('gives no refresh token without access_type=offline or without prompt=consent', async () => {
    const wish = { username: 'scanner@gmail.example' };
    for (const more of [{ access_type: 'offline' }, { prompt: 'consent' }, {}]) {
      const tokens = await signInByLibrary(google(), wish, more);
      assert.ok(tokens.access_token);
      assert.equal(tokens.refresh_token, undefined);
    }
  });

  test('leaves out a scope that the person unticked, and the token is refused for mail', async () => {
    const tokens = await signInByLibrary(google(), { username: 'scanner@gmail.example', untick: [GMAIL] });
    assert.equal(tokens.scope, 'openid https://www.googleapis.com/auth/userinfo.email');
    const verdict = await standIn.verifyToken(tokens.access_token ?? '', 'smtp');
    assert.deepEqual(verdict, { outcome: 'refused', why: 'scope_missing' });
  });

  test('ends every grant of user and client when one token is revoked, and answers 400 the second time', async () => {
    const client = google();
    const first = await signInByLibrary(client, { username: 'leaving@gmail.example' });
    const second = await signInByLibrary(client, { username: 'leaving@gmail.example' });
    const revoked = await client.revokeToken(first.refresh_token ?? '');
    assert.equal(revoked.status, 200);
    const { status, body } = await token(standIn, {
      grant_type: 'refresh_token',
      refresh_token: second.refresh_token ?? '',
    });
    assert.equal(status, 400);
    assert.deepEqual(body, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' });
    assert.equal((await standIn.verifyToken(second.access_token ?? '', 'smtp')).outcome, 'refused');
    await assert.rejects(client.revokeToken(first.refresh_token ?? ''), /invalid_token/);
  });
});

describe('faults', () => {
  test('answer, delay, hang, reset or lose the reply, once or always, and every call is counted', async (t) => {
    const standIn = await start('microsoft');
    t.after(() => standIn.close());
    const { body } = await microsoftTokens(standIn, 'scanner@contoso.example');
    const refresh = (signal?: AbortSignal) =>
      fetch(standIn.endpoints.token_endpoint, {
        method: 'POST',
        body: new URLSearchParams({
          client_id: CLIENT.clientId,
          client_secret: CLIENT.clientSecret,
          grant_type: 'refresh_token',
          refresh_token: String(body.refresh_token),
        }),
        ...(signal && { signal }),
      });
    standIn.resetCounters();

    standIn.setFault(
      'token',
      { kind: 'reply', status: 503, body: '<h1>busy</h1>', headers: { 'retry-after': '7' } },
      2,
    );
    for (const _ of [1, 2]) assert.equal((await refresh()).headers.get('retry-after'), '7');
    standIn.setFault('token', { kind: 'reply', status: 400, body: entraErrorBody('grant_expired') });
    assert.deepEqual(((await (await refresh()).json()) as { error_codes: number[] }).error_codes, [700082]);
    standIn.setFault('token', { kind: 'delay', milliseconds: 150 });
    const began = performance.now();
    assert.equal((await refresh()).status, 200);
    assert.ok(performance.now() - began >= 140);
    standIn.setFault('token', { kind: 'hang' });
    await assert.rejects(refresh(AbortSignal.timeout(200)), { name: 'TimeoutError' });
    standIn.setFault('token', { kind: 'reset' }, 'always');
    for (const _ of [1, 2]) await assert.rejects(refresh(), /fetch failed/);
    standIn.clearFaults();
    assert.equal((await refresh()).status, 200);
    assert.deepEqual(standIn.counters(), { token: 8, 'token:refresh_token': 8 });
  });

  test('that lose the reply leave the work done: strict rotation has used the old token up', async (t) => {
    const standIn = await start('microsoft', { rotate: 'strict' });
    t.after(() => standIn.close());
    const { body } = await microsoftTokens(standIn, 'scanner@contoso.example');
    const refresh = () => token(standIn, { grant_type: 'refresh_token', refresh_token: String(body.refresh_token) });
    standIn.setFault('token', { kind: 'lose_reply' });
    await assert.rejects(refresh(), /fetch failed/);
    assert.equal((await refresh()).body.error, 'invalid_grant');
  });

  test('can be set from another process, and only where test controls are asked for', async (t) => {
    const standIn = await start('microsoft', { testControls: true });
    const closed = await start('microsoft');
    t.after(() => Promise.all([standIn.close(), closed.close()]));
    const post = (path: string, body: unknown, url = standIn.url) =>
      fetch(`${url}/_test/microsoft/${path}`, { method: 'POST', body: JSON.stringify(body) });
    assert.equal((await post('faults', { place: 'token', fault: { kind: 'reply', status: 429 } })).status, 204);
    assert.equal((await fetch(standIn.endpoints.token_endpoint, { method: 'POST' })).status, 429);
    assert.equal((await post('faults', { place: 'nowhere', fault: { kind: 'hang' } })).status, 400);
    assert.equal((await post('rotation', { rotation: 'strict' })).status, 204);
    const consent = { account: 'scanner@contoso.example', scope: GRAPH, given: false };
    assert.equal((await post('consents', consent)).status, 204);
    assert.equal((await post('consents', { account: 'scanner@contoso.example' })).status, 400);
    const counters = await fetch(`${standIn.url}/_test/microsoft/counters`);
    assert.deepEqual(await counters.json(), { token: 1, 'token:': 1 });
    assert.equal((await post('rotation', { rotation: 'strict' }, closed.url)).status, 404);
  });
});
