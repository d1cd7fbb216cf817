import type { Actor, BrokerError, ErrorKind } from '../domain/errors.ts';
import type { TokenStatus } from '../domain/grant.ts';

/** R26: the job error codes a device can show. 360 no connection (sign in), 361 sign-in expired, 370 sign in again. */
export type PanelCode = 360 | 361 | 370;

/** What one kind of error means on every wire. Its words stand in `texts/`. */
export interface Outcome {
  /** HTTP status on the JSON interfaces (RFC 9110 section 15). */
  readonly status: number;
  /** `error` on the OAuth endpoints (RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 7591 section 3.2.2). */
  readonly oauthError: string;
  /** HTTP status on the OAuth endpoints, where it differs: RFC 6749 section 5.2 wants 400 for what the client sent. */
  readonly oauthStatus?: number;
  /** Who can mend it. */
  readonly actor: Actor;
  readonly panelCode?: PanelCode;
  /** On SMTP: basic and enhanced code (RFC 5321 section 4.2, RFC 3463). Without it the error is not met there. */
  readonly smtp?: `${4 | 5}${number} ${4 | 5}.${number}.${number}`;
  /** R13: what the error says of the mailbox's token, where it does. */
  readonly tokenStatus?: TokenStatus;
}

/** The mailbox behind the slot yields no token. */
const noToken = (actor: Actor, panelCode: PanelCode, tokenStatus: TokenStatus) =>
  ({
    status: 409,
    oauthError: 'invalid_grant',
    oauthStatus: 400,
    actor,
    panelCode,
    tokenStatus,
    smtp: '550 5.7.1',
  }) as const;

