import type { ErrorKind } from '../../domain/errors.ts';
import type { RedirectRow, ReplyRow, ReplyTable } from '../oauth-http/replies.ts';

/**
 * Microsoft's error replies. Microsoft asks clients to branch on `error` alone; the AADSTS numbers only choose between
 * remedies, and never end a grant unless `error` does (`GRANT_ERRORS`). Order matters: what spares the grant comes
 * first. Numbers and meanings: Entra, "Microsoft Entra authentication and authorization error codes".
 */

const TRACE = '7f3c1b52-9b7e-4f0d-8a3e-2f6d5c1e0a00';
const CORRELATION = 'c0ffee00-1d2c-4b3a-9e8f-7a6b5c4d3e2f';
const TIME = '2026-11-03 08:15:27Z';

/** An error as the v2.0 token endpoint sends it; `text` begins with its AADSTS number. */
const reply = (error: string, text: string, suberror?: string): ReplyRow['sample'] => {
  const code = Number(/\d+/.exec(text)?.[0]);
  return {
    status: error === 'invalid_client' ? 401 : 400,
    body: {
      error,
      error_description: `${text} Trace ID: ${TRACE} Correlation ID: ${CORRELATION} Timestamp: ${TIME}`,
      error_codes: [code],
      timestamp: TIME,
      trace_id: TRACE,
      correlation_id: CORRELATION,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
      ...(suberror !== undefined && { suberror }),
    },
  };
};

type Match = Pick<ReplyRow, 'errors' | 'codes' | 'suberrors' | 'request' | 'retryAfterSeconds' | 'refusesClientSecret'>;

type Affects = ReplyRow['affects'];

const later = (affects: Affects, match: Match, message: string, sample: ReplyRow['sample']): ReplyRow => ({
  ...match,
  class: 'retry_later',
  affects,
  kind: 'provider_unavailable',
  message,
  sample,
});

const operator = (
  affects: Affects,
  match: Match,
  message: string,
  sample: ReplyRow['sample'],
  kind: ErrorKind = 'app_registration_refused',
): ReplyRow => ({ ...match, class: 'operator_must_act', affects, kind, message, sample });

const person = (kind: ErrorKind, match: Match, message: string, sample: ReplyRow['sample']): ReplyRow => ({
  ...match,
  class: 'person_must_act',
  affects: 'grant',
  kind,
  message,
  sample,
});

/** Codes that say the application, or the mail service, is not set up in the organization's directory. */
const NOT_IN_DIRECTORY = [650052, 650054, 650056, 650057, 500011] as const;

const RETRY_LATER: readonly ReplyRow[] = [
  // About fifteen equal requests within five minutes set it off; five minutes later it is forgotten.
  later(
    'grant',
    { codes: [50196], retryAfterSeconds: 300 },
    'Microsoft saw the same request too often and pauses it: the sign-in is still good, and the broker tries again.',
    reply('invalid_grant', 'AADSTS50196: The server terminated an operation because it encountered a loop.'),
  ),
  later(
    'grant',
    { codes: [90055] },
    "Too many requests come from the organization's directory: the broker tries again.",
    reply('invalid_grant', 'AADSTS90055: There are too many incoming requests.'),
  ),
  later(
    'provider',
    { codes: [90033, 90006, 90012, 90024, 50033, 50087] },
    'Microsoft has a passing fault: the broker tries again.',
    reply('invalid_grant', 'AADSTS90033: A transient error has occurred. Please try again.'),
  ),
];

