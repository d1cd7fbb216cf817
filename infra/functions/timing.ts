import { Duration } from 'aws-cdk-lib';
import { contentLifeSeconds, retentionSeconds } from '../../shared/config/cloud-environment.ts';

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

/** A run begins tries for five minutes, and the last may take nine: as long as Lambda allows. */
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

/** For what a function left that died; all else is deleted when its time has come. */
export const messagesKept = (retentionDays: number): Duration =>
  Duration.days(Math.ceil(contentLifeSeconds(retentionSeconds(retentionDays)) / 86_400));
