import { Duration } from 'aws-cdk-lib';

/** API Gateway hangs up at 30 s (HTTP API, not adjustable); a function that ends before can still say why. */
export const API_TIMEOUT = Duration.seconds(29);

/** One grant may wait 25 s for another's refresh, and then 20 s for the provider; a due one has up to four tokens. */
export const REFRESH_TIMEOUT = Duration.minutes(3);

/**
 * Redeeming the code (20 s), a wait for another change's lease (30 s), the stores and a first refresh (20 s) may follow each
 * other. API Gateway tells the browser after 30 s that it waited too long, but lets the function go on: killed between a
 * strict provider's answer and the vault, it would lose the sign-in.
 */
export const SIGN_IN_TIMEOUT = REFRESH_TIMEOUT;

/** One attempt at sending may last 9 minutes, and a batch is sent one after the other: as long as Lambda allows. */
export const SEND_TIMEOUT = Duration.minutes(15);

/** It comes again every minute. */
export const SWEEP_TIMEOUT = Duration.seconds(55);

/** Six times the function's time-out, as AWS advises: batches come back by themselves while the function is throttled. */
export const GRANT_VISIBILITY = Duration.seconds(6 * REFRESH_TIMEOUT.toSeconds());

/**
 * Just above the function's time-out, not six times it: for as long, a dead worker's mailbox would send nothing. What is
 * delivered twice is sent once, because a worker claims a submission first.
 */
export const MAIL_VISIBILITY = Duration.seconds(SEND_TIMEOUT.toSeconds() + 60);

/** The longest that mail waits to be sent (`LONGEST_WAIT_SECONDS`). */
const LONGEST_WAIT = Duration.days(32);

/**
 * Messages sent to everybody are deleted at once, and the sweep deletes the others when they have been kept for as long as is set.
 * Whatever is so old was left by a function that died: a message may wait, be kept, be sent again as late as that, and wait again.
 */
export const messagesKept = (retentionDays: number): Duration =>
  Duration.days(2 * LONGEST_WAIT.toDays() + retentionDays);
