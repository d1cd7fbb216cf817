import { type BrokerError, brokerError, type ErrorKind } from './errors.ts';
import { type Audience, INACTIVITY, type ProviderName, type SignedInAccount, scopeGranted } from './provider.ts';
import { type ByRegistration, type Registration, registrationBy } from './registration.ts';
import type { StoreCount } from './store-budget.ts';

/** The last thing a provider said against a grant; kept until a refresh succeeds. */
export interface GrantTrouble {
  readonly kind: ErrorKind;
  /** The provider's own code, such as `AADSTS700082`, or its OAuth error. */
  readonly code: string;
  readonly message: string;
  readonly at: number;
  /** Not asked again before this. */
  readonly retryAt: number;
  readonly correlationId?: string;
}

/**
 * What every grant with a refresh token in the vault carries. Times are epoch seconds. A refresh token is bound to the client
 * it was issued to (RFC 6749 section 6), so the grant goes on with the registration that it was signed in with.
 */
interface HeldGrant extends ByRegistration {
  readonly provider: ProviderName;
  readonly account: SignedInAccount;
  readonly scopes: readonly string[];
  readonly signedInAt: number;
  /** Counts sign-ins, so that the late answer of an earlier one is told apart. */
  readonly generation: number;
  /** Failures in a row; sets the back-off. */
  readonly failures: number;
  readonly trouble?: GrantTrouble;
  /** Audiences that the provider refuses while it honours the grant, as where consent to one of them is missing. */
  readonly refused?: Partial<Record<Audience, GrantTrouble>>;
  /** When the refresh token that rests in the vault was stored: as the vault has it, to the fraction of a second. */
  readonly refreshTokenStoredAt: number;
  /** What the vault calls it; unknown for what was stored before this was noted. */
  readonly refreshTokenVersion?: string;
  /** How often it was stored of late, where the vault has a limit. */
  readonly stores?: StoreCount;
  /** People were told so many days before it lapses; absent while there is nothing to tell. */
  readonly warnedDays?: number;
}

/** The permission to use a mailbox. One for each mailbox; its refresh token rests in the vault alone. */
export type Grant =
  | { readonly state: 'never' }
  | { readonly state: 'signed_out'; readonly signedOutAt: number; readonly generation: number }
  /** Permission was given and its refresh token is durable, but it has not yet yielded an access token. */
  | ({ readonly state: 'unproven' } & HeldGrant)
  | ({ readonly state: 'active'; readonly provenAt: number } & HeldGrant)
  /** Ended by the provider's clear word. `reason` is what the person must mend. */
  | ({
      readonly state: 'invalid';
      readonly invalidSince: number;
      readonly reason: ErrorKind;
      readonly provenAt?: number;
    } & HeldGrant);

export type LiveGrant = Extract<Grant, { state: 'unproven' | 'active' }>;

export const isLive = (grant: Grant): grant is LiveGrant => grant.state === 'unproven' || grant.state === 'active';

/** Of the client that its refresh token was issued to; undefined where there is none. */
export const registrationOf = (
  grant: Grant,
  mailbox: { readonly provider: ProviderName; readonly organizationId: string },
): Registration | undefined =>
  grant.state === 'never' || grant.state === 'signed_out' ? undefined : registrationBy(mailbox, grant);

export const generationOf = (grant: Grant): number => (grant.state === 'never' ? 0 : grant.generation);

/** R13: the four states, shown everywhere the same. */
export type TokenStatus = 'not_acquired' | 'waiting' | 'acquired' | 'invalid';

/** The one function that computes the token status. `signInPendingUntil`: when the open sign-in runs out, if any. */
export const tokenStatus = (grant: Grant, signInPendingUntil: number | undefined, nowSeconds: number): TokenStatus => {
  switch (grant.state) {
    case 'active':
      return 'acquired';
    case 'invalid':
      return 'invalid';
    case 'unproven':
      return 'waiting';
    case 'never':
    case 'signed_out':
      return signInPendingUntil !== undefined && signInPendingUntil > nowSeconds ? 'waiting' : 'not_acquired';
  }
};

/** Why a grant yields no token, or undefined if it may. */
export const grantRefusal = (grant: Grant): ErrorKind | undefined => {
  switch (grant.state) {
    case 'never':
      return 'not_signed_in';
    case 'signed_out':
      return 'signed_out';
    case 'invalid':
      return grant.reason;
    case 'unproven':
    case 'active':
      return undefined;
  }
};

/**
 * Why a live grant yields no token for an audience; undefined: it does, or may when the provider is asked. What was refused
 * is asked for again, at the device's request, once its time is over: an administrator may have consented meanwhile.
 */
export const audienceRefusal = (
  { scopes, refused }: LiveGrant,
  audience: Audience,
  scope: string,
  nowSeconds: number,
): BrokerError | undefined => {
  if (!scopeGranted(scopes, scope)) {
    const detail = `The sign-in allows ${scopes.join(' ')}, but not ${scope}: sign in again to allow it.`;
    return brokerError('scope_not_granted', detail);
  }
  const refusal = refused?.[audience];
  return refusal !== undefined && refusal.retryAt > nowSeconds ? refusedAudience(audience, refusal) : undefined;
};

export const refusedAudience = (audience: Audience, { message, code, correlationId }: GrantTrouble): BrokerError => ({
  kind: 'scope_not_granted',
  detail: `The sign-in is good, but not for the scope ${audience}. ${message}`,
  code,
  ...(correlationId === undefined ? {} : { correlationId }),
});

/** What is to be kept warm: a refused audience is not, however lately it was used. */
export const audiencesInUse = (
  { refused = {} }: LiveGrant,
  lastUsedAt: Partial<Record<Audience, number>>,
): Partial<Record<Audience, number>> =>
  Object.fromEntries(Object.entries(lastUsedAt).filter(([audience]) => !(audience in refused)));

/** When a refresh last succeeded; undefined: never since the sign-in. */
export const provenAt = (grant: Grant): number | undefined => ('provenAt' in grant ? grant.provenAt : undefined);

/** When the refresh token would die if nothing more happened; undefined where there is none alive. */
export const lapsesAt = (grant: Grant): number | undefined => {
  if (!isLive(grant)) return undefined;
  const { countsFrom, seconds } = INACTIVITY[grant.provider];
  return (
    (countsFrom === 'issue' ? Math.floor(grant.refreshTokenStoredAt) : (provenAt(grant) ?? grant.signedInAt)) + seconds
  );
};

const DAY_SECONDS = 86_400;

/** People are told so many days before something lapses. */
export const WARNING_DAYS = [60, 30, 7, 1] as const;

/** The warning that stands at a moment: the nearest of `WARNING_DAYS` that has been reached; undefined: none yet. */
export const warningDue = (lapsesAtSeconds: number, nowSeconds: number): number | undefined =>
  WARNING_DAYS.findLast((days) => lapsesAtSeconds - nowSeconds <= days * DAY_SECONDS);
