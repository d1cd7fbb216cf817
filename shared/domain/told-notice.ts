import type { NoticeEvent } from './notice.ts';

/** One telling with everything that is said by it, in whichever form. */
export interface ToldNotice {
  readonly event: Pick<NoticeEvent, 'id' | 'phase' | 'at' | 'of'>;
  /** Undefined: it is for the operator of the broker. */
  readonly organization: { readonly id: string; readonly name: string } | undefined;
  /** The link that begins a sign-in, where one may mend it. */
  readonly reconnectUrl: string | undefined;
  /** Where an administrator sees more. */
  readonly consoleUrl: string;
  /** As people call the device that handed the message in, where there is one, and still is. */
  readonly deviceName?: string | undefined;
}

/** A mail that tells of one or many. */
export interface NoticeMail {
  readonly told: readonly ToldNotice[];
  /** How many more there are, for which this mail has no room. */
  readonly more: number;
  readonly consoleUrl: string;
  readonly from: string;
  readonly to: readonly string[];
  /** With its angle brackets. */
  readonly messageId: string;
  /** Epoch seconds. */
  readonly at: number;
  /** A language tag. */
  readonly locale: string;
}

/** How notices read. Both are pure: the same telling gives the same text. */
export interface NoticeWording {
  /** The JSON body of a webhook. */
  webhook(told: ToldNotice, locale: string): string;
  /** An internet message (RFC 5322) with CRLF line ends, all of it ASCII. */
  mail(mail: NoticeMail): Uint8Array;
}
