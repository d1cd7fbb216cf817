import { hasReachedAll } from './retention.ts';
import { isOver, type Submission, type SubmissionDescription } from './submission.ts';
import { LONGEST_WAIT_SECONDS } from './timing.ts';

export type NoResend = 'being_sent' | 'reached_all' | 'too_old' | 'mailbox_removed' | 'at_gateway';

/** What it means to send a submission again. */
export type Resend =
  /** It had ended: it is put into the outbox again, for those who have not got it. */
  | { readonly how: 'anew'; readonly submission: Submission }
  /** It waits: it is tried now. */
  | { readonly how: 'now'; readonly submission: Submission }
  | { readonly how: 'not'; readonly why: NoResend };

/** A submission as its administrators look into it. */
export interface SubmissionDetails {
  readonly description: SubmissionDescription;
  /** Whether, and how, it can be sent again. */
  readonly resend: Resend;
  /** Epoch seconds; undefined while it has not ended. */
  readonly keptUntil: number | undefined;
}

/** A worker has it in hand; one whose claim has run out is dead. */
export const isBeingSent = ({ status }: Submission, now: number): boolean =>
  status.state === 'sending' && status.until > now;

/** What failed, was sent again and failed anew is sent again no later: stored content has an end, and it may wait once more. */
const isTooOld = ({ acceptedAt }: Submission, retention: number, now: number): boolean =>
  now >= acceptedAt + LONGEST_WAIT_SECONDS + retention;

/** Whoever got it is not sent it again. Tries and unknown outcomes are counted anew: they decide what the next ones mean. */
const begunAnew = ({ unknownOutcomes: _before, ...submission }: Submission, now: number): Submission => ({
  ...submission,
  rejected: [],
  attempts: 0,
  resentAt: now,
  status: { state: 'queued' },
});

export const resend = (submission: Submission, hasMailbox: boolean, retention: number, now: number): Resend => {
  if (isBeingSent(submission, now)) return { how: 'not', why: 'being_sent' };
  if (isOver(submission) && hasReachedAll(submission)) return { how: 'not', why: 'reached_all' };
  if (submission.gatewayId !== undefined) return { how: 'not', why: 'at_gateway' };
  if (!hasMailbox) return { how: 'not', why: 'mailbox_removed' };
  if (!isOver(submission)) return { how: 'now', submission: { ...submission, status: { state: 'queued' } } };
  if (isTooOld(submission, retention, now)) return { how: 'not', why: 'too_old' };
  return { how: 'anew', submission: begunAnew(submission, now) };
};
