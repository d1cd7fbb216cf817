import { backOffSeconds, OPERATOR_RETRY_SECONDS, PROVIDER_TIMEOUT_SECONDS } from './timing.ts';

/**
 * What is known against one app registration, or against its provider as a whole; shared by all workers, so that an outage
 * costs as many calls with a million mailboxes as with ten. Each registration has its own: another may be asked elsewhere, and
 * throttled or refused by itself. Times are epoch seconds.
 */
export interface CoolDown {
  /** `throttled`: the provider said how long to wait. `outage`: it fails. `registration`: it refuses its client. */
  readonly cause: 'throttled' | 'outage' | 'registration';
  /** Calls in a row that failed, whichever the mailbox. Throttles do not count, and of those during a pause none does. */
  readonly failures: number;
  /** Nobody calls before this. */
  readonly until: number;
  readonly since: number;
  readonly code: string;
  readonly message: string;
  readonly correlationId?: string;
}

/** What a failed call says about provider and registration. */
export interface ProviderFault {
  readonly affects: 'provider' | 'registration';
  readonly code: string;
  readonly message: string;
  readonly correlationId?: string;
  readonly retryAfterSeconds?: number;
}

/** So many calls in a row fail before all pause: one lost packet is no outage. */
const FAULTS_BEFORE_PAUSE = 5;

/** Of an outage: soon at first, since most last seconds; after hours six calls an hour for the whole fleet. */
const PAUSE = { firstSeconds: 15, capSeconds: 600 };

/** A provider asks for a minute; one that asks all mailboxes to wait for longer than this has made a mistake. */
export const LONGEST_PAUSE_SECONDS = 3600;

/** One call finds out whether a pause can end, and the others wait for it so long. */
const PROBE_SECONDS = PROVIDER_TIMEOUT_SECONDS + 10;

/** The pause that stands at a moment, if any. */
export const pauseAt = (coolDown: CoolDown | undefined, now: number): CoolDown | undefined =>
  coolDown !== undefined && coolDown.until > now ? coolDown : undefined;

/** A pause that is over, while it is not known yet whether the fault is: one call may find out. */
export const pauseBefore = (coolDown: CoolDown | undefined, now: number): CoolDown | undefined =>
  coolDown !== undefined && coolDown.until > 0 && coolDown.until <= now ? coolDown : undefined;

/** While the one call is under way. */
export const probing = (coolDown: CoolDown, now: number): CoolDown => ({ ...coolDown, until: now + PROBE_SECONDS });

/** What one more failed call makes of it. `random` is in [0, 1). `probe`: the call that was to find out. */
export const afterFault = (
  known: CoolDown | undefined,
  fault: ProviderFault,
  { now, random, probe }: { readonly now: number; readonly random: number; readonly probe: boolean },
): CoolDown => {
  const { affects, code, message, correlationId, retryAfterSeconds } = fault;
  const about = { code, message, ...(correlationId === undefined ? {} : { correlationId }) };
  const since = known?.since ?? now;
  const wanted = Math.min(retryAfterSeconds ?? 0, LONGEST_PAUSE_SECONDS);
  // Calls that were under way when the pause began say nothing new; only a longer wait asked for is heeded.
  const pause = pauseAt(known, now);
  if (pause !== undefined && !probe) {
    const asked = now + wanted;
    return asked > pause.until ? { ...pause, ...about, cause: 'throttled', until: asked } : pause;
  }
  const failures = (known?.failures ?? 0) + 1;
  if (affects === 'registration') {
    return { ...about, cause: 'registration', failures, since, until: now + OPERATOR_RETRY_SECONDS };
  }
  // It answers, and says how long to wait: no reason to wait longer and longer.
  if (wanted > 0) return { ...about, cause: 'throttled', failures: failures - 1, since, until: now + wanted };
  const beyond = failures - FAULTS_BEFORE_PAUSE;
  const until = beyond < 0 ? 0 : now + backOffSeconds(beyond + 1, PAUSE, random);
  return { ...about, cause: 'outage', failures, since, until };
};
