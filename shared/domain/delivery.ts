import {
  DETOUR_SECONDS,
  type Hold,
  holdOf,
  type Outbox,
  type Route,
  type RouteChoice,
  type Stop,
  unstopped,
} from './outbox.ts';
import {
  type AttemptFailure,
  type AttemptOutcome,
  concluded,
  type Submission,
  settleRecipients,
} from './submission.ts';
import {
  backOffSeconds,
  GIVE_UP_AFTER_SECONDS,
  HELD_GIVE_UP_SECONDS,
  HELD_RECHECK_SECONDS,
  LONGEST_WAIT_SECONDS,
  MAIL_BACK_OFF,
} from './timing.ts';

/** What one attempt means for the message, for the mailbox's other mail, and for what to do next. */
export interface Verdict {
  readonly submission: Submission;
  readonly outbox: Outbox;
  /** `again`: the same message at once, by another way; `on`: the next one; `rest`: nothing more of this mailbox now. */
  readonly go: 'again' | 'on' | 'rest';
}

export interface Circumstances {
  readonly outbox: Outbox;
  /** By which way it was tried, and whether that was chosen by an administrator. */
  readonly route: Route;
  readonly choice: RouteChoice | undefined;
  /** The token was brought for this very attempt. */
  readonly withNewToken: boolean;
  /** Epoch seconds. */
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
}

type Deferral = Extract<AttemptFailure, { outcome: 'deferred' }>;

/** A message that has met so many troubles of its mailbox may be their cause: from then on it lets the others go first. */
const STEPS_ASIDE_AFTER = 6;

const waitOf = ({ retryAfterSeconds = 0 }: Deferral, failures: number, random: number): number =>
  Math.max(backOffSeconds(failures, MAIL_BACK_OFF, random), retryAfterSeconds);

/** Since when it could have been sent. */
const sendableSince = ({ acceptedAt, resentAt = 0 }: Submission, { resumedAt = 0 }: Outbox): number =>
  Math.max(acceptedAt, resentAt, resumedAt);

/** However often a sign-in or a person begins its two days anew: what there is of it is kept for no longer (retention.ts). */
const hasWaitedLongest = ({ acceptedAt, resentAt = 0 }: Submission, now: number): boolean =>
  now - Math.max(acceptedAt, resentAt) > LONGEST_WAIT_SECONDS;

/** While a hold stands its two days do not run: it waits for a person, whatever else its tries have met. */
const isTooOld = (submission: Submission, outbox: Outbox, now: number): boolean =>
  (holdOf(outbox) === undefined && now - sendableSince(submission, outbox) > GIVE_UP_AFTER_SECONDS) ||
  hasWaitedLongest(submission, now);

const queued = (submission: Submission): Submission => ({ ...submission, status: { state: 'queued' } });

const deferredAlone = (
  submission: Submission,
  failure: Deferral,
  { outbox, now, random }: Circumstances,
): Submission => {
  if (isTooOld(submission, outbox, now)) return concluded(submission, failure.reason, now);
  const until = now + waitOf(failure, submission.attempts, random);
  return { ...submission, status: { state: 'deferred', until, reason: failure.reason } };
};

const afterSent = (
  heard: Submission,
  { refused }: Extract<AttemptOutcome, { outcome: 'sent' }>,
  circumstances: Circumstances,
): Submission => {
  const { outbox, now } = circumstances;
  const settled = settleRecipients(heard, refused);
  const [pending] = refused.filter(({ tryAgain }) => tryAgain);
  if (pending === undefined || isTooOld(heard, outbox, now)) return concluded(settled, 'invalid_recipient', now);
  const failure: Deferral = { outcome: 'deferred', reason: 'mail_server_unavailable', response: pending.response };
  return deferredAlone({ ...settled, lastResponse: pending.response }, failure, circumstances);
};

/** Where the way around is barred as well, what barred the first way is what a person must mend; and it is tried first. */
const held = (failure: Extract<AttemptFailure, { outcome: 'held' }>, circumstances: Circumstances): Outbox => {
  const { now, route } = circumstances;
  const { detour, ...outbox } = circumstances.outbox;
  const barred = route === 'api' ? detour : undefined;
  const reason = barred?.reason ?? failure.reason;
  const response = barred ? `${barred.response} By the API: ${failure.response}` : failure.response;
  const since = holdOf(outbox)?.since ?? now;
  return { ...outbox, stop: { cause: 'hold', since, until: now + HELD_RECHECK_SECONDS, reason, response } };
};

/** A passing fault says nothing of whether the hold was mended. */
const stillHeld = (hold: Hold, { retryAfterSeconds = 0 }: Deferral, now: number): Hold => ({
  ...hold,
  until: now + Math.max(HELD_RECHECK_SECONDS, retryAfterSeconds),
});

