import type { Readable } from 'node:stream';
import type { BrokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import type { Result } from '../../shared/domain/result.ts';

/** One message as a device hands it over. */
export interface IncomingMail {
  readonly device: ServedDevice;
  /** The reverse-path (RFC 5321 section 4.1.1.2); empty for the null one. */
  readonly mailFrom: string;
  /** At least one, each an address. */
  readonly to: readonly string[];
  /** Without dot-stuffing. Read to its end, also where the message is refused; where it fails, so does this. */
  readonly content: Readable;
}

/** Where mail enters the gateway's spool. */
export interface Intake {
  /** Before the message is sent: whether there is room for it, and whether this device may send one more now. Errors: `gateway_full`, `too_much_mail`, `message_too_large`. */
  admits(device: ServedDevice, announcedBytes: number | undefined): Promise<Result<undefined, BrokerError>>;
  /** Durable when it resolves with an id (design rule 7). Errors: those of `POST /v1/messages`, and `gateway_full`. */
  take(mail: IncomingMail): Promise<Result<{ readonly id: string }, BrokerError>>;
}
