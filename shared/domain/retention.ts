import type { Submission } from './submission.ts';
import { LONGEST_WAIT_SECONDS } from './timing.ts';

/** For how many days what has ended is kept: an operator's setting (`retention_days`). */
export const RETENTION_DAYS = { least: 1, most: 365, unlessSet: 30 } as const;

const DAY_SECONDS = 86_400;

export const retentionSeconds = (days: number): number => days * DAY_SECONDS;

/** Every recipient has got it: nobody will need its content again. */
export const hasReachedAll = ({ status, rejected }: Submission): boolean =>
  status.state === 'sent' && rejected.length === 0;

/** Until when it is kept, and its content where somebody has not got it; undefined while it has not ended. */
export const keptUntil = ({ status }: Submission, retention: number): number | undefined =>
  status.state === 'sent' || status.state === 'failed' ? status.at + retention : undefined;

/** By then it has surely ended, and been kept for as long as it is to be. */
export const forgottenBy = ({ acceptedAt, resentAt = acceptedAt }: Submission, retention: number): number =>
  resentAt + LONGEST_WAIT_SECONDS + retention;

/**
 * No content is of use when it is so old, counted from when it was stored: it may be sent again as late as
 * `resend.ts` says, and then wait once more. For what removes by age alone: what it finds was left by a process that died.
 */
export const contentLifeSeconds = (retention: number): number => 2 * LONGEST_WAIT_SECONDS + retention;