const paused = (failure: Deferral, { outbox, now, random }: Circumstances): Stop => {
  const before = outbox.stop?.cause === 'pause' ? outbox.stop : undefined;
  const failures = (before?.failures ?? 0) + 1;
  const until = now + waitOf(failure, failures, random);
  const { reason, response } = failure;
  return { cause: 'pause', since: before?.since ?? now, until, reason, response, failures };
};

/** A mailbox whose administrator left the choice goes by the API where its mail server is switched off (R42). */
const mayDetour = (reason: string, { route, choice = 'auto' }: Circumstances): boolean =>
  reason === 'smtp_switched_off' && route === 'smtp' && choice === 'auto';

/** The one place that decides what becomes of a message after an attempt (design section 8). */
export const judge = (tried: Submission, outcome: AttemptOutcome, circumstances: Circumstances): Verdict => {
  const { outbox, now } = circumstances;
  const heard: Submission = { ...tried, lastResponse: outcome.response, sentBy: circumstances.route };
  switch (outcome.outcome) {
    case 'sent':
      return { submission: afterSent(heard, outcome, circumstances), outbox: unstopped(outbox, now), go: 'on' };
    case 'unknown': {
      const unknownOutcomes = (tried.unknownOutcomes ?? 0) + 1;
      const known = { ...heard, unknownOutcomes };
      if (unknownOutcomes > 1) {
        return { submission: concluded(known, 'outcome_unknown', now), outbox: unstopped(outbox, now), go: 'on' };
      }
      const failure: Deferral = { ...outcome, outcome: 'deferred', reason: 'mail_server_unavailable' };
      return { submission: deferredAlone(known, failure, circumstances), outbox, go: 'on' };
    }
    case 'failed':
      if (outcome.reason === 'sender_not_allowed' && tried.mayRewriteSender && !tried.senderRewritten) {
        return { submission: queued({ ...heard, senderRewritten: true }), outbox, go: 'again' };
      }
      return {
        submission: concluded(heard, outcome.reason, now),
        outbox: outcome.withoutContact ? outbox : unstopped(outbox, now),
        go: 'on',
      };
    case 'held': {
      if (outcome.newTokenMayHelp && !circumstances.withNewToken) {
        return { submission: queued(heard), outbox, go: 'again' };
      }
      if (mayDetour(outcome.reason, circumstances)) {
        const { reason, response } = outcome;
        const detour = { since: now, until: now + DETOUR_SECONDS, reason, response };
        return { submission: queued(heard), outbox: { ...outbox, detour }, go: 'again' };
      }
      return { submission: queued(heard), outbox: held(outcome, circumstances), go: 'rest' };
    }
    case 'deferred': {
      if (!outcome.mailboxWide) {
        return { submission: deferredAlone(heard, outcome, circumstances), outbox, go: 'on' };
      }
      const hold = holdOf(outbox);
      if (hold !== undefined) {
        return { submission: queued(heard), outbox: { ...outbox, stop: stillHeld(hold, outcome, now) }, go: 'rest' };
      }
      const stop = paused(outcome, circumstances);
      const steppingAside = { ...circumstances, now: stop.until };
      const submission =
        tried.attempts < STEPS_ASIDE_AFTER ? queued(heard) : deferredAlone(heard, outcome, steppingAside);
      return { submission, outbox: { ...outbox, stop }, go: 'rest' };
    }
  }
};

/**
 * A message whose worker died with it in hand: it may have been handed over, or not. Once that is worth a second try, as after
 * any unknown outcome.
 */
export const takenOver = (submission: Submission, now: number): Submission => {
  const unknownOutcomes = (submission.unknownOutcomes ?? 0) + 1;
  const lastResponse = 'The broker was stopped while this message was on its way, before it heard what became of it.';
  const known = { ...submission, unknownOutcomes, lastResponse };
  return unknownOutcomes > 1 ? concluded(known, 'outcome_unknown', now) : queued(known);
};

/** What has waited with its outbox for too long, or undefined while it may wait on. */
export const givenUp = (submission: Submission, outbox: Outbox, now: number): Submission | undefined => {
  const { stop } = outbox;
  if (stop === undefined) return undefined;
  const { response } = stop;
  if (stop.cause === 'pause') {
    if (!isTooOld(submission, outbox, now)) return undefined;
    return concluded({ ...submission, lastResponse: response }, stop.reason, now);
  }
  const heldSince = Math.max(stop.since, sendableSince(submission, outbox));
  if (now - heldSince <= HELD_GIVE_UP_SECONDS && !hasWaitedLongest(submission, now)) return undefined;
  return concluded({ ...submission, lastResponse: response }, 'held_too_long', now);
};
