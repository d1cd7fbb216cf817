import type { Readable } from 'node:stream';
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
  readonly repairs: Repairs;
  /** Nothing below its own header is to be mended: from there on it can pass as it is. */
  readonly bodyStands: boolean;
}

/**
 * How the content of a part is mended. `label-…`: only its label is wrong. `base64`: octet by octet;
 * `base64-of-text`: with CRLF line ends. `rewrap`: encoded already, in lines that are too long. `break`: it may not be
 * encoded (RFC 2045 section 6.4), so that its lines are cut.
 */
export type ContentRepair =
  | 'label-7bit'
  | 'label-8bit'
  | 'quoted-printable'
  | 'base64'
  | 'base64-of-text'
  | 'rewrap'
  | 'break';

export interface PartRepair {
  readonly content: ContentRepair;
  /** Of text whose type nothing says. */
  readonly charset?: string;
}

/** By the number of the part, in the order of their headers; 0 is the message itself. */
export type Repairs = ReadonlyMap<number, PartRepair>;

export interface MessageChanges {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly without: readonly string[];
  /** As it was found (`MessageFacts`); false or absent: all of it is gone through once more. */
  readonly bodyStands?: boolean;
}

export interface PreparedMessage {
  readonly content: Readable;
  /** Of the whole, once the content has ended; before that of what has been read. */
  written(): { readonly sizeBytes: number; readonly eightBit: boolean };
}

/** A message under another sender. */
export interface ResentMessage extends Readable {
  /** By how much it is longer than it was, where line ends were CRLF; negative where it is shorter. */
  readonly growthBytes: Promise<number>;
}

/**
 * Internet messages (RFC 5322, RFC 2045), as streams: a few hundred kilobytes of a message are held at once, however large
 * it is. Streams handed in are consumed, and destroyed at the end.
 */
export interface MessageFormat {
  /** Reads the whole. `error` says why this is not a message, or why it is not certain whom it is from. */
  inspect(content: Readable): Promise<Result<MessageFacts, string>>;
  /**
   * The inspected message as it shall be sent: `headers` put in front, every header field named in `without` taken out,
   * and what mail may not be mended: line ends other than CRLF (RFC 5321 section 2.3.8), lines of more than 998 octets
   * (RFC 5322 section 2.1.1), NUL, octets beyond ASCII in the header. What is signed is left alone but for its line ends.
   * With nothing to change, the very same bytes.
   */
  prepare(content: Readable, repairs: Repairs, changes: MessageChanges): PreparedMessage;
  /**
   * The same message from this address: the display name is kept, unless it holds an address, and who it was from stands in
   * Reply-To where that is missing (R41). No other field names a sender any more.
   */
  sendAs(content: Readable, address: string): ResentMessage;
  /**
   * For servers without 8BITMIME (RFC 6152 section 3): parts whose label is `8bit` or `binary` as quoted-printable or
   * base64. Wants what `prepare` has made, whose labels are right. What is signed is left alone.
   */
  toSevenBit(content: Readable): Readable;
}
