import { clientSecretsOf } from '../../config/client-secrets.ts';
import type { BrokerConfig } from '../../config/provider-config.ts';
import type { ProviderName } from '../../domain/provider.ts';
import { fail } from '../../domain/result.ts';
import type { IdentityProvider, ProviderFailure } from '../../ports/identity-provider.ts';
import { scopeFor } from '../../protocol/scopes.ts';
import { googleIdentityProvider } from '../google/google-identity-provider.ts';
import { msalIdentityProvider } from '../msal/msal-identity-provider.ts';

/** A provider without an app registration: nothing can be signed in there, and the operator is told why. */
const unconfigured = (name: ProviderName): IdentityProvider => {
  const failure: ProviderFailure = {
    class: 'operator_must_act',
    affects: 'registration',
    kind: 'app_registration_refused',
    code: 'not_configured',
    message: `No app registration for ${name} is configured: enter one in the provider document.`,
  };
  return {
    name,
    clientId: undefined,
    clientSecrets: [],
    authorizationUrl: async () => {
      throw new Error(failure.message);
    },
    redeemCode: async () => fail(failure),
    refresh: async () => fail(failure),
    scopeFor: (audience) => scopeFor(name, audience),
    explainRedirectError: () => ({ kind: 'app_registration_refused', detail: failure.message }),
  };
};

/** The providers as the document of `BROKER_CONFIG` describes them. */
export const configuredIdentityProviders = ({
  providers: { microsoft, google },
}: BrokerConfig): Record<ProviderName, IdentityProvider> => ({
  microsoft: microsoft
    ? msalIdentityProvider({
        clientId: microsoft.client_id,
        clientSecrets: clientSecretsOf(microsoft),
        tenant: microsoft.tenant,
        endpoints: microsoft.endpoints,
        refreshTokenRotation: microsoft.refresh_token_rotation,
      })
    : unconfigured('microsoft'),
  google: google
    ? googleIdentityProvider({
        clientId: google.client_id,
        clientSecrets: clientSecretsOf(google),
        endpoints: google.endpoints,
        refreshTokenRotation: google.refresh_token_rotation,
      })
    : unconfigured('google'),
});
