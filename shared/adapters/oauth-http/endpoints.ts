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

/** What both providers need to know of the broker's registration with them. */
export interface OAuthClientConfig {
  readonly clientId: string;
  readonly clientSecret: string;
  /** The provider's public ones when absent. */
  readonly endpoints?: OAuthEndpoints | undefined;
  /** For one request, reply included; `PROVIDER_TIMEOUT_SECONDS` when absent. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds since the epoch; the system's clock when absent. */
  readonly now?: (() => number) | undefined;
}
