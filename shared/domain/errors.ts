/**
 * Everything that can go wrong and is expected to. What each kind means on every wire (HTTP, OAuth, panel) stands in
 * one table, `protocol/outcomes.ts`; what it says to people, in `protocol/texts/`.
 */
export const ERROR_KINDS = [
  // the request itself
  'invalid_request',
  'unsupported_grant_type',
  'unsupported_media_type',
  'payload_too_large',
  'headers_too_large',
  'not_found',
  'method_not_allowed',
  'conflict',
  // who asks
  'invalid_client',
  'invalid_enrolment_token',
  'invalid_registration_token',
  'invalid_client_metadata',
  'invalid_admin_key',
  'too_many_attempts',
  // pairing, and the broker's own refresh tokens
  'pairing_pending',
  'pairing_polled_too_fast',
  'pairing_denied',
  'pairing_expired',
  'pairing_unknown',
  'user_code_unknown',
  'refresh_token_unknown',
  'unsupported_token_type',
  // the mailbox behind a slot
  'slot_not_bound',
  'not_signed_in',
  'waiting_for_sign_in',
  'signed_out',
  'sign_in_lapsed',
  'consent_withdrawn',
  'consent_needed',
  'more_proof_needed',
  'conditional_access',
  'account_unavailable',
  'scope_not_offered',
  'scope_not_granted',
  // the provider and the broker's registration with it
  'provider_unavailable',
  'app_registration_refused',
  'stored_sign_in_missing',
  'stored_sign_in_unreadable',
  'vault_unavailable',
  // a sign-in attempt
  'sign_in_not_found',
  'sign_in_expired',
  'sign_in_already_used',
  'sign_in_other_browser',
  'sign_in_cancelled',
  'sign_in_refused',
  'sign_in_wrong_account',
  'sign_in_scope_missing',
  'sign_in_no_refresh_token',
  // mail
  'not_a_message',
  'invalid_recipient',
  'sender_not_allowed',
  'message_too_large',
  'upload_unknown',
  'upload_incomplete',
  'mail_server_unavailable',
  'mail_server_misconfigured',
  'mail_server_refused_sign_in',
  'smtp_switched_off',
  'sending_limit_reached',
  'mail_server_refused_message',
  'outcome_unknown',
  'held_too_long',
  // at a gateway
  'broker_unreachable',
  'gateway_full',
  'too_much_mail',
  // ours
  'store_unavailable',
  'internal',
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface BrokerError {
  readonly kind: ErrorKind;
  /** The particulars, in English, safe to show to the caller: never a secret, never a provider's raw reply. */
  readonly detail?: string;
  /** How long the caller should wait before it tries again. */
  readonly retryAfterSeconds?: number;
  /** The provider's code and id to look up, when the provider said them. */
  readonly code?: string;
  readonly correlationId?: string;
}

export const brokerError = (kind: ErrorKind, detail?: string): BrokerError =>
  detail === undefined ? { kind } : { kind, detail };

/** Who can mend it. Retry, paging and the class of every reply follow from this. */
export type Actor = 'device' | 'person' | 'operator' | 'nobody';

/** Whether waiting is enough: for the provider, or for the operator's own registration; no owner of a mailbox must act. */
export const passesByItself = ({ kind }: BrokerError): boolean =>
  kind === 'provider_unavailable' ||
  kind === 'app_registration_refused' ||
  kind === 'stored_sign_in_missing' ||
  kind === 'stored_sign_in_unreadable' ||
  kind === 'vault_unavailable' ||
  kind === 'store_unavailable' ||
  kind === 'mail_server_unavailable' ||
  kind === 'broker_unreachable';
