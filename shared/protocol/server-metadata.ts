import { AUDIENCES } from '../domain/provider.ts';
import { GRANT_TYPES } from './token-request.ts';

const AUTH_METHODS = ['client_secret_basic', 'client_secret_post'];

/** RFC 8414 section 2: what the broker offers as an authorization server, and nothing it does not. */
export const authorizationServerMetadata = (publicUrl: string) => ({
  issuer: publicUrl,
  token_endpoint: `${publicUrl}/oauth/token`,
  device_authorization_endpoint: `${publicUrl}/oauth/device_authorization`,
  revocation_endpoint: `${publicUrl}/oauth/revoke`,
  revocation_endpoint_auth_methods_supported: AUTH_METHODS,
  registration_endpoint: `${publicUrl}/oauth/register`,
  token_endpoint_auth_methods_supported: AUTH_METHODS,
  grant_types_supported: GRANT_TYPES,
  /** Required by section 2; the broker has no authorization endpoint of its own. */
  response_types_supported: [],
  scopes_supported: AUDIENCES,
});
