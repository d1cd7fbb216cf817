import { clientSecretsOf } from '../../config/client-secrets.ts';
import type { BrokerConfig, GoogleConfig, MicrosoftConfig } from '../../config/provider-config.ts';
import { type Registration, registrationKey } from '../../domain/registration.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import { googleIdentityProvider } from '../google/google-identity-provider.ts';
import { msalIdentityProvider } from '../msal/msal-identity-provider.ts';
import { unconfiguredIdentityProvider } from './unconfigured.ts';

const microsoftProvider = (entry: MicrosoftConfig): IdentityProvider =>
  msalIdentityProvider({
    clientId: entry.client_id,
    clientSecrets: clientSecretsOf(entry),
    tenant: entry.tenant,
    audiences: entry.audiences,
    endpoints: entry.endpoints,
    refreshTokenRotation: entry.refresh_token_rotation,
  });

const googleProvider = (entry: GoogleConfig): IdentityProvider =>
  googleIdentityProvider({
    clientId: entry.client_id,
    clientSecrets: clientSecretsOf(entry),
    endpoints: entry.endpoints,
    refreshTokenRotation: entry.refresh_token_rotation,
  });

interface Entries {
  readonly microsoft?: MicrosoftConfig;
  readonly google?: GoogleConfig;
}

type Client = readonly [registration: Registration, provider: IdentityProvider];

const clientsOf = ({ microsoft, google }: Entries, whose: Pick<Registration, 'organizationId'>): readonly Client[] => [
  ...(microsoft ? [[{ provider: 'microsoft', ...whose }, microsoftProvider(microsoft)] as const] : []),
  ...(google ? [[{ provider: 'google', ...whose }, googleProvider(google)] as const] : []),
];

/** The providers as the document of `BROKER_CONFIG` describes them. */
export const configuredIdentityProviders = ({ providers, organizations }: BrokerConfig): IdentityProviders => {
  const clients = [
    ...clientsOf(providers, {}),
    ...Object.entries(organizations).flatMap(([organizationId, own]) => clientsOf(own.providers, { organizationId })),
  ];
  const byKey = new Map(clients.map(([registration, provider]) => [registrationKey(registration), provider]));
  return {
    of: (registration) => byKey.get(registrationKey(registration)) ?? unconfiguredIdentityProvider(registration),
    forSignIn: async ({ provider, organizationId }) => {
      const own: Registration = { provider, organizationId };
      return byKey.has(registrationKey(own)) ? own : { provider };
    },
    configured: async () => clients.map(([registration]) => registration),
  };
};
