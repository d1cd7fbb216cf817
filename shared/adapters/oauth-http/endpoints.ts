import { createHash } from 'node:crypto';
import type { ClientSecretDates } from '../../ports/identity-provider.ts';

/** Where a provider's OAuth server is, when it is not at its public address; spelled as in RFC 8414 section 2. */
export interface OAuthEndpoints {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly device_authorization_endpoint?: string | undefined;
  readonly revocation_endpoint?: string | undefined;
  readonly jwks_uri?: string | undefined;
  readonly issuer?: string | undefined;
  readonly token_endpoint_auth_methods_supported?: readonly string[] | undefined;
}

export interface ClientSecret {
  readonly value: string;
  /** The day (YYYY-MM-DD) that the operator noted. */
  readonly expiresOn?: string | undefined;
}

/** What both providers need to know of the broker's registration with them. */
export interface OAuthClientConfig {
  readonly clientId: string;
  /** In the order they are tried. */
  readonly clientSecrets: readonly [ClientSecret, ...ClientSecret[]];
  /** The provider's public ones when absent. */
  readonly endpoints?: OAuthEndpoints | undefined;
  /** What the server behind `endpoints` does with a refresh token that was used; `strict` when absent. */
  readonly refreshTokenRotation?: 'strict' | 'lenient' | undefined;
  /** For one call, whichever secrets it tries; `PROVIDER_TIMEOUT_SECONDS` when absent. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds since the epoch; the system's clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** What may be known of them elsewhere: never the values. */
export const secretDates = ({ clientSecrets }: OAuthClientConfig): readonly ClientSecretDates[] =>
  clientSecrets.map(({ value, expiresOn }) => ({
    fingerprint: createHash('sha256').update(value).digest('base64url').slice(0, FINGERPRINT_LENGTH),
    ...(expiresOn !== undefined && { expiresOn }),
  }));

/** 36 bits: enough to see a change, and next to nothing of a secret. */
const FINGERPRINT_LENGTH = 6;
