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
  | { readonly state: 'sent'; readonly at: number; readonly rejected: readonly string[] }
  | { readonly state: 'deferred'; readonly until: number; readonly reason: ErrorKind }
  /** Its mailbox needs a person; resumed by the next sign-in, and looked at again at `recheckAt`. */
  | { readonly state: 'held'; readonly since: number; readonly reason: ErrorKind; readonly recheckAt: number }
  | { readonly state: 'failed'; readonly at: number; readonly reason: ErrorKind };

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

/** Under this key the message itself lies in the blob store. */
export const blobKeyOf = (submissionId: string): string => `submissions/${submissionId}.eml`;

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly outcome: 'sent'; readonly response: string; readonly rejected: readonly string[] }
  | {
      readonly outcome: 'deferred';
      readonly reason: ErrorKind;
      readonly response: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly outcome: 'held'; readonly reason: ErrorKind; readonly response: string }
  | { readonly outcome: 'failed'; readonly reason: ErrorKind; readonly response: string };
