/** A mail that is on its way to the people of an organization, through the outbox of a mailbox. Times are epoch seconds. */
export interface MailUnderWay {
  /** Made before the mail is, so that a second try cannot send a second one. */
  readonly submissionId: string;
  readonly mailboxId: string;
  /** Mailboxes that have failed it already. */
  readonly tried: readonly string[];
  /** What it tells of. */
  readonly eventIds: readonly string[];
  readonly more: number;
  readonly since: number;
  /** `making`: whether it lies in the outbox is not known. */
  readonly state: 'making' | 'made';
}

/** The mail to the people of an organization. */
export interface NoticePost {
  readonly underWay: readonly MailUnderWay[];
  /** No further one before this. */
  readonly nextAt: number;
  /** Somebody is at it; after this another may take over. */
  readonly busyUntil: number;
}

export const NO_POST: NoticePost = { underWay: [], nextAt: 0, busyUntil: 0 };
