import type { RedirectRow, ReplyRow, ReplyTable } from '../oauth-http/replies.ts';

/** Google's error replies. Google says `invalid_grant` for nearly every way a grant can end, and seldom which. */

const refused = (status: number, error: string, text: string, subtype?: string): ReplyRow['sample'] => ({
  status,
  body: { error, error_description: text, ...(subtype !== undefined && { error_subtype: subtype }) },
});

const PASSING: readonly ReplyRow[] = [
  {
    errors: ['internal_failure', 'server_error', 'temporarily_unavailable', 'rate_limit_exceeded', 'slow_down'],
    class: 'retry_later',
    affects: 'provider',
    kind: 'provider_unavailable',
    message: 'Google has a passing fault: the broker tries again.',
    sample: refused(400, 'internal_failure', 'Internal Error'),
  },
];

const OPERATOR: readonly ReplyRow[] = [
  {
    errors: ['deleted_client', 'disabled_client'],
    class: 'operator_must_act',
    affects: 'registration',
    kind: 'app_registration_refused',
    message: 'The OAuth client was deleted or disabled in the Google Cloud project: restore it, or enter another.',
    sample: refused(401, 'deleted_client', 'The OAuth client was deleted.'),
  },
  {
    errors: ['invalid_client'],
    description: /client was not found/i,
    class: 'operator_must_act',
    affects: 'registration',
    kind: 'app_registration_refused',
    message: 'Google does not know the client id: enter the one of the OAuth client in the Google Cloud project.',
    sample: refused(401, 'invalid_client', 'The OAuth client was not found.'),
  },
  {
    errors: ['invalid_client'],
    class: 'operator_must_act',
    affects: 'registration',
    kind: 'app_registration_refused',
    refusesClientSecret: true,
    message: 'The client id or secret is wrong: compare both with the OAuth client in the Google Cloud project.',
    sample: refused(401, 'invalid_client', 'The provided client secret is invalid.'),
  },
  {
    errors: ['org_internal'],
    class: 'operator_must_act',
    affects: 'grant',
    kind: 'app_registration_refused',
    message: 'The OAuth client is internal to another Google organization: make its user type "External".',
    sample: refused(403, 'org_internal', 'This client is restricted to users within its organization.'),
  },
  {
    errors: ['redirect_uri_mismatch'],
    class: 'operator_must_act',
    affects: 'grant',
    kind: 'app_registration_refused',
    message: "The broker's redirect address is not in the OAuth client: enter it there.",
    sample: refused(400, 'redirect_uri_mismatch', 'Bad Request'),
  },
  {
    errors: ['admin_policy_enforced'],
    class: 'operator_must_act',
    affects: 'grant',
    kind: 'consent_needed',
    message: 'The organization blocks the broker: a Google Workspace administrator must allow it.',
    sample: refused(
      400,
      'admin_policy_enforced',
      'Access to this app is blocked by the administrator of the organization.',
    ),
  },
  {
    errors: ['invalid_scope'],
    class: 'operator_must_act',
    affects: 'grant',
    kind: 'scope_not_granted',
    message: 'The scope that was asked is not part of what was granted: sign in again and allow it.',
    sample: refused(400, 'invalid_scope', 'Some requested scopes were invalid.'),
  },
  {
    // `unauthorized_client` also for a refresh token that another OAuth client was given.
    errors: ['unauthorized_client', 'invalid_request', 'unsupported_grant_type'],
    class: 'operator_must_act',
    affects: 'grant',
    kind: 'app_registration_refused',
    message:
      "Google refuses the broker's OAuth client: sign in again if it was replaced, else compare it with the configuration.",
    sample: refused(401, 'unauthorized_client', 'Unauthorized'),
  },
];

