import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configuredIdentityProviders } from '../../shared/adapters/identity-providers/configured.ts';
import { ConfigError } from '../../shared/config/config-document.ts';
import { parseBrokerConfig } from '../../shared/config/provider-config.ts';

const DEPARTURE = {
  ...{ redirectUri: 'https://b.example/', state: 's', codeChallenge: 'c'.repeat(43), loginHint: undefined },
};

/** What the login page is asked for, but for the scopes of OpenID Connect. */
const asked = async (entry: object): Promise<readonly string[]> => {
  const registration = { client_id: 'id', client_secret: 'value', ...entry };
  const config = parseBrokerConfig(JSON.stringify({ providers: { microsoft: registration } }), 'the test');
  const url = await configuredIdentityProviders(config).of({ provider: 'microsoft' }).authorizationUrl(DEPARTURE);
  const scopes = new URL(url).searchParams.get('scope')?.split(' ') ?? [];
  return scopes.filter((scope) => scope.includes('/')).map((scope) => scope.slice(scope.lastIndexOf('/') + 1));
};

describe('a sign-in at Microsoft', () => {
  it('asks consent for every audience, or for those that are configured', async () => {
    const all = ['SMTP.Send', 'IMAP.AccessAsUser.All', 'POP.AccessAsUser.All', 'Mail.Send', 'Mail.ReadWrite'];
    assert.deepEqual(await asked({}), all);
    assert.deepEqual(await asked({ audiences: ['smtp'] }), ['SMTP.Send']);
    assert.deepEqual(await asked({ audiences: ['smtp', 'pop'] }), ['SMTP.Send', 'POP.AccessAsUser.All']);
  });

  it('is for smtp in any case', async () => {
    for (const audiences of [[], ['api'], ['imap', 'pop'], ['smtp', 'fax'], 'smtp']) {
      await assert.rejects(asked({ audiences }), ConfigError);
    }
  });
});
