import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { NodemailerError } from 'nodemailer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { MailServer, ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { AttemptFailure } from '../../domain/submission.ts';
import { ATTEMPT_SECONDS } from '../../domain/timing.ts';
import type { MailTransport, SendingAccount } from '../../ports/mail-transport.ts';
import { failureOfError } from './attempt-outcome.ts';
import { type SessionLimits, smtpSession } from './smtp-session.ts';
import { xoauth2 } from './xoauth2.ts';

export interface SmtpTimeouts extends SessionLimits {
  /** From the lookup of the name to the end of the sign-in. */
  readonly openingMs: number;
}

/**
 * RFC 5321 section 4.5.3.2 waits for two to ten minutes at each step, which outlasts a Lambda function and a worker's claim;
 * where an early end may cost a duplicate, the wait is as long as can be.
 */
export const SMTP_TIMEOUTS: SmtpTimeouts = {
  openingMs: 45_000,
  silenceMs: 120_000,
  replyMs: 300_000,
  overallMs: ATTEMPT_SECONDS * 1000,
};

/** Opens a connection to a server, by way of a proxy. Fails with a sentence for people. */
export type Connect = (host: string, port: number) => Promise<Socket>;

export interface SmtpOptions {
  readonly serverFor: (provider: ProviderName) => MailServer;
  /** PEM of the authorities to trust for this server; the system's when undefined. */
  readonly ca?: (server: MailServer) => string | undefined;
  /** For servers without 8BITMIME. */
  readonly toSevenBit: (content: Readable) => Readable;
  readonly timeouts?: Partial<SmtpTimeouts>;
  /** In place of a connection of its own. */
  readonly connect?: Connect;
}

const SASL_METHOD = 'XOAUTH2-ONCE';

/** Submission (RFC 6409) with SASL XOAUTH2, never without TLS; the messages of a session one after the other. */
export const nodemailerTransport = ({
  serverFor,
  ca = () => undefined,
  toSevenBit,
  timeouts = {},
  connect,
}: SmtpOptions): MailTransport => {
  const limits = { ...SMTP_TIMEOUTS, ...timeouts };
  return {
    async open(account) {
      const server = serverFor(account.provider);
      const pem = ca(server);
      const opened = connect ? await viaProxy(connect, server) : ok(undefined);
      if (!opened.ok) return opened;
      let extensions: readonly string[] = [];
      const saslHandler = xoauth2(account, (offered) => {
        extensions = offered;
      });
      const connection = new SMTPConnection({
        host: server.host,
        port: server.port,
        ...(opened.value && { connection: opened.value }),
        secure: server.security === 'tls',
        requireTLS: server.security === 'starttls',
        tls: { minVersion: 'TLSv1.2', ...(pem !== undefined && { ca: pem }) },
        customAuth: { [SASL_METHOD]: saslHandler },
        connectionTimeout: limits.openingMs,
        dnsTimeout: limits.openingMs,
        greetingTimeout: limits.openingMs,
        // The session has its own, by what it waits for.
        socketTimeout: limits.overallMs,
      });
      const signedIn = await signIn(connection, account, limits.openingMs);
      if (!signedIn.ok) return signedIn;
      return ok(smtpSession(connection, { accessToken: account.accessToken, extensions, limits, toSevenBit }));
    },
  };
};

const viaProxy = async (connect: Connect, { host, port }: MailServer): Promise<Result<Socket, AttemptFailure>> => {
  try {
    return ok(await connect(host, port));
  } catch (error) {
    const response = error instanceof Error ? error.message : String(error);
    return fail({ outcome: 'deferred', reason: 'mail_server_unavailable', response, mailboxWide: true });
  }
};

/** Connects and signs in; closes the connection where that fails. */
const signIn = async (
  connection: SMTPConnection,
  { address, accessToken }: SendingAccount,
  limitMs: number,
): Promise<Result<void, AttemptFailure>> => {
  let overdue: NodeJS.Timeout | undefined;
  let fault: (error: NodemailerError) => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      fault = reject;
      connection.on('error', fault);
      overdue = setTimeout(() => {
        reject(Object.assign(new Error('overdue'), { code: 'ETIMEDOUT', timeoutType: 'OPENING_TIMEOUT' }));
      }, limitMs);
      connection.connect((unconnected) => {
        if (unconnected) return reject(unconnected);
        connection.login({ method: SASL_METHOD, user: address }, (refused) => (refused ? reject(refused) : resolve()));
      });
    });
    return ok(undefined);
  } catch (error) {
    connection.on('error', () => undefined);
    connection.close();
    return fail(failureOfError(error as NodemailerError, [accessToken], 'opening'));
  } finally {
    clearTimeout(overdue);
    connection.removeListener('error', fault);
  }
};
