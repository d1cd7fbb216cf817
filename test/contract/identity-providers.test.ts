import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configuredIdentityProviders } from '../../shared/adapters/identity-providers/configured.ts';
import { reloadingIdentityProviders } from '../../shared/adapters/identity-providers/reloading.ts';
import { parseBrokerConfig } from '../../shared/config/provider-config.ts';
import type { IdentityProviders } from '../../shared/ports/identity-providers.ts';
import { identityProviders } from '../fakes/identity-providers.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { scriptedProvider } from '../fakes/scripted-provider.ts';

const entry = (client_id: string) => ({ client_id, client_secret: 'made-up' });

/** The broker has a registration with Microsoft alone, and Contoso one with both. */
const DOCUMENT = JSON.stringify({
  providers: { microsoft: entry('of-broker') },
  organizations: { org_contoso: { providers: { microsoft: entry('of-contoso'), google: entry('at-google') } } },
});

const SUBJECTS: Readonly<Record<string, () => Promise<IdentityProviders>>> = {
  configuredIdentityProviders: async () => configuredIdentityProviders(parseBrokerConfig(DOCUMENT, 'the test')),
  reloadingIdentityProviders: () =>
    reloadingIdentityProviders({ load: async () => DOCUMENT, clock: manualClock(), log: memoryLog() }),
  'the providers of the unit tests': async () => {
    const clock = manualClock();
    const client = (name: 'microsoft' | 'google', clientId: string) => scriptedProvider(name, clock, clientId);
    const google = Object.assign(scriptedProvider('google', clock), { clientId: undefined });
    return identityProviders({ microsoft: client('microsoft', 'of-broker'), google }, [
      { organizationId: 'org_contoso', client: client('microsoft', 'of-contoso') },
      { organizationId: 'org_contoso', client: client('google', 'at-google') },
    ]);
  },
};

const CONTOSO = { organizationId: 'org_contoso' } as const;
const FABRIKAM = { organizationId: 'org_fabrikam' } as const;

for (const [subject, make] of Object.entries(SUBJECTS)) {
  describe(`${subject} as IdentityProviders`, () => {
    it('are each the client of the registration that is asked for', async () => {
      const providers = await make();
      const clientOf = (registration: Parameters<typeof providers.of>[0]) => {
        const { name, clientId } = providers.of(registration);
        assert.equal(name, registration.provider);
        return clientId;
      };
      assert.equal(clientOf({ provider: 'microsoft' }), 'of-broker');
      assert.equal(clientOf({ provider: 'microsoft', ...CONTOSO }), 'of-contoso');
      assert.equal(clientOf({ provider: 'google', ...CONTOSO }), 'at-google');
      assert.equal(clientOf({ provider: 'microsoft', ...FABRIKAM }), undefined);
    });

    it('refuse all calls by a registration that is not there, and ask by no other', async () => {
      const client = (await make()).of({ provider: 'microsoft', ...FABRIKAM });
      assert.deepEqual(client.clientSecrets, []);
      const redemption = { code: 'made-up', codeVerifier: 'made-up', redirectUri: 'https://broker.example/' };
      for (const reply of [
        await client.refresh({ refreshToken: 'made-up', audience: 'smtp' }),
        await client.redeemCode(redemption),
      ]) {
        assert.ok(!reply.ok);
        const { class: by, affects, kind } = reply.error;
        assert.deepEqual([by, affects, kind], ['operator_must_act', 'registration', 'app_registration_refused']);
      }
      await assert.rejects(
        client.authorizationUrl({ redirectUri: 'https://b.example/', state: 's', codeChallenge: 'c', loginHint: 'a' }),
      );
    });

    it('begin a sign-in with the organization’s own registration, else with the broker’s', async () => {
      const providers = await make();
      const own = { provider: 'microsoft', ...CONTOSO } as const;
      assert.deepEqual(await providers.forSignIn(own), own);
      assert.deepEqual(await providers.forSignIn({ ...own, ...FABRIKAM }), { provider: 'microsoft' });
      assert.deepEqual(await providers.forSignIn({ provider: 'google', ...FABRIKAM }), { provider: 'google' });
    });

    it('name all registrations that there are', async () => {
      assert.deepEqual(await (await make()).configured(), [
        { provider: 'microsoft' },
        { provider: 'microsoft', ...CONTOSO },
        { provider: 'google', ...CONTOSO },
      ]);
    });
  });
}
