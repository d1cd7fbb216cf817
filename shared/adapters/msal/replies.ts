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

type Match = Pick<ReplyRow, 'errors' | 'codes' | 'suberrors' | 'request' | 'retryAfterSeconds'>;

const later = (match: Match, message: string, sample: ReplyRow['sample']): ReplyRow => ({
  ...match,
  class: 'retry_later',
  kind: 'provider_unavailable',
  message,
  sample,
});

const operator = (
  match: Match,
  message: string,
  sample: ReplyRow['sample'],
  kind: ErrorKind = 'app_registration_refused',
): ReplyRow => ({ ...match, class: 'operator_must_act', kind, message, sample });

const person = (kind: ErrorKind, match: Match, message: string, sample: ReplyRow['sample']): ReplyRow => ({
  ...match,
  class: 'person_must_act',
  kind,
  message,
  sample,
});

/** Codes that say the application, or the mail service, is not set up in the organization's directory. */
const NOT_IN_DIRECTORY = [650052, 650054, 650056, 650057, 500011] as const;

const RETRY_LATER: readonly ReplyRow[] = [
  // About fifteen equal requests within five minutes set it off; five minutes later it is forgotten.
  later(
    { codes: [50196], retryAfterSeconds: 300 },
    'Microsoft saw the same request too often and pauses it; the sign-in itself is still good.',
    reply('invalid_grant', 'AADSTS50196: The server terminated an operation because it encountered a loop.'),
  ),
  later(
    { codes: [90033, 90006, 90012, 90024, 50033, 50087, 90055] },
    'Microsoft has a passing fault.',
    reply('invalid_grant', 'AADSTS90033: A transient error has occurred. Please try again.'),
  ),
];

