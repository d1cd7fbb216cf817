import { PROVIDERS, type ProviderName } from './provider.ts';
import type { ByRegistration } from './registration.ts';

/** The numbers of design section 7, each with its reason. Seconds unless named otherwise. */

/** A mail session (connect, sign in, 35 MB over a slow line) fits in ten minutes; HVE demands as much. */
export const DEFAULT_MIN_TTL_SECONDS = 600;

/** Below this a token is still served, and a refresh is asked for in the background. */
export const REFRESH_MARGIN_SECONDS = 900;

/** The provider's time-out must be shorter than the lease, or a slow answer would find its lease gone. */
export const PROVIDER_TIMEOUT_SECONDS = 20;
export const LEASE_SECONDS = 30;

/** Before a holder calls the provider it has this much of its lease left: the time-out, and one attempt to store what came. */
export const LEASE_NEEDED_SECONDS = PROVIDER_TIMEOUT_SECONDS + 8;

/** Pauses before a store in a busy vault is repeated; the lease is renewed after each. */
export const VAULT_RETRY_MS = [200, 400, 800, 1600] as const;

/**
 * For so long after a store a vault may still give what was there before: Secrets Manager's reads are eventually consistent
 * (facts/aws.md section 1), by seconds as far as is known. Less than a lease: who follows a dead holder takes what that has stored.
 */
export const VAULT_SETTLES_SECONDS = 20;

/**
 * Where old refresh tokens stay valid (Entra), the vault is written when its token is so old: a token lives 90 days, and a
 * million mailboxes then write some four times a second, of Secrets Manager's fifty.
 */
export const RESTORED_AFTER_SECONDS = 7 * 86_400;

/** Up to so much sooner, by the grant's id: tokens that came in together, in a migration, do not come of age together. */
export const RESTORED_SOONER_SECONDS = 2 * 86_400;

/** For a person's change, which calls no provider: a store or a removal in the vault. Somebody waits in front of a browser. */
export const CHANGE_LEASE_SECONDS = 15;

/**
 * A grant unused for this long is kept alive once a day, no longer kept warm. From Friday evening to Monday morning are
 * 64 hours: the first scan of the week shall not wait. Kept warm around the clock, a fleet's load is even besides.
 */
export const IN_USE_SECONDS = 72 * 3600;

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

/**
 * What has due times. Of mail each mailbox's outbox; before that, every submission; and what was not sent to everybody, when its
 * content is to go. The grants under the broker's registration with a provider are by themselves, so that a sweep can leave
 * out one that is to be spared; those under registrations of organizations, each of which is spared alone, are together.
 * Before that, all were listed as `grant`.
 */
export type DueKind =
  | 'notice'
  | 'outbox'
  | 'submission'
  | 'content'
  | 'user-slot'
  | `grant-${ProviderName}`
  | 'grant-own'
  | 'grant';

export const grantDueKind = ({
  provider,
  registration,
}: ByRegistration & { readonly provider: ProviderName }): DueKind =>
  registration === 'own' ? 'grant-own' : `grant-${provider}`;

/** Under all of them grants are listed. */
export const GRANT_DUE_KINDS: readonly DueKind[] = [
  ...PROVIDERS.map((provider) => grantDueKind({ provider })),
  'grant-own',
];

export const dueShardOf = (kind: DueKind, id: string): string => `${kind}#${hash32(id) % DUE_SHARDS}`;

export const dueShards = (kind: DueKind): string[] =>
  Array.from({ length: DUE_SHARDS }, (_, shard) => `${kind}#${shard}`);

/** A place in a span of time, the same for the same id: what falls due together is done spread out. */
export const placeWithin = (seconds: number, id: string): number => hash32(id) % Math.max(1, Math.floor(seconds));

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

/** A passing fault of one grant: a device may be waiting, so soon at first; after hours, no more than twice an hour. */
export const REFRESH_BACK_OFF = { firstSeconds: 5, capSeconds: 1800 };

/** A fault of the provider itself: how often it is asked, the cool-down decides; a grant that is asked about waits little. */
export const PROVIDER_FAULT_BACK_OFF = { firstSeconds: 5, capSeconds: 60 };

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

/** From here on a token is served and renewed in the background: in its last quarter, or the refresh margin where that is less. */
export const renewAt = ({ issuedAt, expiresAt }: TokenTimes): number =>
  Math.ceil(expiresAt - Math.min(REFRESH_MARGIN_SECONDS, (expiresAt - issuedAt) / 4));

/** Up to this long before `renewAt` the sweep renews: tokens that came together, after an outage, drift apart again. */
const RENEWED_AHEAD_SECONDS = 600;

/** When the sweep renews a token in use: before any device can meet it in its last part, at a moment that its grant's id and age draw. */
export const renewAheadAt = (token: TokenTimes, grantId: string): number => {
  const spread = Math.min(RENEWED_AHEAD_SECONDS, (token.expiresAt - token.issuedAt) / 6);
  return renewAt(token) - placeWithin(spread, `${grantId}|${Math.floor(token.issuedAt)}`);
};

/** So many refreshes within `ENOUGH_WITHIN_SECONDS`, and what is cached is as fresh as it gets, whatever `min_ttl` asks. */
const ENOUGH_REFRESHES = 4;

/** Microsoft takes about fifteen equal requests within five minutes for a loop (AADSTS50196). */
const ENOUGH_WITHIN_SECONDS = 300;

/** When a token was issued, and those before it, newest first: as many as `freshEnough` looks at. */
export const issueTimes = (issuedAt: number, before: readonly number[]): readonly number[] =>
  [issuedAt, ...before].slice(0, ENOUGH_REFRESHES);

/** Whether a grant was refreshed so often just now that another refresh would be for nothing but the provider's loop guard. */
export const freshEnough = (issuedAt: readonly number[], now: number): boolean => {
  const earliest = issuedAt[ENOUGH_REFRESHES - 1];
  return earliest !== undefined && now - earliest < ENOUGH_WITHIN_SECONDS;
};

/** A mail server's passing fault: RFC 5321 section 4.5.4.1 asks for 30 minutes; a person at a scanner hopes for less. */
export const MAIL_BACK_OFF = { firstSeconds: 60, capSeconds: 3600 };

/** After this a deferred submission fails and is reported (RFC 5321 section 4.5.4.1 gives up after days). */
export const GIVE_UP_AFTER_SECONDS = 48 * 3600;

/** In which the queue brings a worker; after it a sweep asks for one. */
export const QUEUE_GRACE_SECONDS = 60;

/** A worker's claim on a submission: longer than any one attempt, so that no other sends it meanwhile. */
export const SENDING_SECONDS = 600;

/** One message on its way: the claim's last two minutes are for token and session before it, and the record of it afterwards. */
export const ATTEMPT_SECONDS = SENDING_SECONDS - 120;

/** A mailbox that needs a person is tried this often, in case it was mended where the broker cannot see it. */
export const HELD_RECHECK_SECONDS = 3600;

/** So long mail waits for somebody to sign its mailbox in. Then it has failed, and that is reported; what it said is still kept. */
export const HELD_GIVE_UP_SECONDS = 30 * 86_400;

/** The longest that mail waits, whatever comes together: held for as long as may be, and then its two days. */
export const LONGEST_WAIT_SECONDS = HELD_GIVE_UP_SECONDS + GIVE_UP_AFTER_SECONDS;
