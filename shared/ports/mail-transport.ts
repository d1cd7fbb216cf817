import type { Readable } from 'node:stream';
import type { MailServer } from '../domain/provider.ts';
import type { AttemptOutcome, Envelope } from '../domain/submission.ts';

/** One try at handing one message to a mail server. Every time-out is the transport's own; it always comes back. */
export interface MailTransport {
  send(request: {
    readonly server: MailServer;
    /** The mailbox's address and an access token for `smtp` (SASL XOAUTH2). */
    readonly user: string;
    readonly accessToken: string;
    readonly envelope: Envelope;
    /** The message as it shall arrive, CRLF line ends, consumed once. */
    readonly content: Readable;
    readonly sizeBytes: number;
  }): Promise<AttemptOutcome>;
}
