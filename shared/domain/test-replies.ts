import type { ReceiveProtocol, Verdict } from './connection-test.ts';
import type { ErrorKind } from './errors.ts';
import { type SmtpStep, smtpReplyRow } from './smtp-replies.ts';

/** What the table of SMTP replies makes of one, as a verdict of the connection test. */
const BY_REASON: Partial<Record<ErrorKind, Verdict>> = {
  smtp_switched_off: 'smtp_switched_off',
  mail_server_refused_sign_in: 'sign_in_refused',
  conditional_access: 'policy_blocks',
  mail_server_misconfigured: 'sign_in_not_understood',
  sender_not_allowed: 'sender_refused',
  account_unavailable: 'account_unavailable',
  sending_limit_reached: 'limit_reached',
  message_too_large: 'too_large',
  invalid_recipient: 'recipient_refused',
  mail_server_refused_message: 'message_refused',
  mail_server_unavailable: 'later',
};

/** Finer than an attempt at sending needs it: who must act is the same, but not what they are told. */
const SECURITY_DEFAULTS = /^535\b.*security defaults/i;

export const smtpVerdict = (said: string, step: SmtpStep): Verdict => {
  if (step === 'sign_in' && SECURITY_DEFAULTS.test(said)) return 'security_defaults';
  const verdict = BY_REASON[smtpReplyRow(said, step).reason] ?? 'message_refused';
  // RFC 5321 section 3.1: a 554 in place of a greeting does not pass by itself, though to a message it is a passing fault.
  return step === 'connect' && said.startsWith('5') && verdict === 'later' ? 'server_refuses' : verdict;
};

/** A row of the first that fits; a new case is a new row. */
export interface ReplyVerdict {
  readonly pattern: RegExp;
  readonly verdict: Verdict;
  readonly sample: string;
}

/** What POP3 and IMAP servers say when they refuse, without the tag. Response codes: RFC 2449, RFC 3206, RFC 5530. */
export const RECEIVE_REPLIES: readonly ReplyVerdict[] = [
  {
    pattern:
      /\[(IN-USE|LOGIN-DELAY|SYS\/TEMP|UNAVAILABLE|INUSE|LIMIT|THROTTLED)\b|too many (simultaneous )?connections/i,
    verdict: 'later',
    sample: '-ERR [IN-USE] The mailbox is in use by another session.',
  },
  {
    // Exchange Online: signed in, but the protocol is off for the mailbox, or the token is another account's.
    pattern: /authenticated but not connected/i,
    verdict: 'receiving_switched_off',
    sample: 'BAD User is authenticated but not connected.',
  },
  {
    pattern: /\b(IMAP|POP3?)\b.*\b(disabled|not enabled)\b|not enabled for (IMAP|POP)/i,
    verdict: 'receiving_switched_off',
    sample: 'NO [ALERT] Your account is not enabled for IMAP use.',
  },
];

const isSignIn = { auth: 'sign_in_refused', mailbox: 'mailbox_refused' } as const;

export const receiveVerdict = (said: string, step: keyof typeof isSignIn): Verdict =>
  RECEIVE_REPLIES.find(({ pattern }) => pattern.test(said))?.verdict ?? isSignIn[step];

/** As people know them. */
export const PROTOCOL_NAMES = { smtp: 'SMTP', pop: 'POP3', imap: 'IMAP' } as const satisfies Record<
  ReceiveProtocol | 'smtp',
  string
>;
