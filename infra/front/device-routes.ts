import type { ROUTES, RoutedFunction } from '../../functions/routes.ts';

/**
 * What devices call, and so all that is offered to those with old TLS. People have browsers, and gateways are programs of
 * ours. Left out of what devices call elsewhere:
 * - the metadata (RFC 8414): it names the other address as issuer, and a client must not accept that here (section 3.3);
 * - uploads: their links lead to S3, which speaks TLS 1.2 alone.
 */
export const DEVICE_ROUTES = {
  'fetch-token': ['/oauth/token', '/v1/token', '/v1/status'],
  'register-device': ['/oauth/register', '/oauth/register/:client_id'],
  'sign-in': ['/oauth/device_authorization', '/oauth/revoke'],
  'relay-mail/accept': ['/v1/messages', '/v1/messages/:submission_id'],
} as const satisfies { readonly [Name in RoutedFunction]?: readonly (typeof ROUTES)[Name][number][] };