const PERSON: readonly ReplyRow[] = [
  {
    suberrors: ['invalid_rapt', 'rapt_required'],
    class: 'person_must_act',
    affects: 'grant',
    kind: 'sign_in_lapsed',
    message:
      'Google Workspace session control ended the sign-in: sign in again, or let an administrator exempt the broker.',
    sample: refused(400, 'invalid_grant', 'reauth related error (invalid_rapt)', 'invalid_rapt'),
  },
  {
    description: /\brapt\b|invalid_rapt|reauth related/i,
    class: 'person_must_act',
    affects: 'grant',
    kind: 'sign_in_lapsed',
    message:
      'Google Workspace session control ended the sign-in: sign in again, or let an administrator exempt the broker.',
    sample: refused(400, 'invalid_grant', 'reauth related error (invalid_rapt)'),
  },
  {
    suberrors: ['admin_policy_enforced'],
    class: 'person_must_act',
    affects: 'grant',
    kind: 'consent_needed',
    message: 'The organization blocks the broker: a Google Workspace administrator must allow it.',
    sample: refused(400, 'invalid_grant', 'Account restricted', 'admin_policy_enforced'),
  },
  {
    description: /account (has been |is |was )?(deleted|disabled|suspended)/i,
    class: 'person_must_act',
    affects: 'grant',
    kind: 'account_unavailable',
    message: 'The account is deleted, disabled or suspended: an administrator must restore it.',
    sample: refused(400, 'invalid_grant', 'Account has been deleted'),
  },
  {
    errors: ['invalid_grant'],
    request: 'code',
    class: 'person_must_act',
    affects: 'grant',
    kind: 'sign_in_refused',
    message: 'The authorization code is not valid: begin a new sign-in.',
    sample: refused(400, 'invalid_grant', 'Malformed auth code.'),
  },
  {
    errors: ['invalid_grant'],
    class: 'person_must_act',
    affects: 'grant',
    kind: 'sign_in_lapsed',
    message:
      'The refresh token was revoked or has expired, as by a new password, six months unused, or seven days of an app still in testing: sign in again.',
    sample: refused(400, 'invalid_grant', 'Token has been expired or revoked.'),
  },
  {
    errors: ['consent_required'],
    class: 'person_must_act',
    affects: 'grant',
    kind: 'consent_needed',
    message: 'Consent to the broker is needed: sign in again.',
    sample: refused(400, 'consent_required', 'Consent is required.'),
  },
  {
    errors: ['interaction_required'],
    class: 'person_must_act',
    affects: 'grant',
    kind: 'more_proof_needed',
    message: 'Google asks for an interactive sign-in: sign in again.',
    sample: refused(400, 'interaction_required', 'Interaction is required.'),
  },
];

const REDIRECTS: readonly RedirectRow[] = [
  {
    errors: ['access_denied'],
    kind: 'sign_in_cancelled',
    message: 'The sign-in was cancelled or declined.',
    sample: { error: 'access_denied' },
  },
  {
    errors: ['admin_policy_enforced', 'consent_required'],
    kind: 'consent_needed',
    message: 'A Google Workspace administrator must allow the broker first.',
    sample: { error: 'admin_policy_enforced' },
  },
  {
    errors: [
      'org_internal',
      'deleted_client',
      'disabled_client',
      'invalid_client',
      'unauthorized_client',
      'redirect_uri_mismatch',
    ],
    kind: 'app_registration_refused',
    message: "Google refuses the broker's OAuth client.",
    sample: { error: 'org_internal' },
  },
  {
    errors: ['disallowed_useragent'],
    kind: 'sign_in_refused',
    message: 'Google does not allow sign-in in this embedded browser: open the link in a common browser.',
    sample: { error: 'disallowed_useragent' },
  },
  {
    errors: ['server_error', 'temporarily_unavailable', 'internal_failure'],
    kind: 'provider_unavailable',
    message: 'Google is temporarily unavailable.',
    sample: { error: 'server_error' },
  },
];

export const GOOGLE_REPLIES: ReplyTable = {
  name: 'Google',
  rows: [...PASSING, ...OPERATOR, ...PERSON],
  redirectRows: REDIRECTS,
};
