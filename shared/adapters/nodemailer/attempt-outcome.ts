import type { NodemailerError } from 'nodemailer';
import type { ErrorKind } from '../../domain/errors.ts';
import { cleanReply, failureBy } from '../../domain/mail-replies.ts';
import { type SmtpStep, smtpReplyRow } from '../../domain/smtp-replies.ts';
import type { AttemptFailure } from '../../domain/submission.ts';

const stepOf = (command: string | undefined): SmtpStep => {
  if (command?.startsWith('AUTH')) return 'sign_in';
  if (command === 'MAIL FROM') return 'sender';
  if (command === 'RCPT TO') return 'recipient';
  return command === 'DATA' ? 'message' : 'connect';
};

/** Found out on this side, before the server was asked anything for the message. */
export const unasked = (reason: ErrorKind, response: string): AttemptFailure => ({
  outcome: 'failed',
  reason,
  response,
  withoutContact: true,
});

/** What the failures in which the server said nothing mean, by nodemailer's code. Not listed: a bug, rethrown. */
const WITHOUT_REPLY: { readonly [code: string]: (message: string) => AttemptFailure } = {
  // Larger than the SIZE of the server's EHLO (RFC 1870 section 6.1); nothing was sent.
  EMESSAGE: (response) => unasked('message_too_large', response),
  // An address that cannot be put on the wire, or needs SMTPUTF8 where the server has none.
  EENVELOPE: (response) => unasked('invalid_recipient', response),
  // The content could not be read to its end. The connection was dropped, so nothing was delivered.
  ESTREAM: (response) => ({ outcome: 'deferred', reason: 'internal', response }),
};

/** Faults of the connection that do not pass by themselves: what is configured and what is there do not fit together. */
const MISCONFIGURED: readonly { readonly code: string; readonly original?: RegExp; readonly message: string }[] = [
  { code: 'EDNS', original: /^ENOTFOUND$/, message: 'The name of the mail server is not known' },
  { code: 'ESOCKET', original: /CERT|LEAF_SIGNATURE/, message: 'The certificate of the mail server is not trusted' },
  {
    code: 'ESOCKET',
    original: /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    message: 'The mail server does not speak TLS from the first byte on this port',
  },
  { code: 'ETLS', message: 'The mail server offers no STARTTLS' },
  { code: 'EAUTH', message: 'The mail server offers no sign-in by access token (XOAUTH2)' },
];

/** Connection, name, TLS, time-out, or an unfinished sign-in: it may all be better in a minute. */
const PASSING: readonly string[] = ['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EDNS', 'ETLS', 'EPROTOCOL', 'EAUTH'];

/** Whether a recipient who was refused, while others were not, is worth another try. */
export const wouldBeTakenLater = (response: string): boolean =>
  smtpReplyRow(response, 'recipient').outcome !== 'failed';

/** A refusal of one recipient, which says nothing of the others, or of the mailbox that sends. */
export const refusedForItself = (response: string): boolean => {
  const { outcome, reason, mailboxWide } = smtpReplyRow(response, 'recipient');
  return outcome === 'deferred' ? !mailboxWide : reason === 'invalid_recipient';
};

/** `454 TLS not available due to temporary reason` (RFC 3207 section 4). */
const isForTheMoment = (response: unknown): boolean => typeof response === 'string' && response.startsWith('4');

const failureOfConnection = (error: NodemailerError, message: string): AttemptFailure => {
  const { code = '' } = error;
  if (!PASSING.includes(code)) throw new Error(`unexpected failure of the mail transport: ${code} ${message}`);
  const { originalCode, timeoutType } = error;
  const particulars = originalCode ?? timeoutType ?? code;
  const wrong = MISCONFIGURED.find((row) => row.code === code && (!row.original || row.original.test(particulars)));
  const said = wrong?.message ?? 'The connection to the mail server failed';
  const reason = wrong ? 'mail_server_misconfigured' : 'mail_server_unavailable';
  return { outcome: 'deferred', reason, response: `${said} (${particulars}).` };
};

/** A refusal of the message itself (RFC 5321 section 4.2.1); any other answer to it says neither yes nor no. */
const isRefusal = (reply: string): boolean => /^[45]\d\d/.test(reply);

/** What nodemailer's error means. `reached`: how far the session had come; `handed over`: the whole message was on its way. */
export const failureOfError = (
  error: NodemailerError,
  secrets: readonly string[],
  reached: 'opening' | 'sending' | 'handed over',
): AttemptFailure => {
  const { code = '', response } = error;
  // What is said of a STARTTLS that is not offered helps nobody.
  const isReply = typeof response === 'string' && response !== '' && (code !== 'ETLS' || isForTheMoment(response));
  const message = cleanReply(error.message, secrets);
  const known = isReply ? undefined : WITHOUT_REPLY[code];
  if (known) return known(message);
  if (reached === 'handed over' && !(isReply && isRefusal(response))) {
    return {
      outcome: 'unknown',
      response: `The message was handed over whole, and its acceptance not heard of: ${message}`,
    };
  }
  const failure = isReply
    ? failureBy(smtpReplyRow(response, stepOf(error.command)), cleanReply(response, secrets))
    : failureOfConnection(error, message);
  // Before a message was tried: the next one would fare no better.
  return reached === 'opening' && failure.outcome === 'deferred' ? { ...failure, mailboxWide: true } : failure;
};
