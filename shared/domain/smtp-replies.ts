import { QUOTA_RETRY_SECONDS, type ReplyRow } from './mail-replies.ts';

/** How far an SMTP session had come when the server refused: the same code means another thing at each step. */
export type SmtpStep = 'connect' | 'sign_in' | 'sender' | 'recipient' | 'message';

export interface SmtpReplyRow extends ReplyRow {
  /** Any step when absent. */
  readonly steps?: readonly SmtpStep[];
  readonly outcome: 'deferred' | 'held' | 'failed';
}

const SIGN_IN_ROWS: readonly SmtpReplyRow[] = [
  {
    pattern: /^535\b.*SmtpClientAuthentication is disabled/i,
    outcome: 'held',
    reason: 'smtp_switched_off',
    meaning: 'Authenticated SMTP is switched off for this mailbox or organization; an administrator can allow it.',
    sample:
      '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.',
  },
  {
    pattern: /^535\b.*security defaults/i,
    outcome: 'held',
    reason: 'conditional_access',
    meaning: 'The security defaults of the organization block SMTP sign-in for this account.',
    sample:
      "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
  },
  {
    pattern: /^535[ -]5\.7\.139\b/,
    outcome: 'held',
    reason: 'conditional_access',
    meaning: 'A policy of the organization blocks SMTP sign-in for this account.',
    sample:
      '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.',
  },
  {
    pattern: /^550[ -]5\.7\.30\b/,
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The server takes no passwords any more, and did not see the access token as one.',
    sample: '550 5.7.30 Basic authentication is not supported for Client Submission.',
  },
  {
    pattern: /^530[ -]5\.7\.57\b/,
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The server does not count this session as signed in.',
    sample: '530 5.7.57 Client not authenticated to send mail.',
  },
  {
    pattern: /^535\b/,
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The server does not accept the access token for this mailbox.',
    newTokenMayHelp: true,
    sample: '535 5.7.3 Authentication unsuccessful [AM0PR02CA0101.eurprd02.prod.outlook.com]',
  },
  {
    pattern: /^53[0-8]\b/,
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The server asks for another way of signing in.',
    sample: '534-5.7.9 Please log in with your web browser and then try again.',
  },
  {
    pattern: /^50\d\b/,
    steps: ['sign_in'],
    outcome: 'deferred',
    reason: 'mail_server_misconfigured',
    meaning: 'The server does not understand the sign-in by access token; check the configured server.',
    mailboxWide: true,
    sample: '504 5.7.4 Unrecognized authentication type',
  },
  {
    pattern: /^5\d\d\b/,
    steps: ['sign_in'],
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The server refused the sign-in.',
    sample: '550 5.7.0 Account is blocked.',
  },
];

const SENDER_ROWS: readonly SmtpReplyRow[] = [
  {
    pattern: /^5\d\d\b.*(SendAsDenied|\b5\.7\.60\b|not allowed to send as|permissions to send as)/i,
    outcome: 'failed',
    reason: 'sender_not_allowed',
    meaning: 'The signed-in mailbox may not send as this sender.',
    sample:
      '554 5.2.252 SendAsDenied; scan@contoso.example not allowed to send as finance@contoso.example; STOREDRV.ClientSubmit; Failed to process message',
  },
  {
    pattern: /^550[ -]5\.1\.8\b/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: 'The mailbox is blocked as a bad sender; an administrator can release it.',
    sample:
      '550 5.1.8 Access denied, bad outbound sender. For more information please go to https://aka.ms/bad-sender.',
  },
];

