import type { BrokerError, ErrorKind } from './errors.ts';
import type { Audience } from './provider.ts';

/**
 * What a connection test goes through (R25), in the order in which steps end: with STARTTLS a server greets before TLS and
 * tells the rest after it, so its greeting ends after `tls`, unless it fails before.
 */
export const TEST_STEPS = [
  'grant',
  'token',
  'name',
  'tcp',
  'tls',
  'greeting',
  'auth',
  /** Sending: who it is from and to. */
  'envelope',
  'message',
  /** Receiving: the mailbox is opened, and nothing in it changed. */
  'mailbox',
] as const;

export type TestStepName = (typeof TEST_STEPS)[number];

export const TEST_DIRECTIONS = ['send', 'receive'] as const;
export type TestDirection = (typeof TEST_DIRECTIONS)[number];

/** By which mail is received. Devices know POP3 (R20, R21). */
export const RECEIVE_PROTOCOLS = ['pop', 'imap'] as const;
export type ReceiveProtocol = (typeof RECEIVE_PROTOCOLS)[number];

export type TestProtocol = Exclude<Audience, 'api'>;

/** What was seen, put into the text of the verdict or of the step; never a token. */
export type Facts = Readonly<Record<string, string | number>>;

/** How a step that passed is told. */
export const SEEN = [
  'grant',
  'token',
  /** The provider gave no new one, but the one at hand is good. */
  'token_at_hand',
  'name',
  'name_is_address',
  'tcp',
  'tls',
  'greeting',
  'greeting_with_size',
  'auth',
  'envelope',
  'message',
  'mailbox',
] as const;

export type Seen = (typeof SEEN)[number];

/**
 * Why a step failed, once a mail server was involved, and the broker's own kind of error for it, which says who must act and what
 * a panel shows. Every verdict has its words and its remedy in every language (`protocol/connection-test-texts`).
 */
export const VERDICTS = {
  name_unknown: 'mail_server_misconfigured',
  name_lookup_failed: 'mail_server_unavailable',

  tcp_refused: 'mail_server_unavailable',
  tcp_silent: 'mail_server_unavailable',
  tcp_unreachable: 'mail_server_unavailable',

  /** A plain answer where TLS was expected from the first byte. */
  tls_not_spoken: 'mail_server_misconfigured',
  /** The other way round: silence where a greeting was expected, and TLS is answered. */
  tls_from_first_byte: 'mail_server_misconfigured',
  starttls_missing: 'mail_server_misconfigured',
  starttls_refused: 'mail_server_unavailable',
  tls_too_old: 'mail_server_misconfigured',
  tls_failed: 'mail_server_misconfigured',
  certificate_untrusted: 'mail_server_misconfigured',
  certificate_not_valid_now: 'mail_server_misconfigured',
  certificate_other_name: 'mail_server_misconfigured',

  other_protocol: 'mail_server_misconfigured',
  server_refuses: 'mail_server_unavailable',

  sign_in_not_offered: 'mail_server_misconfigured',
  sign_in_not_understood: 'mail_server_misconfigured',
  sign_in_refused: 'mail_server_refused_sign_in',
  smtp_switched_off: 'smtp_switched_off',
  security_defaults: 'conditional_access',
  policy_blocks: 'conditional_access',
  receiving_switched_off: 'mail_server_refused_sign_in',

  sender_refused: 'sender_not_allowed',
  /** Full, or blocked as a bad sender. */
  account_unavailable: 'account_unavailable',
  recipient_refused: 'invalid_recipient',
  limit_reached: 'sending_limit_reached',
  too_large: 'message_too_large',
  message_refused: 'mail_server_refused_message',
  outcome_unknown: 'outcome_unknown',
  mailbox_refused: 'mail_server_refused_sign_in',

  later: 'mail_server_unavailable',
  dropped: 'mail_server_unavailable',
  silent: 'mail_server_unavailable',
  out_of_time: 'mail_server_unavailable',
} as const satisfies Record<string, ErrorKind>;

export type Verdict = keyof typeof VERDICTS;

/**
 * Why a step failed before any mail server was asked: the words are those of the broker's own error. `token_update_failed` says
 * besides what R25 wants said: delete the token and get it again.
 */
export const TOKEN_VERDICTS = ['no_grant', 'token_update_failed', 'no_token'] as const;
export type TokenVerdict = (typeof TOKEN_VERDICTS)[number];

interface Ended {
  readonly step: TestStepName;
  readonly durationMs: number;
}

export type TestStep =
  | (Ended & { readonly outcome: 'passed'; readonly seen: Seen; readonly facts: Facts })
  | (Ended & {
      readonly outcome: 'failed';
      readonly why: Verdict | TokenVerdict;
      /** `detail`: what the other side said, in its own words. */
      readonly error: BrokerError;
      readonly facts: Facts;
    })
  /** Nobody was named to send to. */
  | (Ended & { readonly outcome: 'left_out'; readonly why: 'no_recipient' });

export type FailedStep = Extract<TestStep, { outcome: 'failed' }>;

/** A whole test. It ends with the step that failed: what was not reached is not listed. */
export interface ConnectionTest {
  readonly direction: TestDirection;
  readonly protocol: TestProtocol;
  readonly account: string;
  readonly steps: readonly TestStep[];
  readonly durationMs: number;
  /** How the mailbox's mail goes out just now: the test is of SMTP whatever this says. */
  readonly route: 'smtp' | 'api' | undefined;
}

export const failedStep = ({ steps }: Pick<ConnectionTest, 'steps'>): FailedStep | undefined =>
  steps.find((step) => step.outcome === 'failed');

/** API Gateway hangs up at 30 s: what can be told by then must have been found out before. */
export const TEST_LIMIT_SECONDS = 25;

/** Of that, for a provider that is slow to give a token. */
export const TEST_TOKEN_SECONDS = 12;

/** A mailbox is tested once in this time: each test is a sign-in at the provider, which counts them too. */
export const TEST_PAUSE_SECONDS = 10;
