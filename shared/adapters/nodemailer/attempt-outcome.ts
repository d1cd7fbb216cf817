import type { NodemailerError } from 'nodemailer';
import { type SmtpStep, smtpReplyRow } from '../../domain/smtp-replies.ts';
import type { AttemptOutcome } from '../../domain/submission.ts';

/** Long enough for the longest known reply, short enough for a table. */
const RESPONSE_LIMIT = 500;

/** A server may echo the command it did not understand, and with it the token. No plain word is this long. */
const TOKEN_SHAPED = /[A-Za-z0-9+/=_.~-]{60,}/g;

/** A server's reply on one line, fit for a table and a page. */
export const cleanResponse = (response: string, secrets: readonly string[]): string => {
  let text = response.replace(/\s+/g, ' ').trim();
  for (const secret of secrets) text = text.replaceAll(secret, '[...]');
  return text.replace(TOKEN_SHAPED, '[...]').slice(0, RESPONSE_LIMIT);
};

const stepOf = (command: string | undefined): SmtpStep => {
  if (command?.startsWith('AUTH')) return 'sign_in';
  if (command === 'MAIL FROM') return 'sender';
  if (command === 'RCPT TO') return 'recipient';
  return command === 'DATA' ? 'message' : 'connect';
};

/** What the failures in which the server said nothing mean, by nodemailer's code. Not listed: a bug, rethrown. */
const WITHOUT_REPLY: { readonly [code: string]: (message: string) => AttemptOutcome } = {
  // Larger than the SIZE of the server's EHLO (RFC 1870 section 6.1); nothing was sent.
  EMESSAGE: (response) => ({ outcome: 'failed', reason: 'message_too_large', response }),
  // An address that cannot be put on the wire, or needs SMTPUTF8 where the server has none.
  EENVELOPE: (response) => ({ outcome: 'failed', reason: 'invalid_recipient', response }),
  // The content could not be read to its end. The connection was dropped, so nothing was delivered.
  ESTREAM: (response) => ({ outcome: 'deferred', reason: 'internal', response }),
};

/** Connection, name, TLS, time-out, or an unfinished sign-in: it may all be better in a minute. */
const PASSING: readonly string[] = [
  'ECONNECTION',
  'ESOCKET',
  'ETIMEDOUT',
  'EDNS',
  'ETLS',
  'EPROTOCOL',
  'EAUTH',
  'EABORT',
];

/** Whether a recipient who was refused, while others were not, is worth another try. */
export const wouldBeTakenLater = (response: string): boolean =>
  smtpReplyRow(response, 'recipient').outcome !== 'failed';

/** nodemailer's errors end here. */
export const outcomeOfError = (error: NodemailerError, secrets: readonly string[]): AttemptOutcome => {
  const { code = '', response } = error;
  if (typeof response === 'string' && response !== '' && code !== 'ETLS') {
    const row = smtpReplyRow(response, stepOf(error.command));
    const said = { reason: row.reason, response: cleanResponse(response, secrets) };
    if (row.outcome !== 'deferred') return { outcome: row.outcome, ...said };
    return {
      outcome: 'deferred',
      ...said,
      ...(row.retryAfterSeconds !== undefined && { retryAfterSeconds: row.retryAfterSeconds }),
    };
  }
  const message = cleanResponse(error.message, secrets);
  const known = WITHOUT_REPLY[code];
  if (known) return known(message);
  if (!PASSING.includes(code)) throw new Error(`unexpected failure of the mail transport: ${code} ${message}`);
  return { outcome: 'deferred', reason: 'mail_server_unavailable', response: message };
};
