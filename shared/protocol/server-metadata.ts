import { AUDIENCES } from '../domain/provider.ts';

/** RFC 8414 section 2: what the broker offers as an authorization server, and nothing it does not. */
export const authorizationServerMetadata = (publicUrl: string) => ({
  issuer: publicUrl,
  token_endpoint: `${publicUrl}/oauth/token`,
  registration_endpoint: `${publicUrl}/oauth/register`,
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  grant_types_supported: ['client_credentials'],
  /** Required by section 2; the broker has no authorization endpoint of its own. */
  response_types_supported: [],
  scopes_supported: AUDIENCES,
});
