import { QUOTA_RETRY_SECONDS, type ReplyRow } from './mail-replies.ts';
import type { ProviderName } from './provider.ts';

/** `prepare`: whatever comes before the one request by which the message is sent; nobody has got it yet. */
export type ApiStep = 'prepare' | 'send';

/**
 * What a provider's HTTP API means by a reply that is not a success. A reply is matched as one line, the status, the
 * provider's code and its words: `403 ErrorSendAsDenied The user account ...`. Sources: Graph's error documentation and
 * Exchange's response codes; Gmail's "Resolve errors".
 */
export interface ApiReplyRow extends ReplyRow {
  /** Either step when absent. */
  readonly steps?: readonly ApiStep[];
  /** Only where the reply has no `Retry-After`; with one, the server itself asks for it again. */
  readonly uninvited?: true;
}

/** Graph counts by ten minutes and less, Gmail by the minute (facts M72, G17). */
const THROTTLED_RETRY_SECONDS = 60;

const MICROSOFT_ROWS: readonly ApiReplyRow[] = [
  {
    pattern: /\bErrorSendAsDenied\b/,
    outcome: 'failed',
    reason: 'sender_not_allowed',
    meaning: 'The signed-in mailbox may not send as this sender.',
    sample:
      '403 ErrorSendAsDenied The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message.',
  },
  {
    pattern: /\bErrorExceededMessageLimit\b|\bRefuseQuota\b|SubmissionQuotaExceeded/,
    outcome: 'deferred',
    reason: 'sending_limit_reached',
    meaning: "The mailbox has used up its day's sending limit.",
    mailboxWide: true,
    retryAfterSeconds: QUOTA_RETRY_SECONDS,
    sample:
      '429 ErrorExceededMessageLimit Cannot submit message., WASCL UserAction verdict is not None. Actual verdict is RefuseQuota.',
  },
  {
    pattern: /\bErrorAccountSuspend/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: 'The account is suspended as a bad sender; its owner or an administrator can release it.',
    sample: '403 ErrorAccountSuspend Account suspended. Follow the instructions in your Inbox to verify your account.',
  },
  {
    pattern: /\bErrorQuotaExceeded\b/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: 'The sending mailbox is full, as its sent items pile up; somebody must make room.',
    sample: '507 ErrorQuotaExceeded Mailbox has exceeded maximum mailbox size.',
  },
  {
    pattern:
      /MailboxNot(Enabled|Supported)ForRESTAPI|MailboxNotHostedInExchangeOnline|NonExistentMailbox|\bErrorInvalidUser\b/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning:
      'There is no mailbox in Exchange Online for this account: it was deleted, has no licence, or is elsewhere.',
    sample: '404 MailboxNotEnabledForRESTAPI The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
  },
  {
    pattern:
      /\bErrorMessageSizeExceeded\b|\bErrorAttachmentSizeLimitExceeded\b|^400\b.*Maximum request length exceeded/i,
    outcome: 'failed',
    reason: 'message_too_large',
    meaning: 'The message is larger than the mailbox may send.',
    sample: '400 ErrorMessageSizeExceeded The message exceeds the maximum supported size.',
  },
  {
    pattern: /\bErrorInvalidRecipients\b|\bErrorMissingRecipients\b|All recipients must be resolved/,
    outcome: 'failed',
    reason: 'invalid_recipient',
    meaning: 'A recipient is none, so nobody was sent the message.',
    sample: '400 ErrorInvalidRecipients At least one recipient is not valid., Recipient "nobody" is not resolved.',
  },
  {
    pattern: /^403\b/,
    outcome: 'held',
    reason: 'scope_not_granted',
    meaning: 'The sign-in does not allow this: Mail.Send is needed, and Mail.ReadWrite for what is larger than 3 MB.',
    sample: '403 ErrorAccessDenied Access is denied. Check credentials and try again.',
  },
  {
    pattern: /^404\b.*\bErrorItemNotFound\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'Somebody deleted the draft while it was being written.',
    sample: '404 ErrorItemNotFound The specified object was not found in the store.',
  },
];

