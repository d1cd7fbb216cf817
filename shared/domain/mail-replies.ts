import type { ErrorKind } from './errors.ts';
import type { AttemptFailure } from './submission.ts';

/** Sending limits slide over 24 hours: within the hour there may be room again. */
export const QUOTA_RETRY_SECONDS = 3600;

/** What a refusal means for the message. The first row of a table that fits decides; a new case is a new row. */
export interface ReplyRow {
  readonly pattern: RegExp;
  /** `unknown`: it may have been taken all the same. */
  readonly outcome: 'deferred' | 'held' | 'failed' | 'unknown';
  readonly reason: ErrorKind;
  /** One sentence for people. */
  readonly meaning: string;
  /**
   * The reply fits an access token that the provider ended before its time. Worth one forced refresh and one more try
   * before anybody is called; with a token that is new already, it means what `outcome` says.
   */
  readonly newTokenMayHelp?: true;
  /** Of a deferral: said of the mailbox or the whole service, whatever message it was said to. */
  readonly mailboxWide?: true;
  /** Where the reply itself names no time. */
  readonly retryAfterSeconds?: number;
  readonly sample: string;
}

/** What an attempt came to by a reply. `response`: the reply, fit to be kept. */
export const failureBy = (
  { outcome, reason, newTokenMayHelp, mailboxWide, ...row }: ReplyRow,
  response: string,
  retryAfterSeconds = row.retryAfterSeconds,
): AttemptFailure => {
  switch (outcome) {
    case 'unknown':
      return { outcome, response };
    case 'failed':
      return { outcome, reason, response };
    case 'held':
      return { outcome, reason, response, ...(newTokenMayHelp && { newTokenMayHelp }) };
    case 'deferred':
      return {
        outcome,
        reason,
        response,
        ...(mailboxWide && { mailboxWide }),
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      };
  }
};

/** Long enough for the longest known reply, short enough for a table. */
const REPLY_LIMIT = 500;

/** So much of a secret in one piece gives it away. */
const PIECE = 12;

/** Every run of characters that tokens, and the pre-authenticated addresses of uploads, are made of. */
const RUN = new RegExp(`[A-Za-z0-9+/=_.~%-]{${PIECE},}`, 'g');

/** No plain word is as long; a token, also turned into something else, is. */
const TOKEN_LENGTH = 60;

const LEFT_OUT = '[...]';

const givesAway = (run: string, secrets: readonly string[]): boolean => {
  for (let at = 0; at + PIECE <= run.length; at++) {
    const piece = run.slice(at, at + PIECE);
    if (secrets.some((secret) => secret.includes(piece))) return true;
  }
  return false;
};

/**
 * A server's words on one line, without anything of the secrets: fit for a page, a table and a log. A server may echo what it
 * did not understand, whole or in part, and with it the token.
 */
export const cleanReply = (reply: string, secrets: readonly string[]): string => {
  let clean = reply.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  for (const secret of secrets) clean = clean.replaceAll(secret, LEFT_OUT);
  clean = clean.replace(RUN, (run) => (run.length >= TOKEN_LENGTH || givesAway(run, secrets) ? LEFT_OUT : run));
  return clean.length <= REPLY_LIMIT ? clean : `${clean.slice(0, REPLY_LIMIT)}…`;
};
