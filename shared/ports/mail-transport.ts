import type { Readable } from 'node:stream';
import type { ProviderName } from '../domain/provider.ts';
import type { Result } from '../domain/result.ts';
import type { AttemptFailure, AttemptOutcome, Envelope } from '../domain/submission.ts';

/** Whose mail is sent, and by what right. */
export interface SendingAccount {
  readonly provider: ProviderName;
  /** The mailbox's address. */
  readonly address: string;
  /** For the audience of the transport: `smtp` or `api`. */
  readonly accessToken: string;
}

export interface OutgoingMessage {
  readonly envelope: Envelope;
  /** The message as it shall arrive, CRLF line ends, consumed once and destroyed at the end. */
  readonly content: Readable;
  readonly sizeBytes: number;
  /** Whether it has octets beyond ASCII, in the sense of RFC 6152. */
  readonly eightBit: boolean;
}

/** Sends the messages of one mailbox, one after the other. */
export interface MailSession {
  /** One try at one message. Every time-out is the session's own; it always comes back, and never repeats by itself. */
  send(message: OutgoingMessage): Promise<AttemptOutcome>;
  /** False: it has ended, and the next message needs another. */
  readonly isOpen: boolean;
  close(): Promise<void>;
}

/** A way to hand messages to a provider. */
export interface MailTransport {
  open(account: SendingAccount): Promise<Result<MailSession, AttemptFailure>>;
}
