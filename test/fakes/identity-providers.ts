import { unconfiguredIdentityProvider } from '../../shared/adapters/identity-providers/unconfigured.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import type { Registration } from '../../shared/domain/registration.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';
import type { IdentityProviders } from '../../shared/ports/identity-providers.ts';

/** A provider, as the client that an organization has brought. */
export interface OwnClient<Provider extends IdentityProvider = IdentityProvider> {
  readonly organizationId: string;
  readonly client: Provider;
}

/** Given providers: the broker's, and those of organizations, which a test enters and removes as the operator does. */
export const identityProviders = (
  ofBroker: Readonly<Record<ProviderName, IdentityProvider>>,
  own: readonly OwnClient[] = [],
): IdentityProviders => {
  const given = ({ provider, organizationId }: Registration): IdentityProvider | undefined =>
    organizationId === undefined
      ? ofBroker[provider]
      : own.find((one) => one.organizationId === organizationId && one.client.name === provider)?.client;
  return {
    of: (registration) => given(registration) ?? unconfiguredIdentityProvider(registration),
    forSignIn: async ({ provider, organizationId }) => {
      const registration = { provider, organizationId };
      return given(registration) ? registration : { provider };
    },
    configured: async () => [
      ...Object.values(ofBroker)
        .filter(({ clientId }) => clientId !== undefined)
        .map(({ name }) => ({ provider: name })),
      ...own.map(({ organizationId, client }) => ({ provider: client.name, organizationId })),
    ],
  };
};
