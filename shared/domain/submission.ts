import type { ErrorKind } from './errors.ts';
import type { Outbox, Route, Stop } from './outbox.ts';

/** The SMTP envelope (RFC 5321 section 2.3.1): who is told, whatever the headers say. */
export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** Where a submission stands. Times are epoch seconds. What keeps all of a mailbox's mail is its outbox's matter. */
export type SubmissionStatus =
  | { readonly state: 'queued' }
  /** Claimed by a worker until `until`; after that another may take it up. */
  | { readonly state: 'sending'; readonly until: number }
  | { readonly state: 'sent'; readonly at: number }
  /** It alone is to be tried again later. */
  | { readonly state: 'deferred'; readonly until: number; readonly reason: ErrorKind }
  | { readonly state: 'failed'; readonly at: number; readonly reason: ErrorKind };

/** A recipient whom the mail server refused for good, or for too long, and what it said. */
export interface RejectedRecipient {
  readonly address: string;
  readonly response: string;
}

/** `tryAgain`: refused only for the moment. */
export type RefusedRecipient = RejectedRecipient & { readonly tryAgain: boolean };

/** As devices and people are told: `held` and `deferred` also for mail that waits with its outbox. */
export const SUBMISSION_STATES = ['queued', 'sending', 'sent', 'deferred', 'held', 'failed'] as const;
export type SubmissionState = (typeof SUBMISSION_STATES)[number];

export const isSubmissionState = (text: string): text is SubmissionState =>
  (SUBMISSION_STATES as readonly string[]).includes(text);

/** One message handed to the relay, or to a gateway. */
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
  /** It has octets beyond ASCII (RFC 6152). */
  readonly eightBit?: boolean;
  /** Where the provider does not let the mailbox send as this sender, it may go out as the mailbox itself (R41). */
  readonly mayRewriteSender?: boolean;
  /** It goes out as the mailbox itself, in the place of whom the device named. */
  readonly senderRewritten?: boolean;
  readonly acceptedAt: number;
  /** When a person had it sent again after it had ended. */
  readonly resentAt?: number;
  readonly attempts: number;
  /** How often it was handed over whole and no reply came; after the second time nobody tries again. */
  readonly unknownOutcomes?: number;
  /** By which way it was tried last. */
  readonly sentBy?: Route;
  /** What the mail server last said, or what kept it from saying anything. */
  readonly lastResponse?: string;
  /** The gateway where its content lies, and which sends it, as it has told; absent: the relay does. */
  readonly gatewayId?: string;
  /** What keeps all mail of its mailbox at that gateway. */
  readonly stop?: Stop;
  readonly status: SubmissionStatus;
}

/** It has ended: nobody will send it any more, unless a person asks for it. */
export const isOver = ({ status }: Submission): boolean => status.state === 'sent' || status.state === 'failed';

/** A submission as its device and its administrators are told of it. Times are epoch seconds. */
export interface SubmissionDescription {
  readonly submission: Submission;
  readonly state: SubmissionState;
  /** Why it has not been sent, where something keeps it. */
  readonly reason?: ErrorKind;
  readonly nextAttemptAt?: number;
  /** What the mail server last said of it, or of the mailbox. */
  readonly response: string | undefined;
}

/** A submission's own state, or that of its mailbox's outbox, which keeps it: the relay's, or a gateway's. */
export const describeSubmission = (submission: Submission, outbox: Outbox): SubmissionDescription => {
  const { status, lastResponse: response } = submission;
  const { stop } = submission.gatewayId === undefined ? outbox : submission;
  const { state } = status;
  if (stop && (state === 'queued' || state === 'deferred')) {
    const { reason, until } = stop;
    const kept = { submission, reason, nextAttemptAt: until, response: stop.response };
    return { ...kept, state: stop.cause === 'hold' ? 'held' : 'deferred' };
  }
  if (status.state === 'deferred') {
    return { submission, state, reason: status.reason, nextAttemptAt: status.until, response };
  }
  return { submission, state, response, ...('reason' in status ? { reason: status.reason } : {}) };
};

/** When a worker may take it up; its outbox may have it wait longer. */
export const claimableAt = ({ status }: Submission): number =>
  status.state === 'sending' || status.state === 'deferred' ? status.until : 0;

/** Its worker's claim has run out: that worker is dead. */
export const isAbandoned = ({ status }: Submission, now: number): boolean =>
  status.state === 'sending' && status.until <= now;

/** Who has neither got it nor been refused for good. */
export const pendingRecipients = ({ envelope, delivered, rejected }: Submission): readonly string[] =>
  envelope.to.filter((one) => !delivered.includes(one) && !rejected.some(({ address }) => address === one));

/** What became of one recipient. */
export type RecipientOutcome =
  /** `unknown`: it was handed over, and nobody heard what became of it. */
  | { readonly address: string; readonly outcome: 'delivered' | 'pending' | 'unknown' }
  | { readonly address: string; readonly outcome: 'refused'; readonly response: string };

/** Of each recipient, in the order of the envelope. */
export const recipientOutcomes = ({ envelope, delivered, rejected, status }: Submission): readonly RecipientOutcome[] =>
  envelope.to.map((address) => {
    if (delivered.includes(address)) return { address, outcome: 'delivered' };
    const refusal = rejected.find((one) => one.address === address);
    if (refusal) return { ...refusal, outcome: 'refused' };
    return { address, outcome: status.state === 'failed' ? 'unknown' : 'pending' };
  });

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

/** At its end: who is left goes without. It has failed only if nobody got it, or if nobody knows who has. */
export const concluded = (submission: Submission, reason: ErrorKind, now: number): Submission => {
  const { delivered, rejected, lastResponse: response = reason } = submission;
  // Who may have got it was not refused.
  const left =
    reason === 'outcome_unknown' ? [] : pendingRecipients(submission).map((address) => ({ address, response }));
  return {
    ...submission,
    rejected: [...rejected, ...left],
    status:
      delivered.length > 0 && reason !== 'outcome_unknown'
        ? { state: 'sent', at: now }
        : { state: 'failed', at: now, reason },
  };
};

/** Below it the contents of messages lie in the blob store. */
export const SUBMISSIONS_PREFIX = 'submissions/';

/** Under this key the message itself lies there. */
export const blobKeyOf = (submissionId: string): string => `${SUBMISSIONS_PREFIX}${submissionId}.eml`;

/** Why an attempt, or the session it needed, came to nothing. */
export type AttemptFailure =
  | {
      readonly outcome: 'deferred';
      readonly reason: ErrorKind;
      readonly response: string;
      readonly retryAfterSeconds?: number;
      /** Said of the mailbox or the server, not of this message: the mailbox's other mail would fare no better. */
      readonly mailboxWide?: true;
    }
  /** The mailbox needs a person. */
  | {
      readonly outcome: 'held';
      readonly reason: ErrorKind;
      readonly response: string;
      /** It fits an access token that was ended before its time: worth one more try with a new one. */
      readonly newTokenMayHelp?: true;
    }
  | {
      readonly outcome: 'failed';
      readonly reason: ErrorKind;
      readonly response: string;
      /** Found out before the server was asked: it says nothing of how the mailbox fares. */
      readonly withoutContact?: true;
    }
  /** The whole message was handed over, and no reply came: it may have been taken, or not. */
  | { readonly outcome: 'unknown'; readonly response: string };

/** How one attempt ended. */
export type AttemptOutcome =
  /** Every recipient asked for has an answer: taken, but for those refused, who may be all. */
  | { readonly outcome: 'sent'; readonly response: string; readonly refused: readonly RefusedRecipient[] }
  | AttemptFailure;