/** A kind without a row does not compile. */
export const OUTCOMES = {
  invalid_request: { status: 400, oauthError: 'invalid_request', actor: 'device', smtp: '501 5.5.4' },
  unsupported_grant_type: { status: 400, oauthError: 'unsupported_grant_type', actor: 'device' },
  unsupported_media_type: { status: 415, oauthError: 'invalid_request', actor: 'device' },
  payload_too_large: { status: 413, oauthError: 'invalid_request', actor: 'device', smtp: '552 5.3.4' },
  headers_too_large: { status: 431, oauthError: 'invalid_request', actor: 'device' },
  not_found: { status: 404, oauthError: 'invalid_request', actor: 'device' },
  method_not_allowed: { status: 405, oauthError: 'invalid_request', actor: 'device' },
  conflict: { status: 409, oauthError: 'invalid_request', actor: 'device' },

  invalid_client: { status: 401, oauthError: 'invalid_client', actor: 'operator', smtp: '535 5.7.8' },
  invalid_enrolment_token: { status: 401, oauthError: 'invalid_token', actor: 'operator' },
  invalid_registration_token: { status: 401, oauthError: 'invalid_token', actor: 'operator' },
  invalid_client_metadata: { status: 400, oauthError: 'invalid_client_metadata', actor: 'device' },
  invalid_admin_key: { status: 401, oauthError: 'invalid_token', actor: 'operator' },
  too_many_attempts: { status: 429, oauthError: 'slow_down', actor: 'nobody', smtp: '454 4.7.0' },

  // RFC 8628 section 3.5
  pairing_pending: { status: 400, oauthError: 'authorization_pending', actor: 'person' },
  pairing_polled_too_fast: { status: 400, oauthError: 'slow_down', actor: 'device' },
  pairing_denied: { status: 400, oauthError: 'access_denied', actor: 'person', panelCode: 370 },
  pairing_expired: { status: 400, oauthError: 'expired_token', actor: 'person', panelCode: 370 },
  pairing_unknown: { status: 400, oauthError: 'invalid_grant', actor: 'device', panelCode: 370 },
  user_code_unknown: { status: 404, oauthError: 'invalid_request', actor: 'person' },
  refresh_token_unknown: { status: 400, oauthError: 'invalid_grant', actor: 'person', panelCode: 370 },
  // RFC 7009 section 2.2.1
  unsupported_token_type: { status: 400, oauthError: 'unsupported_token_type', actor: 'device' },

  slot_not_bound: noToken('operator', 360, 'not_acquired'),
  not_signed_in: noToken('person', 360, 'not_acquired'),
  waiting_for_sign_in: noToken('person', 360, 'waiting'),
  signed_out: noToken('person', 370, 'not_acquired'),
  sign_in_lapsed: noToken('person', 361, 'invalid'),
  consent_withdrawn: noToken('person', 370, 'invalid'),
  consent_needed: noToken('person', 370, 'invalid'),
  more_proof_needed: noToken('person', 361, 'invalid'),
  conditional_access: noToken('person', 361, 'invalid'),
  account_unavailable: noToken('person', 361, 'invalid'),
  scope_not_offered: { status: 400, oauthError: 'invalid_scope', actor: 'device', smtp: '550 5.7.1' },
  scope_not_granted: {
    status: 409,
    oauthError: 'invalid_scope',
    oauthStatus: 400,
    actor: 'person',
    panelCode: 370,
    smtp: '550 5.7.1',
  },

  provider_unavailable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '451 4.4.1',
  },
  stored_sign_in_missing: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'operator',
    panelCode: 360,
    smtp: '451 4.3.5',
  },
  stored_sign_in_unreadable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'operator',
    panelCode: 360,
    smtp: '451 4.3.5',
  },
  vault_unavailable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '451 4.3.0',
  },
  app_registration_refused: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'operator',
    panelCode: 360,
    smtp: '451 4.3.5',
  },

  sign_in_not_found: { status: 404, oauthError: 'invalid_request', actor: 'person' },
  sign_in_expired: { status: 410, oauthError: 'invalid_request', actor: 'person' },
  sign_in_already_used: { status: 409, oauthError: 'invalid_request', actor: 'person' },
  sign_in_other_browser: { status: 400, oauthError: 'invalid_request', actor: 'person' },
  sign_in_cancelled: { status: 400, oauthError: 'access_denied', actor: 'person' },
  sign_in_refused: { status: 400, oauthError: 'access_denied', actor: 'person' },
  sign_in_wrong_account: { status: 400, oauthError: 'access_denied', actor: 'person' },
  sign_in_scope_missing: { status: 400, oauthError: 'access_denied', actor: 'person' },
  sign_in_no_refresh_token: { status: 400, oauthError: 'access_denied', actor: 'operator' },

  not_a_message: { status: 422, oauthError: 'invalid_request', actor: 'device', smtp: '554 5.6.0' },
  invalid_recipient: { status: 400, oauthError: 'invalid_request', actor: 'device', smtp: '553 5.1.3' },
  sender_not_allowed: { status: 403, oauthError: 'access_denied', actor: 'operator', smtp: '550 5.7.1' },
  message_too_large: { status: 413, oauthError: 'invalid_request', actor: 'device', smtp: '552 5.3.4' },
  upload_unknown: { status: 404, oauthError: 'invalid_request', actor: 'device' },
  upload_incomplete: { status: 409, oauthError: 'invalid_request', actor: 'device' },
  mail_server_unavailable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '451 4.4.1',
  },
  mail_server_misconfigured: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'operator',
    panelCode: 360,
    smtp: '451 4.3.5',
  },
  mail_server_refused_sign_in: noToken('operator', 360, 'acquired'),
  smtp_switched_off: noToken('operator', 360, 'acquired'),
  sending_limit_reached: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '451 4.7.0',
  },
  mail_server_refused_message: { status: 422, oauthError: 'invalid_request', actor: 'device', smtp: '554 5.6.0' },
  outcome_unknown: { status: 503, oauthError: 'temporarily_unavailable', actor: 'person', smtp: '451 4.4.2' },
  held_too_long: noToken('person', 370, 'invalid'),

  broker_unreachable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '454 4.4.1',
  },
  gateway_full: { status: 503, oauthError: 'temporarily_unavailable', actor: 'operator', smtp: '452 4.3.1' },
  too_much_mail: { status: 429, oauthError: 'slow_down', actor: 'nobody', smtp: '450 4.7.1' },

  store_unavailable: {
    status: 503,
    oauthError: 'temporarily_unavailable',
    actor: 'nobody',
    panelCode: 360,
    smtp: '451 4.3.0',
  },
  internal: { status: 500, oauthError: 'server_error', actor: 'operator', smtp: '451 4.3.0' },
} as const satisfies Record<ErrorKind, Outcome>;

export const outcomeOf = (error: BrokerError): Outcome => OUTCOMES[error.kind];
