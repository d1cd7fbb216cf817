import { randomUUID } from 'node:crypto';
import type { errors } from 'oidc-provider';
import type { PlainReply } from './shape.ts';
import type { RefreshTokenState } from './storage.ts';

interface EntraError {
  readonly status: number;
  readonly error: string;
  readonly code: number;
  readonly text: string;
  readonly suberror?: string;
}

/** Microsoft's words for what goes wrong at the token endpoint (facts 1.9; texts from its public error list). */
const ENTRA_ERRORS = {
  grant_revoked: {
    status: 400,
    error: 'invalid_grant',
    code: 50173,
    text: 'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
    suberror: 'bad_token',
  },
  grant_expired: {
    status: 400,
    error: 'invalid_grant',
    code: 700082,
    text: 'The refresh token has expired due to inactivity.',
  },
  grant_unknown: {
    status: 400,
    error: 'invalid_grant',
    code: 70000,
    text: 'The provided value for the grant is not valid.',
  },
  code_used: {
    status: 400,
    error: 'invalid_grant',
    code: 54005,
    text: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code.',
  },
  code_expired: {
    status: 400,
    error: 'invalid_grant',
    code: 70008,
    text: 'The provided authorization code or refresh token has expired due to inactivity.',
  },
  code_verifier_wrong: {
    status: 400,
    error: 'invalid_grant',
    code: 501481,
    text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  },
  redirect_uri_wrong: {
    status: 400,
    error: 'invalid_client',
    code: 50011,
    text: 'The redirect URI specified in the request does not match the redirect URIs configured for the application.',
  },
  not_consented: {
    status: 400,
    error: 'invalid_grant',
    code: 65001,
    text: 'The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.',
    suberror: 'consent_required',
  },
  secret_wrong: { status: 401, error: 'invalid_client', code: 7000215, text: 'Invalid client secret provided.' },
  secret_absent: {
    status: 401,
    error: 'invalid_client',
    code: 7000218,
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  secret_from_public_client: {
    status: 401,
    error: 'invalid_client',
    code: 700025,
    text: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  },
  client_unknown: {
    status: 400,
    error: 'unauthorized_client',
    code: 700016,
    text: 'Application with that identifier was not found in the directory.',
  },
  authorization_pending: {
    status: 400,
    error: 'authorization_pending',
    code: 70016,
    text: 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  },
  authorization_declined: {
    status: 400,
    error: 'authorization_declined',
    code: 70000,
    text: 'The user declined the authorization request.',
  },
  device_code_expired: { status: 400, error: 'expired_token', code: 70019, text: 'The device code has expired.' },
  grant_type_unsupported: {
    status: 400,
    error: 'unsupported_grant_type',
    code: 70003,
    text: 'The app requested an unsupported grant type.',
  },
  scope_wrong: { status: 400, error: 'invalid_scope', code: 70011, text: 'The provided scope is not valid.' },
  request_wrong: { status: 400, error: 'invalid_request', code: 900144, text: 'The request body is not as required.' },
} as const satisfies Record<string, EntraError>;

export type EntraErrorName = keyof typeof ENTRA_ERRORS;

/** What oidc-provider says, in the order it is tried: its `error`, and a pattern of its `error_detail`. */
const TRANSLATIONS: readonly { readonly error: string; readonly detail: RegExp; readonly name: EntraErrorName }[] = [
  { error: 'invalid_client', detail: /client not found/, name: 'client_unknown' },
  { error: 'invalid_client', detail: /mechanism/, name: 'secret_absent' },
  { error: 'invalid_client', detail: /^/, name: 'secret_wrong' },
  { error: 'invalid_grant', detail: /authorization code.*(consumed|used)/i, name: 'code_used' },
  { error: 'invalid_grant', detail: /authorization code is expired/, name: 'code_expired' },
  { error: 'invalid_grant', detail: /code_verifier|code_challenge/, name: 'code_verifier_wrong' },
  { error: 'invalid_grant', detail: /redirect_uri/, name: 'redirect_uri_wrong' },
  { error: 'invalid_grant', detail: /grant not found/, name: 'grant_revoked' },
  { error: 'invalid_grant', detail: /^/, name: 'grant_unknown' },
  { error: 'invalid_target', detail: /^/, name: 'not_consented' },
  { error: 'authorization_pending', detail: /^/, name: 'authorization_pending' },
  { error: 'access_denied', detail: /^/, name: 'authorization_declined' },
  { error: 'expired_token', detail: /^/, name: 'device_code_expired' },
  { error: 'unsupported_grant_type', detail: /^/, name: 'grant_type_unsupported' },
];

const BY_REFRESH_TOKEN_STATE = {
  revoked: 'grant_revoked',
  expired: 'grant_expired',
} as const satisfies Partial<Record<RefreshTokenState, EntraErrorName>>;

/** The reply that Microsoft would give (facts M25). */
export const entraError = (
  { error, error_detail, error_description: description = '', cause }: errors.OIDCProviderError,
  refreshToken: RefreshTokenState,
): PlainReply => {
  const detail = error_detail ?? (cause instanceof Error ? cause.message : '');
  const name = ((): EntraErrorName => {
    if (error === 'invalid_grant' && (refreshToken === 'revoked' || refreshToken === 'expired'))
      return BY_REFRESH_TOKEN_STATE[refreshToken];
    // A scope that was never consented to is, at Microsoft, no fault of the request.
    if (error === 'invalid_scope') return /missing requested/.test(description) ? 'not_consented' : 'scope_wrong';
    return TRANSLATIONS.find((row) => row.error === error && row.detail.test(detail))?.name ?? 'request_wrong';
  })();
  return { status: ENTRA_ERRORS[name].status, body: entraErrorBody(name) };
};

/** An error body in Microsoft's form; for faults in tests, too. */
export const entraErrorBody = (name: EntraErrorName): { readonly [member: string]: unknown } => {
  const { error, code, text, suberror }: EntraError = ENTRA_ERRORS[name];
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const [traceId, correlationId] = [randomUUID(), randomUUID()];
  return {
    error,
    error_description: `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    ...(suberror !== undefined && { suberror }),
  };
};
