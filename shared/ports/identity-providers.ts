import type { ProviderName } from '../domain/provider.ts';
import type { Registration } from '../domain/registration.ts';
import type { IdentityProvider } from './identity-provider.ts';

/** The providers, as the client of each app registration that the operator has entered. */
export interface IdentityProviders {
  /** As the client of this registration. Where it is not configured, every call is refused as `app_registration_refused`. */
  of(registration: Registration): IdentityProvider;
  /** What a new sign-in begins with: the organization's own registration where it has brought one, else the broker's. */
  forSignIn(whose: { readonly provider: ProviderName; readonly organizationId: string }): Promise<Registration>;
  /** All there are, by a configuration that is half a minute old at most, if it can be had. */
  configured(): Promise<readonly Registration[]>;
}