const OPERATOR: readonly ReplyRow[] = [
  operator(
    'grant',
    { codes: [90036] },
    'Microsoft has a fault that waiting does not mend: open a support request with the correlation id.',
    reply('server_error', 'AADSTS90036: An unexpected, non-retryable error occurred in the directory service.'),
    'provider_unavailable',
  ),
  operator(
    'registration',
    { codes: [7000215], refusesClientSecret: true },
    "The client secret is wrong: enter the secret's value, not its id.",
    reply(
      'invalid_client',
      'AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
    ),
  ),
  operator(
    'registration',
    { codes: [7000222], refusesClientSecret: true },
    'The client secret has expired: make a new one in the app registration, and enter its value.',
    reply(
      'invalid_client',
      "AADSTS7000222: The provided client secret keys for app '11111111-2222-3333-4444-555555555555' are expired.",
    ),
  ),
  operator(
    'registration',
    { codes: [7000218] },
    'The app registration wants a client secret and none was sent: enter its client secret.',
    reply(
      'invalid_client',
      "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  ),
  // Also for a refresh token that a public client was given, by device code: then it is no word about the others.
  operator(
    'grant',
    { codes: [700025] },
    'The app registration is a public client and takes no client secret: register the broker as a web app.',
    reply(
      'invalid_client',
      "AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
  ),
  operator(
    'registration',
    { codes: [700027] },
    "The client certificate's signature is refused: enter the certificate in the app registration.",
    reply(
      'invalid_client',
      'AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.',
    ),
  ),
  // In old replies 70002 only introduces another code, so it counts under an error of its own alone.
  operator(
    'registration',
    { errors: ['invalid_client', 'unauthorized_client'], codes: [70002], refusesClientSecret: true },
    'The client id or secret is refused: compare both with the app registration.',
    reply('invalid_client', 'AADSTS70002: Error validating credentials.'),
  ),
  // An organization's administrator brings it about too, who disables the broker's enterprise application in the own
  // directory (Entra troubleshooting, "Error AADSTS7000112"): the other organizations go on.
  operator(
    'grant',
    { codes: [70001, 7000112] },
    "The broker's application is disabled: enable the app registration, or the enterprise application in the organization's directory.",
    reply(
      'unauthorized_client',
      "AADSTS7000112: Application '11111111-2222-3333-4444-555555555555'(token-broker) is disabled.",
    ),
  ),
  operator(
    'grant',
    { codes: [50011] },
    'The broker\'s redirect address is not in the app registration: enter it there, under the platform "Web".',
    reply(
      'invalid_request',
      "AADSTS50011: The redirect URI 'https://broker.example/oauth/callback/microsoft' specified in the request does not match the redirect URIs configured for the application.",
    ),
  ),
  operator(
    'grant',
    { codes: [70011, 700022, 28002, 1002012] },
    'The app registration does not offer the mail scopes that were asked: add them to its API permissions.',
    reply(
      'invalid_scope',
      "AADSTS70011: The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid.",
    ),
  ),
  operator(
    'grant',
    { codes: [90009] },
    'The app registration asks a token for itself: enter the client id as a GUID.',
    reply(
      'invalid_request',
      'AADSTS90009: Application is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.',
    ),
  ),
  operator(
    'grant',
    { codes: [90013, 90014, 900144] },
    "Microsoft finds the broker's request malformed: report it with the correlation id.",
    reply('invalid_request', "AADSTS900144: The request body must contain the following parameter: 'scope'."),
  ),
  // The configured tenant is in the address that every request goes to.
  operator(
    'registration',
    { codes: [50194, 9001023] },
    'The configured tenant does not fit the accounts that the app registration supports: change one of the two.',
    reply(
      'invalid_request',
      "AADSTS50194: Application '11111111-2222-3333-4444-555555555555'(token-broker) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported.",
    ),
  ),
  // Where the tenant is an alias, such as `organizations`, these may speak of one account's directory.
  operator(
    'grant',
    { codes: [9002332, 90002, 700005] },
    "The configured tenant does not fit this account's directory: change the tenant, or the accounts that the app registration supports.",
    reply(
      'invalid_request',
      "AADSTS90002: Tenant 'contoso.example' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
    ),
  ),
  operator(
    'registration',
    { codes: [900439] },
    'The app registration belongs to another national cloud: register the broker in the public one, or name its endpoints.',
    reply('invalid_request', 'AADSTS900439: USGClientNotSupportedOnPublicEndpoint.'),
  ),
  operator(
    'grant',
    { codes: [90038, 900382, 900432] },
    'The account belongs to another national cloud: register the broker there, and name its endpoints.',
    reply('invalid_request', "AADSTS90038: The specified tenant 'Contoso' belongs to the National Cloud 'Fairfax'."),
  ),
  operator(
    'grant',
    { codes: [700016] },
    "The client id is not known in the organization's directory: let its administrator consent to the broker, or correct client id and tenant.",
    reply(
      'unauthorized_client',
      "AADSTS700016: Application with identifier '11111111-2222-3333-4444-555555555555' was not found in the directory 'Contoso'.",
    ),
    'consent_needed',
  ),
];

const CONSENT: readonly ReplyRow[] = [
  person(
    'consent_withdrawn',
    { codes: [65001], request: 'refresh' },
    'The permission given to the broker no longer exists: sign in again and consent.',
    reply(
      'invalid_grant',
      "AADSTS65001: The user or administrator has not consented to use the application with ID '11111111-2222-3333-4444-555555555555' named 'token-broker'.",
      'consent_required',
    ),
  ),
  person(
    'consent_needed',
    { codes: [65001, 90094, 90095] },
    'Consent is missing: an administrator of the organization must consent to the broker.',
    reply('invalid_grant', 'AADSTS90094: Administrator consent is required.', 'consent_required'),
  ),
  person(
    'sign_in_cancelled',
    { codes: [65004] },
    'The person declined to consent: sign in again and accept.',
    reply('invalid_grant', 'AADSTS65004: User declined to consent to access the app.'),
  ),
  person(
    'consent_needed',
    { codes: [50105] },
    'The account is not assigned to the broker: an administrator must assign it to the enterprise application.',
    reply(
      'invalid_grant',
      "AADSTS50105: The signed in user 'scan@contoso.example' is not assigned to a role for the application.",
    ),
  ),
  person(
    'consent_needed',
    { codes: NOT_IN_DIRECTORY },
    "The organization's directory lacks the mail service or a permission: an administrator must consent.",
    reply(
      'invalid_grant',
      "AADSTS650057: Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration.",
    ),
  ),
  // The same under an error that is no word about the grant.
  operator(
    'grant',
    { codes: NOT_IN_DIRECTORY },
    "The organization's directory lacks the mail service or a permission: an administrator must consent.",
    reply(
      'invalid_resource',
      'AADSTS500011: The resource principal named https://outlook.office.com was not found in the tenant named Contoso.',
    ),
    'consent_needed',
  ),
];

const POLICY: readonly ReplyRow[] = [
  person(
    'more_proof_needed',
    { codes: [50072, 50079] },
    'The account must enrol for multi-factor authentication: sign in again and enrol, or let an administrator exempt it.',
    reply(
      'interaction_required',
      'AADSTS50079: Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'more_proof_needed',
    { codes: [50074, 50076, 50158, 700020] },
    'The organization asks for a further proof of identity: sign in again.',
    reply(
      'interaction_required',
      'AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'conditional_access',
    { codes: [53003] },
    'A Conditional Access policy blocks this account: an administrator must exempt it, and finds the sign-in by the correlation id.',
    reply(
      'invalid_grant',
      'AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
      'message_only',
    ),
  ),
  person(
    'conditional_access',
    { codes: [53000, 53001, 53002, 50097] },
    'A Conditional Access policy asks for a managed device or an approved app: an administrator must exempt the account.',
    reply('interaction_required', 'AADSTS53000: Device is not in required device state: compliant.', 'message_only'),
  ),
  person(
    'conditional_access',
    { codes: [53004, 530032, 530034] },
    'A security policy of the organization blocks this account: an administrator must exempt it.',
    reply('invalid_grant', 'AADSTS530032: Blocked by Conditional Access on Security Policy.', 'message_only'),
  ),
  person(
    'conditional_access',
    { codes: [500212, 500213] },
    'A cross-tenant access policy blocks this account: an administrator must allow it.',
    reply(
      'invalid_grant',
      "AADSTS500213: The resource tenant's cross-tenant access policy does not allow this user to access this tenant.",
    ),
  ),
  person(
    'conditional_access',
    { codes: [530035] },
    'The security defaults of the organization block this sign-in: an administrator must allow it.',
    reply('invalid_grant', 'AADSTS530035: Access has been blocked by security defaults.'),
  ),
];

const ACCOUNT: readonly ReplyRow[] = [
  person(
    'account_unavailable',
    { codes: [50034] },
    'The account does not exist in this organization: check the address and the tenant.',
    reply(
      'invalid_grant',
      'AADSTS50034: The user account does not exist in the directory. To sign into this application, the account must be added to the directory.',
    ),
  ),
  person(
    'account_unavailable',
    { codes: [50053] },
    'The account is locked, or its address is blocked: an administrator must unlock it.',
    reply(
      'invalid_grant',
      "AADSTS50053: You've tried to sign in too many times with an incorrect user ID or password. The account is locked.",
    ),
  ),
  person(
    'account_unavailable',
    { codes: [50055] },
    "The account's password has expired: set a new one, then sign in again.",
    reply('invalid_grant', 'AADSTS50055: The password is expired.'),
  ),
  person(
    'account_unavailable',
    { codes: [50056, 50126] },
    "The account's password is not accepted: sign in again with the right one.",
    reply('invalid_grant', 'AADSTS50126: Error validating credentials due to invalid username or password.'),
  ),
  person(
    'account_unavailable',
    { codes: [50057] },
    'The account is disabled: an administrator must enable it.',
    reply('invalid_grant', 'AADSTS50057: The user account is disabled.'),
  ),
];

const SIGN_IN_AGAIN: readonly ReplyRow[] = [
  person(
    'sign_in_already_used',
    { codes: [54005] },
    'The authorization code was already redeemed: begin a new sign-in.',
    reply(
      'invalid_grant',
      'AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    ),
  ),
  person(
    'sign_in_expired',
    { codes: [70008], request: 'code' },
    'The authorization code has expired: begin a new sign-in.',
    reply(
      'invalid_grant',
      'AADSTS70008: The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50173, 50132, 50133] },
    'The sign-in was revoked, as happens when the password is changed: sign in again.',
    reply(
      'invalid_grant',
      "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '2026-09-01T07:12:00.0000000Z' and the TokensValidFrom date for this user is '2026-10-30T11:02:41.0000000Z'.",
      'bad_token',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [70008, 700082] },
    'The refresh token has expired because it was not used for too long: sign in again.',
    reply(
      'invalid_grant',
      'AADSTS700082: The refresh token has expired due to inactivity. The token was issued on 2026-07-02T09:00:00.0000000Z and was inactive for 90.00:00:00.',
      'token_expired',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [700084] },
    'The redirect address is registered as a single-page app, whose sign-ins last 24 hours: register it as "Web".',
    reply(
      'invalid_grant',
      'AADSTS700084: The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended.',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [70043] },
    'A sign-in frequency policy ended the sign-in: sign in again, or let an administrator exempt this account.',
    reply(
      'invalid_grant',
      'AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
      'token_expired',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50078] },
    'The multi-factor authentication of this sign-in has expired by policy: sign in again.',
    reply(
      'interaction_required',
      'AADSTS50078: Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50089, 50058] },
    'The sign-in has expired: sign in again.',
    reply('invalid_grant', 'AADSTS50089: Authentication failed due to flow token expired.'),
  ),
];

/** By the OAuth error alone, for every code that is not listed above. */
const BY_ERROR: readonly ReplyRow[] = [
  later(
    'provider',
    { errors: ['temporarily_unavailable', 'server_error', 'slow_down'] },
    'Microsoft is temporarily unavailable: the broker tries again.',
    reply('temporarily_unavailable', 'AADSTS90098: The service is temporarily busy.'),
  ),
  person(
    'consent_needed',
    { errors: ['consent_required'] },
    'Consent to the broker is needed: sign in again, or let an administrator consent.',
    reply('consent_required', 'AADSTS65006: Consent is required.'),
  ),
  person(
    'consent_needed',
    { suberrors: ['consent_required'] },
    'Consent to the broker is needed: sign in again, or let an administrator consent.',
    reply('invalid_grant', 'AADSTS65009: Consent is required.', 'consent_required'),
  ),
  person(
    'conditional_access',
    { suberrors: ['protection_policy_required'] },
    'A Conditional Access policy asks for an approved app: an administrator must exempt the account.',
    reply(
      'interaction_required',
      'AADSTS53005: Application needs to enforce Intune protection policies.',
      'protection_policy_required',
    ),
  ),
  person(
    'more_proof_needed',
    { errors: ['interaction_required'] },
    'Microsoft asks for an interactive sign-in: sign in again.',
    reply('interaction_required', 'AADSTS16000: Interaction required.'),
  ),
  person(
    'more_proof_needed',
    { suberrors: ['basic_action', 'additional_action'] },
    'Microsoft asks for an interactive sign-in: sign in again.',
    reply(
      'invalid_grant',
      'AADSTS50127: Broker app needs to be installed for device authentication to succeed.',
      'additional_action',
    ),
  ),
  person(
    'sign_in_refused',
    { errors: ['invalid_grant'], request: 'code' },
    'The authorization code is not valid: begin a new sign-in.',
    reply(
      'invalid_grant',
      'AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    ),
  ),
  person(
    'sign_in_lapsed',
    { errors: ['invalid_grant'] },
    'The refresh token is no longer valid: sign in again.',
    reply('invalid_grant', 'AADSTS70000: Provided grant is invalid or malformed.'),
  ),
  operator(
    'grant',
    { errors: ['invalid_scope'] },
    'The scope that was asked is not part of what was granted: sign in again and allow it.',
    { status: 400, body: { error: 'invalid_scope', error_description: 'refresh token missing requested scope' } },
    'scope_not_granted',
  ),
  operator(
    'registration',
    { errors: ['invalid_client'], refusesClientSecret: true },
    'The client id or secret is refused: compare both with the app registration.',
    { status: 401, body: { error: 'invalid_client', error_description: 'client authentication failed' } },
  ),
  operator(
    'grant',
    { errors: ['unauthorized_client', 'invalid_resource', 'invalid_request', 'unsupported_grant_type'] },
    "Microsoft refuses the request: compare the app registration with the broker's configuration.",
    { status: 400, body: { error: 'unauthorized_client', error_description: 'client is not allowed this grant type' } },
  ),
];

const redirected = (error: string, code: number, text: string): RedirectRow['sample'] => ({
  error,
  errorDescription: `AADSTS${code}: ${text}\r\nTrace ID: ${TRACE}\r\nCorrelation ID: ${CORRELATION}\r\nTimestamp: ${TIME}`,
});

const REDIRECTS: readonly RedirectRow[] = [
  {
    codes: [65001, 90094, 90095, 90093, 50105, 900941, 700016, ...NOT_IN_DIRECTORY],
    kind: 'consent_needed',
    message: 'An administrator of the organization must consent to the broker first.',
    sample: redirected(
      'access_denied',
      90094,
      "The grant requires admin permission. An administrator of 'Contoso' has set a policy that prevents you from granting token-broker the permissions it is requesting.",
    ),
  },
  {
    codes: [53000, 53001, 53002, 53003, 53004, 530032, 530034, 530035, 50097, 500212, 500213],
    kind: 'conditional_access',
    message: 'A policy of the organization blocks this sign-in.',
    sample: redirected(
      'access_denied',
      53003,
      'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    ),
  },
  {
    codes: [65004],
    kind: 'sign_in_cancelled',
    message: 'The person declined to consent.',
    sample: redirected('access_denied', 65004, 'User declined to consent to access the app.'),
  },
  {
    codes: [70001, 7000112, 50011, 50194, 9002332, 70011],
    kind: 'app_registration_refused',
    message: "Microsoft refuses the broker's app registration.",
    sample: redirected(
      'unauthorized_client',
      7000112,
      "Application '11111111-2222-3333-4444-555555555555'(token-broker) is disabled.",
    ),
  },
  {
    errors: ['consent_required'],
    kind: 'consent_needed',
    message: 'Consent to the broker is needed.',
    sample: { error: 'consent_required' },
  },
  {
    errors: ['unauthorized_client', 'invalid_client'],
    kind: 'app_registration_refused',
    message: "Microsoft refuses the broker's app registration.",
    sample: {
      error: 'unauthorized_client',
      errorDescription: 'The client is not authorized to request an authorization code.',
    },
  },
  {
    errors: ['access_denied', 'authorization_declined', 'permission_denied'],
    kind: 'sign_in_cancelled',
    message: 'The sign-in was cancelled or declined.',
    sample: { error: 'access_denied', errorDescription: 'the user canceled the authentication' },
  },
  {
    errors: ['server_error', 'temporarily_unavailable'],
    kind: 'provider_unavailable',
    message: 'Microsoft is temporarily unavailable.',
    sample: redirected('temporarily_unavailable', 90033, 'A transient error has occurred. Please try again.'),
  },
];

export const MICROSOFT_REPLIES: ReplyTable = {
  name: 'Microsoft',
  rows: [...RETRY_LATER, ...OPERATOR, ...CONSENT, ...POLICY, ...ACCOUNT, ...SIGN_IN_AGAIN, ...BY_ERROR],
  redirectRows: REDIRECTS,
};