const GOOGLE_ROWS: readonly ApiReplyRow[] = [
  {
    pattern: /\(Mail sending\)|\bdailyLimitExceeded\b|\bquotaExceeded\b|daily user sending (limit|quota)/i,
    outcome: 'deferred',
    reason: 'sending_limit_reached',
    meaning: "The mailbox has used up its day's sending limit.",
    mailboxWide: true,
    retryAfterSeconds: QUOTA_RETRY_SECONDS,
    sample: '429 rateLimitExceeded User-rate limit exceeded. Retry after 2027-01-04T09:30:00.000Z (Mail sending)',
  },
  {
    pattern: /^403 (user)?rateLimitExceeded\b/i,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'Too many requests were made for this mailbox, or by the broker as a whole.',
    mailboxWide: true,
    retryAfterSeconds: THROTTLED_RETRY_SECONDS,
    sample: '403 userRateLimitExceeded User Rate Limit Exceeded',
  },
  {
    pattern: /^403\b.*(accessNotConfigured|SERVICE_DISABLED|it is disabled)/,
    outcome: 'held',
    reason: 'app_registration_refused',
    meaning: "The Gmail API is not switched on in the Google Cloud project of the broker's app registration.",
    sample:
      '403 accessNotConfigured Gmail API has not been used in project 100000000000 before or it is disabled. Enable it, then retry.',
  },
  {
    pattern: /^403 domainPolicy\b/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: "An administrator of the mailbox's domain has switched this off.",
    sample: '403 domainPolicy The domain administrators have disabled Gmail apps.',
  },
  {
    pattern: /^403\b/,
    outcome: 'held',
    reason: 'scope_not_granted',
    meaning: 'The sign-in does not allow sending by the Gmail API.',
    sample: '403 insufficientPermissions Request had insufficient authentication scopes.',
  },
  {
    pattern: /^400\b.*Mail service not enabled/,
    outcome: 'held',
    reason: 'account_unavailable',
    meaning: 'The account has no Gmail.',
    sample: '400 failedPrecondition Mail service not enabled',
  },
  {
    pattern: /^400\b.*(Invalid (To|Cc|Bcc) header|Recipient address required)/i,
    outcome: 'failed',
    reason: 'invalid_recipient',
    meaning: 'A recipient is none, so nobody was sent the message.',
    sample: '400 invalidArgument Invalid To header',
  },
  {
    // An upload session is good for a week, and for one message.
    pattern: /^(404|410)\b/,
    steps: ['prepare'],
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The upload was forgotten before it was complete.',
    sample: '410 uploadSessionExpired Upload session has expired.',
  },
];

const COMMON_ROWS: readonly ApiReplyRow[] = [
  {
    pattern: /^401\b/,
    outcome: 'held',
    reason: 'mail_server_refused_sign_in',
    meaning: 'The API does not accept the access token for this mailbox.',
    newTokenMayHelp: true,
    sample: '401 InvalidAuthenticationToken Lifetime validation failed, the token is expired.',
  },
  {
    pattern: /^413\b/,
    outcome: 'failed',
    reason: 'message_too_large',
    meaning: 'The message is larger than the API takes.',
    sample: '413 uploadTooLarge Request Too Large',
  },
  {
    pattern: /^429\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'Too many requests were made for this mailbox, or by the broker as a whole.',
    mailboxWide: true,
    retryAfterSeconds: THROTTLED_RETRY_SECONDS,
    sample: '429 ApplicationThrottled Application is over its MailboxConcurrency limit.',
  },
  {
    // A gateway that heard nothing of the service behind it (RFC 9110 sections 15.6.3 and 15.6.5).
    pattern: /^(502|504)\b/,
    steps: ['send'],
    uninvited: true,
    outcome: 'unknown',
    reason: 'outcome_unknown',
    meaning: 'A gateway handed the message on, and did not hear what became of it.',
    sample: '504 GatewayTimeout The request timed out.',
  },
  {
    pattern: /^50[234]\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The service is down or overloaded.',
    mailboxWide: true,
    sample: '503 ErrorServerBusy The server cannot service this request right now. Try again later.',
  },
  {
    pattern: /^(408|409|412|423|425|5\d\d)\b/,
    outcome: 'deferred',
    reason: 'mail_server_unavailable',
    meaning: 'The service could not handle the message just now.',
    sample: '500 ErrorInternalServerError An internal server error occurred. The operation failed.',
  },
  {
    // Some have had 200 of Graph for messages that were never sent (facts M70).
    pattern: /^2\d\d\b/,
    steps: ['send'],
    outcome: 'unknown',
    reason: 'outcome_unknown',
    meaning: 'The API answered, but not with the one status that says the message was taken.',
    sample: '200 OK',
  },
  {
    pattern: /^(404|405)\b/,
    outcome: 'deferred',
    reason: 'mail_server_misconfigured',
    meaning: 'There is no such API at this address; check the configured one.',
    mailboxWide: true,
    sample: '404 Not Found',
  },
  {
    pattern: /^4\d\d\b/,
    outcome: 'failed',
    reason: 'mail_server_refused_message',
    meaning: 'The API refused the message.',
    sample: '400 ErrorMimeContentInvalid The MIME content of the message is invalid.',
  },
  {
    // A redirect, which no API of theirs answers with, or a success that lacks what was asked for.
    pattern: /^/,
    outcome: 'deferred',
    reason: 'mail_server_misconfigured',
    meaning: 'The API gave an answer that is not understood; check the configured address.',
    mailboxWide: true,
    sample: '302 Found',
  },
];

export const API_REPLIES: Readonly<Record<ProviderName, readonly ApiReplyRow[]>> = {
  microsoft: [...MICROSOFT_ROWS, ...COMMON_ROWS],
  google: [...GOOGLE_ROWS, ...COMMON_ROWS],
};

const LAST_ROW = COMMON_ROWS[COMMON_ROWS.length - 1] as ApiReplyRow;

/** `hasRetryAfter`: the server named a time to come back, in a header or in its words. */
export const apiReplyRow = (provider: ProviderName, reply: string, step: ApiStep, hasRetryAfter = false): ApiReplyRow =>
  API_REPLIES[provider].find(
    ({ pattern, steps, uninvited }) =>
      pattern.test(reply) && (steps === undefined || steps.includes(step)) && !(uninvited && hasRetryAfter),
  ) ?? LAST_ROW;