const OPERATOR: readonly ReplyRow[] = [
  operator(
    { codes: [90036] },
    'Microsoft has a fault that waiting does not mend: open a support request with the correlation id.',
    reply('server_error', 'AADSTS90036: An unexpected, non-retryable error occurred in the directory service.'),
    'provider_unavailable',
  ),
  operator(
    { codes: [7000215] },
    "The client secret is wrong: enter the secret's value, not its id.",
    reply(
      'invalid_client',
      'AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
    ),
  ),
  operator(
    { codes: [7000222] },
    'The client secret has expired: make a new one in the app registration.',
    reply(
      'invalid_client',
      "AADSTS7000222: The provided client secret keys for app '11111111-2222-3333-4444-555555555555' are expired.",
    ),
  ),
  operator(
    { codes: [7000218] },
    'The app registration wants a client secret and none was sent.',
    reply(
      'invalid_client',
      "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
  ),
  operator(
    { codes: [700025] },
    'The app registration is a public client and takes no client secret: register the broker as a web app.',
    reply(
      'invalid_client',
      "AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
  ),
  operator(
    { codes: [700027] },
    "The client certificate's signature is refused.",
    reply(
      'invalid_client',
      'AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application.',
    ),
  ),
  // In old replies 70002 only introduces another code, so it counts under an error of its own alone.
  operator(
    { errors: ['invalid_client', 'unauthorized_client'], codes: [70002] },
    'The client id or secret is refused.',
    reply('invalid_client', 'AADSTS70002: Error validating credentials.'),
  ),
  operator(
    { codes: [70001, 7000112] },
    'The app registration is disabled.',
    reply(
      'unauthorized_client',
      "AADSTS7000112: Application '11111111-2222-3333-4444-555555555555'(token-broker) is disabled.",
    ),
  ),
  operator(
    { codes: [50011] },
    "The broker's redirect address is not entered in the app registration.",
    reply(
      'invalid_request',
      "AADSTS50011: The redirect URI 'https://broker.example/oauth/callback/microsoft' specified in the request does not match the redirect URIs configured for the application.",
    ),
  ),
  operator(
    { codes: [70011, 700022, 28002, 1002012] },
    'The app registration does not offer the mail scopes that were asked.',
    reply(
      'invalid_scope',
      "AADSTS70011: The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid.",
    ),
  ),
  operator(
    { codes: [90009] },
    "The app registration asks a token for itself and must use its client id's GUID.",
    reply(
      'invalid_request',
      'AADSTS90009: Application is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.',
    ),
  ),
  operator(
    { codes: [90013, 90014, 900144] },
    "Microsoft finds the broker's request malformed.",
    reply('invalid_request', "AADSTS900144: The request body must contain the following parameter: 'scope'."),
  ),
  operator(
    { codes: [50194, 9002332, 9001023, 90002, 700005] },
    'The configured tenant does not fit the kinds of account that the app registration supports.',
    reply(
      'invalid_request',
      "AADSTS50194: Application '11111111-2222-3333-4444-555555555555'(token-broker) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported.",
    ),
  ),
  operator(
    { codes: [900439, 90038, 900382, 900432] },
    'The app registration belongs to another national cloud.',
    reply('invalid_request', 'AADSTS900439: USGClientNotSupportedOnPublicEndpoint.'),
  ),
  operator(
    { codes: [700016] },
    "The client id is not known in the organization's directory: check it and the tenant, or grant consent there.",
    reply(
      'unauthorized_client',
      "AADSTS700016: Application with identifier '11111111-2222-3333-4444-555555555555' was not found in the directory 'Contoso'.",
    ),
  ),
];

const CONSENT: readonly ReplyRow[] = [
  person(
    'consent_withdrawn',
    { codes: [65001], request: 'refresh' },
    'The permission given to the broker no longer exists.',
    reply(
      'invalid_grant',
      "AADSTS65001: The user or administrator has not consented to use the application with ID '11111111-2222-3333-4444-555555555555' named 'token-broker'.",
      'consent_required',
    ),
  ),
  person(
    'consent_needed',
    { codes: [65001, 90094, 90095] },
    'An administrator must consent to the broker.',
    reply('invalid_grant', 'AADSTS90094: Administrator consent is required.', 'consent_required'),
  ),
  person(
    'sign_in_cancelled',
    { codes: [65004] },
    'The person declined to consent.',
    reply('invalid_grant', 'AADSTS65004: User declined to consent to access the app.'),
  ),
  person(
    'consent_needed',
    { codes: [50105] },
    "An administrator must assign the account to the broker's enterprise application.",
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
    'The account must enrol for multi-factor authentication.',
    reply(
      'interaction_required',
      'AADSTS50079: Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'more_proof_needed',
    { codes: [50074, 50076, 50158, 700020] },
    'The organization asks for a further proof of identity.',
    reply(
      'interaction_required',
      'AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'conditional_access',
    { codes: [53003] },
    'A Conditional Access policy blocks this account.',
    reply(
      'invalid_grant',
      'AADSTS53003: Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
      'message_only',
    ),
  ),
  person(
    'conditional_access',
    { codes: [53000, 53001, 53002, 50097] },
    'A Conditional Access policy asks for a managed device or an approved app, which a printer is not.',
    reply('interaction_required', 'AADSTS53000: Device is not in required device state: compliant.', 'message_only'),
  ),
  person(
    'conditional_access',
    { codes: [53004, 530032, 530034] },
    'A security policy of the organization blocks this account.',
    reply('invalid_grant', 'AADSTS530032: Blocked by Conditional Access on Security Policy.', 'message_only'),
  ),
  person(
    'conditional_access',
    { codes: [500212, 500213] },
    'A cross-tenant access policy blocks this account.',
    reply(
      'invalid_grant',
      "AADSTS500213: The resource tenant's cross-tenant access policy does not allow this user to access this tenant.",
    ),
  ),
  person(
    'conditional_access',
    { codes: [530035] },
    'The security defaults of the organization block this sign-in.',
    reply('invalid_grant', 'AADSTS530035: Access has been blocked by security defaults.'),
  ),
];

const ACCOUNT: readonly ReplyRow[] = [
  person(
    'account_unavailable',
    { codes: [50034] },
    'The account does not exist in this organization.',
    reply(
      'invalid_grant',
      'AADSTS50034: The user account does not exist in the directory. To sign into this application, the account must be added to the directory.',
    ),
  ),
  person(
    'account_unavailable',
    { codes: [50053] },
    'The account is locked, or its address is blocked.',
    reply(
      'invalid_grant',
      "AADSTS50053: You've tried to sign in too many times with an incorrect user ID or password. The account is locked.",
    ),
  ),
  person(
    'account_unavailable',
    { codes: [50055] },
    "The account's password has expired.",
    reply('invalid_grant', 'AADSTS50055: The password is expired.'),
  ),
  person(
    'account_unavailable',
    { codes: [50056, 50126] },
    "The account's password is not accepted.",
    reply('invalid_grant', 'AADSTS50126: Error validating credentials due to invalid username or password.'),
  ),
  person(
    'account_unavailable',
    { codes: [50057] },
    'The account is disabled.',
    reply('invalid_grant', 'AADSTS50057: The user account is disabled.'),
  ),
];

const SIGN_IN_AGAIN: readonly ReplyRow[] = [
  person(
    'sign_in_already_used',
    { codes: [54005] },
    'The authorization code was already redeemed.',
    reply(
      'invalid_grant',
      'AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    ),
  ),
  person(
    'sign_in_expired',
    { codes: [70008], request: 'code' },
    'The authorization code has expired.',
    reply(
      'invalid_grant',
      'AADSTS70008: The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50173, 50132, 50133] },
    'The sign-in was revoked, as happens when the password is changed.',
    reply(
      'invalid_grant',
      "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '2026-09-01T07:12:00.0000000Z' and the TokensValidFrom date for this user is '2026-10-30T11:02:41.0000000Z'.",
      'bad_token',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [70008, 700082] },
    'The refresh token has expired because it was not used for too long.',
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
    'A sign-in frequency policy ended the sign-in: an administrator can exempt this account from it.',
    reply(
      'invalid_grant',
      'AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
      'token_expired',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50078] },
    'The multi-factor authentication of this sign-in has expired by policy.',
    reply(
      'interaction_required',
      'AADSTS50078: Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication.',
      'basic_action',
    ),
  ),
  person(
    'sign_in_lapsed',
    { codes: [50089, 50058] },
    'The sign-in has expired.',
    reply('invalid_grant', 'AADSTS50089: Authentication failed due to flow token expired.'),
  ),
];

/** By the OAuth error alone, for every code that is not listed above. */
const BY_ERROR: readonly ReplyRow[] = [
  later(
    { errors: ['temporarily_unavailable', 'server_error', 'slow_down'] },
    'Microsoft is temporarily unavailable.',
    reply('temporarily_unavailable', 'AADSTS90098: The service is temporarily busy.'),
  ),
  person(
    'consent_needed',
    { errors: ['consent_required'] },
    'Consent to the broker is needed.',
    reply('consent_required', 'AADSTS65006: Consent is required.'),
  ),
  person(
    'consent_needed',
    { suberrors: ['consent_required'] },
    'Consent to the broker is needed.',
    reply('invalid_grant', 'AADSTS65009: Consent is required.', 'consent_required'),
  ),
  person(
    'conditional_access',
    { suberrors: ['protection_policy_required'] },
    'A Conditional Access policy asks for an approved app, which a printer is not.',
    reply(
      'interaction_required',
      'AADSTS53005: Application needs to enforce Intune protection policies.',
      'protection_policy_required',
    ),
  ),
  person(
    'more_proof_needed',
    { errors: ['interaction_required'] },
    'Microsoft asks for an interactive sign-in.',
    reply('interaction_required', 'AADSTS16000: Interaction required.'),
  ),
  person(
    'more_proof_needed',
    { suberrors: ['basic_action', 'additional_action'] },
    'Microsoft asks for an interactive sign-in.',
    reply(
      'invalid_grant',
      'AADSTS50127: Broker app needs to be installed for device authentication to succeed.',
      'additional_action',
    ),
  ),
  person(
    'sign_in_refused',
    { errors: ['invalid_grant'], request: 'code' },
    'The authorization code is not valid.',
    reply(
      'invalid_grant',
      'AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    ),
  ),
  person(
    'sign_in_lapsed',
    { errors: ['invalid_grant'] },
    'The refresh token is no longer valid.',
    reply('invalid_grant', 'AADSTS70000: Provided grant is invalid or malformed.'),
  ),
  operator(
    { errors: ['invalid_scope'] },
    'The scope that was asked is not part of what was granted.',
    { status: 400, body: { error: 'invalid_scope', error_description: 'refresh token missing requested scope' } },
    'scope_not_granted',
  ),
  operator(
    {
      errors: [
        'invalid_client',
        'unauthorized_client',
        'invalid_resource',
        'invalid_request',
        'unsupported_grant_type',
      ],
    },
    "Microsoft refuses the broker's app registration.",
    { status: 401, body: { error: 'invalid_client', error_description: 'client authentication failed' } },
  ),
];

const redirected = (error: string, code: number, text: string): RedirectRow['sample'] => ({
  error,
  errorDescription: `AADSTS${code}: ${text}\r\nTrace ID: ${TRACE}\r\nCorrelation ID: ${CORRELATION}\r\nTimestamp: ${TIME}`,
});

const REDIRECTS: readonly RedirectRow[] = [
  {
    codes: [65001, 90094, 90095, 90093, 50105, 900941, ...NOT_IN_DIRECTORY],
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
    codes: [700016, 70001, 7000112, 50011, 50194, 9002332, 70011],
    kind: 'app_registration_refused',
    message: "Microsoft refuses the broker's app registration.",
    sample: redirected(
      'unauthorized_client',
      700016,
      "Application with identifier '11111111-2222-3333-4444-555555555555' was not found in the directory 'Contoso'.",
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
