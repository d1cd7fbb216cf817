/**
 * Which function answers which path: the one list that API Gateway, the one-machine server and the tests go by. Patterns
 * are Hono's; the first that fits decides.
 */
export const ROUTES = {
  'fetch-token': ['/.well-known/oauth-authorization-server', '/oauth/token', '/v1/token', '/v1/status'],
  'register-device': ['/oauth/register', '/oauth/register/:client_id'],
  'sign-in': [
    '/sign-in/:sign_in_id',
    '/oauth/callback/:provider',
    '/oauth/device_authorization',
    '/oauth/revoke',
    '/pair',
    '/pair/qr.gif',
    '/reconnect/:token',
  ],
  'relay-mail/accept': ['/v1/messages', '/v1/messages/:submission_id', '/v1/uploads'],
  'relay-mail/gateway': ['/v1/gateway/*'],
  admin: ['/v1/admin/*', '/health', '/*'],
} as const;

export type RoutedFunction = keyof typeof ROUTES;