const LIMIT_ROWS: readonly SmtpReplyRow[] = [
  {
    pattern: /^5\d\d\b.*SubmissionQuotaExceeded/i,
    outcome: 'deferred',
    reason: 'sending_limit_reached',
    meaning: "The mailbox has used up its day's sending limit.",
    retryAfterSeconds: QUOTA_RETRY_SECONDS,
    mailboxWide: true,
    sample:
      '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message The message cannot be submitted because the submission quota was exceeded.',
  },
  {
    pattern: /^550[ -]5\.4\.5\b/,
    outcome: 'deferred',
    reason: 'sending_limit_reached',
    meaning: "The mailbox has used up its day's sending limit.",
    retryAfterSeconds: QUOTA_RETRY_SECONDS,
    mailboxWide: true,
    sample: '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to',
  },
  {
    pattern: /^55[24][ -]5\.2\.2\b/,
    steps: ['message'],
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: 'The sending mailbox is full, as its sent items pile up; somebody must make room.',
    sample: '554 5.2.2 mailbox full; STOREDRV.ClientSubmit; Failed to process message due to a permanent exception',
  },
  {
    pattern: /^55[024][ -]5\.(3\.4|2\.3)\b|^552\b.*\bsize\b/i,
    outcome: 'failed',
    reason: 'message_too_large',
    meaning: 'The message is larger than the server takes.',
    sample: '552 5.3.4 Message size exceeds fixed maximum message size',
  },
];

const PLAIN_ROWS: readonly SmtpReplyRow[] = [
  {
    pattern: /^432\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'Too many messages are under way for this mailbox at once.',
    mailboxWide: true,
    sample: '432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
  },
  {
    pattern: /^421[ -]4\.7\.66\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server wants a newer TLS version.',
    mailboxWide: true,
    sample: '421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2.',
  },
  {
    pattern: /^4\d\d[ -]4\.7\.(5|50)\d\d?\b|^4\d\d\b.*\bserver busy\b/i,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server is busy, or slows down whoever sends from here.',
    mailboxWide: true,
    sample: '451 4.7.500 Server busy. Please try again later',
  },
  {
    // RFC 5321 section 3.8: the server closes the channel, whatever it was asked.
    pattern: /^421\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server ends the session, and asks to come back later.',
    mailboxWide: true,
    sample: '421 4.3.2 Service not available, closing transmission channel',
  },
  {
    pattern: /^4\d\d\b/,
    steps: ['connect', 'sign_in', 'sender'],
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server takes no mail from this mailbox just now.',
    mailboxWide: true,
    sample: '454 4.7.0 Temporary authentication failure',
  },
  {
    pattern: /^4\d\d\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server asks to try again later.',
    sample: '452 4.2.2 Mailbox over its limit for the moment',
  },
  {
    // RFC 5321 section 4.2.4.2: said of the session, not of the message.
    pattern: /^503\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server lost track of the session.',
    sample: '503 5.5.1 Bad sequence of commands',
  },
  {
    pattern: /^5\d\d\b/,
    steps: ['connect'],
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server takes no connection from here.',
    mailboxWide: true,
    sample: '554 5.7.1 No SMTP service here',
  },
  {
    pattern: /^5\d\d\b/,
    steps: ['recipient'],
    outcome: 'failed',
    reason: 'invalid_recipient',
    meaning: 'The server refused the recipient.',
    sample: '550 5.1.1 The email account that you tried to reach does not exist.',
  },
  {
    pattern: /^5\d\d\b/,
    outcome: 'failed',
    reason: 'mail_server_refused_message',
    meaning: 'The server refused the message.',
    sample: '554 5.6.0 Invalid message content',
  },
  {
    // A reply outside RFC 5321 section 4.2.1, or none.
    pattern: /^/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The server gave a reply that is not understood.',
    sample: '220-unexpected',
  },
];

export const SMTP_REPLIES: readonly SmtpReplyRow[] = [...SENDER_ROWS, ...LIMIT_ROWS, ...SIGN_IN_ROWS, ...PLAIN_ROWS];

const LAST_ROW = PLAIN_ROWS[PLAIN_ROWS.length - 1] as SmtpReplyRow;

/** Without a step (a reply read back from a submission's history), rows that need one are passed over. */
export const smtpReplyRow = (response: string, step?: SmtpStep): SmtpReplyRow =>
  SMTP_REPLIES.find(
    ({ pattern, steps }) => pattern.test(response) && (steps === undefined || (step && steps.includes(step))),
  ) ?? LAST_ROW;
