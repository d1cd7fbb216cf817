import type { Registration } from '../../domain/registration.ts';
import { fail } from '../../domain/result.ts';
import type { IdentityProvider, ProviderFailure } from '../../ports/identity-provider.ts';
import { scopeFor } from '../../protocol/scopes.ts';

const whatIsMissing = ({ provider, organizationId }: Registration): string =>
  organizationId === undefined
    ? `No app registration for ${provider} is configured: enter one in the provider document.`
    : `The app registration for ${provider} that ${organizationId} had brought is configured no more: enter it in the ` +
      'provider document, or sign the mailbox in again.';

/** A provider without the app registration: nothing can be signed in or refreshed by it, and the operator is told why. */
export const unconfiguredIdentityProvider = (registration: Registration): IdentityProvider => {
  const { provider: name } = registration;
  const failure: ProviderFailure = {
    class: 'operator_must_act',
    affects: 'registration',
    kind: 'app_registration_refused',
    code: 'not_configured',
    message: whatIsMissing(registration),
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
