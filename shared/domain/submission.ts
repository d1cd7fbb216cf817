import type { ErrorKind } from './errors.ts';

/** The SMTP envelope (RFC 5321 section 2.3.1): who is told, whatever the headers say. */
export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** Where a submission stands. Times are epoch seconds. */
export type SubmissionStatus =
  | { readonly state: 'queued' }
  /** Claimed by a worker until `until`; after that another may take it up. */
  | { readonly state: 'sending'; readonly until: number }
  | { readonly state: 'sent'; readonly at: number }
  | { readonly state: 'deferred'; readonly until: number; readonly reason: ErrorKind }
  /** Its mailbox needs a person; resumed by the next sign-in, and looked at again at `recheckAt`. */
  | { readonly state: 'held'; readonly since: number; readonly reason: ErrorKind; readonly recheckAt: number }
  | { readonly state: 'failed'; readonly at: number; readonly reason: ErrorKind };

/** A recipient whom the mail server refused for good, or for too long, and what it said. */
export interface RejectedRecipient {
  readonly address: string;
  readonly response: string;
}

/** `tryAgain`: refused only for the moment. */
export type RefusedRecipient = RejectedRecipient & { readonly tryAgain: boolean };

export type SubmissionState = SubmissionStatus['state'];

/** One message handed to the relay. */
export interface Submission {
  readonly id: string;
  readonly organizationId: string;
  readonly clientId: string;
  readonly slot: string;
  readonly mailboxId: string;
  /** The mailbox's address. */
  readonly account: string;
  /** The Message-ID it carries, the same on every try. */
  readonly messageId: string;
  readonly envelope: Envelope;
  /** Recipients of the envelope that are settled. Those in neither list are still to be served. */
  readonly delivered: readonly string[];
  readonly rejected: readonly RejectedRecipient[];
  readonly sizeBytes: number;
  readonly acceptedAt: number;
  readonly attempts: number;
  /** What the mail server last said, or what kept it from saying anything. */
  readonly lastResponse?: string;
  readonly status: SubmissionStatus;
}

/** Whether a worker may take it up now. */
export const isClaimable = ({ status }: Submission, now: number): boolean => {
  switch (status.state) {
    case 'queued':
      return true;
    case 'sending':
    case 'deferred':
      return status.until <= now;
    case 'held':
      return status.recheckAt <= now;
    case 'sent':
    case 'failed':
      return false;
  }
};

/** Who has neither got it nor been refused for good. */
export const pendingRecipients = ({ envelope, delivered, rejected }: Submission): readonly string[] =>
  envelope.to.filter((one) => !delivered.includes(one) && !rejected.some(({ address }) => address === one));

/** What the server has said of each recipient it was asked for. Nobody who got the message is sent it again. */
export const settleRecipients = (submission: Submission, refused: readonly RefusedRecipient[]): Submission => {
  const addresses = refused.map(({ address }) => address);
  const taken = pendingRecipients(submission).filter((address) => !addresses.includes(address));
  const lost = refused.filter(({ tryAgain }) => !tryAgain).map(({ address, response }) => ({ address, response }));
  return {
    ...submission,
    delivered: [...submission.delivered, ...taken],
    rejected: [...submission.rejected, ...lost],
  };
};

/** At its end: who is left goes without. It has failed only if nobody got it. */
export const concluded = (submission: Submission, reason: ErrorKind, now: number): Submission => {
  const { delivered, rejected, lastResponse: response = reason } = submission;
  const left = pendingRecipients(submission).map((address) => ({ address, response }));
  return {
    ...submission,
    rejected: [...rejected, ...left],
    status: delivered.length > 0 ? { state: 'sent', at: now } : { state: 'failed', at: now, reason },
  };
};

/** Under this key the message itself lies in the blob store. */
export const blobKeyOf = (submissionId: string): string => `submissions/${submissionId}.eml`;

/** How one attempt ended. */
export type AttemptOutcome =
  /** Taken for all recipients asked for, but those refused. */
  | { readonly outcome: 'sent'; readonly response: string; readonly refused: readonly RefusedRecipient[] }
  | {
      readonly outcome: 'deferred';
      readonly reason: ErrorKind;
      readonly response: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly outcome: 'held'; readonly reason: ErrorKind; readonly response: string }
  | { readonly outcome: 'failed'; readonly reason: ErrorKind; readonly response: string };
