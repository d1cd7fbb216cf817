/** The numbers of design section 7, each with its reason. Seconds unless named otherwise. */

/** A mail session (connect, sign in, 35 MB over a slow line) fits in ten minutes; HVE demands as much. */
export const DEFAULT_MIN_TTL_SECONDS = 600;

/** Below this a token is still served, and a refresh is asked for in the background. */
export const REFRESH_MARGIN_SECONDS = 900;

/** The provider's time-out must be shorter than the lease, or a slow answer would find its lease gone. */
export const PROVIDER_TIMEOUT_SECONDS = 20;
export const LEASE_SECONDS = 30;

/** A grant unused for this long is kept alive once a day, no longer kept warm. Two token lifetimes. */
export const IN_USE_SECONDS = 2 * 3600;

/** The use of a binding and of a grant is written down at most this often, to keep the hot path free of writes. */
export const USE_RECORDED_EVERY_SECONDS = 600;

const DAY_SECONDS = 86_400;

/** Shards of the due index: one partition key each, so that no single one is hot (facts/aws.md, section 2). */
export const DUE_SHARDS = 16;

/** FNV-1a: spreads ids evenly over shards and hours; no secrecy needed. */
const hash32 = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
};

export const dueShardOf = (kind: 'grant' | 'submission', id: string): string => `${kind}#${hash32(id) % DUE_SHARDS}`;

export const dueShards = (kind: 'grant' | 'submission'): string[] =>
  Array.from({ length: DUE_SHARDS }, (_, shard) => `${kind}#${shard}`);

/** The next daily keep-alive: at a time of day hashed from the grant's id, so that load is even; 12 to 36 h from now. */
export const nextKeepAliveAt = (grantId: string, nowSeconds: number): number => {
  const timeOfDay = hash32(grantId) % DAY_SECONDS;
  const earliest = nowSeconds + DAY_SECONDS / 2;
  const startOfDay = Math.floor(earliest / DAY_SECONDS) * DAY_SECONDS;
  const candidate = startOfDay + timeOfDay;
  return candidate >= earliest ? candidate : candidate + DAY_SECONDS;
};

/**
 * Capped exponential back-off with full jitter. `random` is in [0, 1).
 * failures 1 → up to `firstSeconds`, then doubling up to `capSeconds`; never less than half of it.
 */
export const backOffSeconds = (
  failures: number,
  { firstSeconds, capSeconds }: { firstSeconds: number; capSeconds: number },
  random: number,
): number => {
  const ceiling = Math.min(capSeconds, firstSeconds * 2 ** Math.min(Math.max(failures - 1, 0), 30));
  return Math.ceil(ceiling / 2 + (ceiling / 2) * random);
};

/** A provider's passing fault: a device may be waiting, so soon at first; after hours, no more than twice an hour. */
export const REFRESH_BACK_OFF = { firstSeconds: 5, capSeconds: 1800 };

/** The broker's own registration is refused: looked at again often enough that a mended secret heals by itself. */
export const OPERATOR_RETRY_SECONDS = 300;

/** Times of a cached access token, epoch seconds. */
interface TokenTimes {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Whether a cached token has as much life left as somebody asks for. */
export const livesLongEnough = ({ expiresAt }: TokenTimes, minTtlSeconds: number, now: number): boolean =>
  expiresAt - now >= Math.max(minTtlSeconds, 1);

/** When a token in use is renewed ahead: the refresh margin before its end, but not before three quarters of its life. */
export const renewAt = ({ issuedAt, expiresAt }: TokenTimes): number =>
  Math.ceil(expiresAt - Math.min(REFRESH_MARGIN_SECONDS, (expiresAt - issuedAt) / 4));

/** A mail server's passing fault: RFC 5321 section 4.5.4.1 asks for 30 minutes; a person at a scanner hopes for less. */
export const MAIL_BACK_OFF = { firstSeconds: 60, capSeconds: 3600 };

/** After this a deferred submission fails and is reported (RFC 5321 section 4.5.4.1 gives up after days). */
export const GIVE_UP_AFTER_SECONDS = 48 * 3600;

/** A worker's claim on a submission: longer than any one attempt, so that no other sends it meanwhile. */
export const SENDING_SECONDS = 600;

/** One attempt at a mail server: the claim's last minute is for the token before it and the record of it afterwards. */
export const ATTEMPT_SECONDS = SENDING_SECONDS - 60;

/** A held submission is looked at this often, in case its mailbox was mended where the broker cannot see it. */
export const HELD_RECHECK_SECONDS = 3600;
