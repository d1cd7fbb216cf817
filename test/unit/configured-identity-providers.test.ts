import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { configuredIdentityProviders } from '../../shared/adapters/identity-providers/configured.ts';
import { parseBrokerConfig } from '../../shared/config/provider-config.ts';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import { unsignedIdToken } from '../fakes/token-endpoint.ts';

const CLIENT_ID = '11111111-2222-3333-4444-555555555555';
const WORK = '99999999-8888-7777-6666-555555555555';
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';

const idToken = (claims: object): string =>
  unsignedIdToken({ aud: CLIENT_ID, exp: Date.now() / 1000 + 3600, sub: 's', ...claims });

/** Microsoft's own server is reached by its public name alone, so `fetch` answers in its place. */
const publicReply = async (t: TestContext, name: ProviderName, body: object, entry: object = {}) => {
  const reply = { access_token: 'made-up', expires_in: 3600, refresh_token: 'made-up-second', ...body };
  const { mock } = t.mock.method(globalThis, 'fetch', async () => Response.json(reply));
  const config = { providers: { [name]: { client_id: CLIENT_ID, client_secret: 'made-up', ...entry } } };
  const provider = configuredIdentityProviders(parseBrokerConfig(JSON.stringify(config), 'test')).of({
    provider: name,
  });
  const refreshed = await provider.refresh({ refreshToken: 'made-up-first', audience: 'smtp' });
  const redeemed = await provider.redeemCode({
    code: 'c',
    codeVerifier: 'v'.repeat(43),
    redirectUri: 'https://b.example/',
  });
  assert.ok(refreshed.ok && redeemed.ok);
  assert.equal(refreshed.value.refreshToken, 'made-up-second');
  assert.equal(redeemed.value.formerStaysValid, refreshed.value.formerStaysValid);
  return {
    staysValid: refreshed.value.formerStaysValid,
    hosts: mock.calls.map(({ arguments: [url] }) => new URL(String(url)).host),
  };
};

describe('the former refresh token', () => {
  it('stays valid for a work or school account at Microsoft itself', async (t) => {
    for (const tenant of ['organizations', 'common', WORK]) {
      const { staysValid, hosts } = await publicReply(t, 'microsoft', { id_token: idToken({ tid: WORK }) }, { tenant });
      assert.equal(staysValid, true, tenant);
      assert.deepEqual(new Set(hosts), new Set(['login.microsoftonline.com']));
    }
  });

  it('is not relied on for a personal account, nor where nobody can tell', async (t) => {
    const cases: readonly (readonly [body: object, entry: object])[] = [
      [{ id_token: idToken({ tid: PERSONAL }) }, { tenant: 'common' }],
      [{ id_token: idToken({ tid: WORK }) }, { tenant: 'consumers' }],
      [{ id_token: idToken({}) }, {}],
      [{ id_token: idToken({ tid: '' }) }, {}],
      [{ id_token: idToken({ tid: 7 }) }, {}],
      [{ id_token: idToken({ tid: WORK, aud: 'another' }) }, {}],
      [{ id_token: 'broken' }, {}],
      [{}, {}],
    ];
    for (const [body, entry] of cases) {
      assert.equal((await publicReply(t, 'microsoft', body, entry)).staysValid, false, JSON.stringify(body));
    }
  });

  it('is not relied on at Google, should it ever send another', async (t) => {
    assert.equal((await publicReply(t, 'google', { id_token: idToken({ tid: WORK }) })).staysValid, false);
  });
});

describe('a provider of the configuration', () => {
  it('shows its client, and the days its secrets expire', () => {
    const client_secrets = [{ value: 'made-up-1', expires_on: '2027-03-01' }, { value: 'made-up-2' }];
    for (const name of PROVIDERS) {
      const config = { providers: { [name]: { client_id: CLIENT_ID, client_secrets } } };
      const provider = configuredIdentityProviders(parseBrokerConfig(JSON.stringify(config), 'test')).of({
        provider: name,
      });
      assert.equal(provider.clientId, CLIENT_ID);
      assert.deepEqual(
        provider.clientSecrets.map(({ expiresOn }) => expiresOn),
        ['2027-03-01', undefined],
      );
      assert.doesNotMatch(JSON.stringify(provider), /made-up/);
    }
  });

  it('has none of either without an app registration, and says so of every grant', async () => {
    const providers = configuredIdentityProviders(parseBrokerConfig('{}', 'test'));
    assert.deepEqual(await providers.configured(), []);
    for (const provider of PROVIDERS.map((name) => providers.of({ provider: name }))) {
      assert.deepEqual([provider.clientId, provider.clientSecrets], [undefined, []]);
      const reply = await provider.refresh({ refreshToken: 'made-up', audience: 'smtp' });
      assert.ok(!reply.ok);
      assert.deepEqual([reply.error.class, reply.error.affects], ['operator_must_act', 'registration']);
    }
  });
});

describe('the registrations of organizations', () => {
  const entry = (client_id: string) => ({ client_id, client_secret: 'made-up' });
  const CONTOSO = { provider: 'microsoft', organizationId: 'org_contoso' } as const;
  const FABRIKAM = { provider: 'microsoft', organizationId: 'org_fabrikam' } as const;
  const providers = configuredIdentityProviders(
    parseBrokerConfig(
      JSON.stringify({
        providers: { microsoft: entry('of-broker') },
        organizations: { org_contoso: { providers: { microsoft: entry('of-contoso') } } },
      }),
      'test',
    ),
  );

  it('are theirs alone; all others go by the broker’s, where it has one', async () => {
    assert.deepEqual(await providers.forSignIn(CONTOSO), CONTOSO);
    assert.deepEqual(await providers.forSignIn(FABRIKAM), { provider: 'microsoft' });
    assert.deepEqual(await providers.forSignIn({ ...CONTOSO, provider: 'google' }), { provider: 'google' });
    assert.equal(providers.of(CONTOSO).clientId, 'of-contoso');
    assert.equal(providers.of({ provider: 'microsoft' }).clientId, 'of-broker');
    assert.deepEqual(await providers.configured(), [{ provider: 'microsoft' }, CONTOSO]);
  });

  it('are never replaced by the broker’s for what was signed in with them', async () => {
    const gone = providers.of(FABRIKAM);
    assert.deepEqual([gone.clientId, gone.clientSecrets], [undefined, []]);
    const reply = await gone.refresh({ refreshToken: 'made-up', audience: 'smtp' });
    assert.ok(!reply.ok);
    assert.deepEqual([reply.error.code, reply.error.affects], ['not_configured', 'registration']);
    assert.match(reply.error.message, /org_fabrikam/);
  });
});
