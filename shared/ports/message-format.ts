import type { Result } from '../domain/result.ts';

/** What the broker needs to know of a message before it takes responsibility for it. Addresses are bare. */
export interface MessageFacts {
  /**
   * Every address that anybody could take for the sender's: in From, Sender, Resent-From and Resent-Sender fields,
   * however many there are, and what looks like an address in their display names and comments.
   */
  readonly senders: readonly string[];
  /** Whether any From field names an address. Where none does, the fields may be there all the same. */
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
  /** `error` says why this is not a message, or why it is not certain whom it is from. */
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
