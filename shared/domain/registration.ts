import type { ProviderName } from './provider.ts';

/**
 * An app registration with a provider, by which the broker is its OAuth client: the broker's, which is for everybody, or one
 * that an organization has brought for itself.
 */
export interface Registration {
  readonly provider: ProviderName;
  /** Whose it is; absent: the broker's. */
  readonly organizationId?: string;
}

/** What belongs to an organization and to a provider: a mailbox, a sign-in. */
interface OfOrganization {
  readonly provider: ProviderName;
  readonly organizationId: string;
}

/** What remembers with whose registration it came to be; absent: the broker's. */
export interface ByRegistration {
  readonly registration?: 'own';
}

export const registrationBy = (
  { provider, organizationId }: OfOrganization,
  { registration }: ByRegistration,
): Registration => (registration === 'own' ? { provider, organizationId } : { provider });

/** What is to be remembered of it. */
export const byRegistration = ({ organizationId }: Registration): ByRegistration =>
  organizationId === undefined ? {} : { registration: 'own' };

/** One name for each: `microsoft`, and `microsoft@org_…` for the one that this organization has brought. */
export const registrationKey = ({ provider, organizationId }: Registration): string =>
  organizationId === undefined ? provider : `${provider}@${organizationId}`;

/** How a line of the log names it. */
export const registrationFields = ({ provider, organizationId }: Registration) => ({
  provider,
  ...(organizationId === undefined ? {} : { organization_id: organizationId }),
});
