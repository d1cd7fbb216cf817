import { createTransport, type NodemailerError } from 'nodemailer';
import { type MailServer, sameAddress } from '../../domain/provider.ts';
import type { AttemptOutcome, Envelope } from '../../domain/submission.ts';
import { ATTEMPT_SECONDS } from '../../domain/timing.ts';
import type { MailTransport } from '../../ports/mail-transport.ts';
import { cleanResponse, outcomeOfError, wouldBeTakenLater } from './attempt-outcome.ts';
import { xoauth2 } from './xoauth2.ts';

export interface SmtpTimeouts {
  /** Name lookup, connection, and the TLS upgrade. */
  readonly connectionMs: number;
  readonly greetingMs: number;
  /** Silence of the server at any later point. */
  readonly socketMs: number;
  /** The whole attempt. */
  readonly overallMs: number;
}

/** nodemailer's own (2 min, 30 s, 10 min, none) outlast a Lambda function and a worker's claim. */
export const SMTP_TIMEOUTS: SmtpTimeouts = {
  connectionMs: 15_000,
  greetingMs: 15_000,
  socketMs: 60_000,
  overallMs: ATTEMPT_SECONDS * 1000,
};

export interface SmtpOptions {
  /** PEM of the authorities to trust for this server; the system's when undefined. */
  readonly ca?: (server: MailServer) => string | undefined;
  readonly timeouts?: Partial<SmtpTimeouts>;
}

/** Submission (RFC 6409) with SASL XOAUTH2, never without TLS, one connection for each message. */
export const nodemailerTransport = ({ ca = () => undefined, timeouts = {} }: SmtpOptions = {}): MailTransport => {
  const limits = { ...SMTP_TIMEOUTS, ...timeouts };
  return {
    send: async ({ server, user, accessToken, envelope, content, sizeBytes }) => {
      const refusal = unfitAddress(envelope);
      if (refusal !== undefined) return refusal;
      const pem = ca(server);
      const transport = createTransport({
        host: server.host,
        port: server.port,
        secure: server.security === 'tls',
        requireTLS: server.security === 'starttls',
        tls: { minVersion: 'TLSv1.2', ...(pem !== undefined && { ca: pem }) },
        // Without `forceAuth` a server that offers no AUTH gets the message unauthenticated.
        forceAuth: true,
        auth: { type: 'CUSTOM', method: 'XOAUTH2-ONCE', user },
        customAuth: { 'XOAUTH2-ONCE': xoauth2(user, accessToken) },
        connectionTimeout: limits.connectionMs,
        dnsTimeout: limits.connectionMs,
        greetingTimeout: limits.greetingMs,
        socketTimeout: limits.socketMs,
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      // nodemailer reports what goes wrong with the content; this keeps an error after the end from being unhandled.
      content.on('error', () => content.destroy());
      try {
        const { response, rejectedErrors = [] } = await transport.sendMail({
          raw: content,
          envelope: { from: envelope.from, to: [...envelope.to], size: sizeBytes },
          signal: AbortSignal.timeout(limits.overallMs),
        });
        return {
          outcome: 'sent',
          response: cleanResponse(response, [accessToken]),
          refused: rejectedErrors.map(({ recipient = '', response: reply = '' }) => ({
            address: asGiven(recipient, envelope),
            response: cleanResponse(reply, [accessToken]),
            tryAgain: wouldBeTakenLater(reply),
          })),
        };
      } catch (error) {
        return outcomeOfError(error as NodemailerError, [accessToken]);
      } finally {
        transport.close();
        content.destroy();
      }
    },
  };
};

/** A bare address of RFC 5321 section 4.1.2 with neither quotes nor address literals, which no mailbox provider uses. */
const PLAIN_ADDRESS = /^[^\s"(),:;<>@[\]\\\p{Cc}]+@[^\s"(),:;<>@[\]\\\p{Cc}]+$/u;

/** nodemailer parses envelope addresses once more, and would quietly send to whatever it finds in a crooked one. */
const unfitAddress = ({ from, to }: Envelope): AttemptOutcome | undefined => {
  if (!PLAIN_ADDRESS.test(from)) {
    return { outcome: 'failed', reason: 'sender_not_allowed', response: 'The sender is not a plain address.' };
  }
  if (to.length === 0 || !to.every((address) => PLAIN_ADDRESS.test(address))) {
    return { outcome: 'failed', reason: 'invalid_recipient', response: 'A recipient is not a plain address.' };
  }
  return undefined;
};

/** nodemailer makes the domain lower case. */
const asGiven = (address: string, { to }: Envelope): string =>
  to.find((given) => sameAddress(given, address)) ?? address;
