import type { Result } from '../domain/result.ts';

/** What the broker needs to know of a message before it takes responsibility for it. Addresses are bare. */
export interface MessageFacts {
  /** Every address in From and Sender fields, however many there are. */
  readonly senders: readonly string[];
  readonly hasFrom: boolean;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  /** With its angle brackets, as in the header. */
  readonly messageId: string | undefined;
  readonly hasDate: boolean;
}

/** Internet messages (RFC 5322). */
export interface MessageFormat {
  /** `error` is one sentence that says why this is not a message. */
  inspect(message: Uint8Array): Result<MessageFacts, string>;
  /**
   * The message as it shall be sent: `headers` put in front, every header field named in `without` taken out, lone CR and
   * LF made CRLF (RFC 5321 section 2.3.8). With nothing to change, the very same bytes.
   */
  prepare(
    message: Uint8Array,
    changes: {
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly without: readonly string[];
    },
  ): Uint8Array;
}
