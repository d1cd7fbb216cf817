import { type BrokerError, brokerError, passesByItself } from '../../domain/errors.ts';
import type { ServedMailbox } from '../../domain/gateway.ts';
import { audienceRefusal, generationOf, grantRefusal, isLive } from '../../domain/grant.ts';
import type { Audience, ProviderName } from '../../domain/provider.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { livesLongEnough, REFRESH_MARGIN_SECONDS, renewAt } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import { KeyRingError } from '../../ports/key-ring.ts';
import type { Log } from '../../ports/log.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { CachedAccessToken, GrantRecord } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';

/** The scope that a provider's tokens need for an audience, where it offers one. */
export type ScopeFor = (provider: ProviderName, audience: Audience) => string | undefined;

export interface AccessToken {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly scope: string;
}

export interface TokenWish {
  readonly mailbox: ServedMailbox;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** What is cached for a mailbox and an audience, as somebody has just read it. */
export interface CachedAccess {
  readonly grant: GrantRecord;
  readonly token: CachedAccessToken | undefined;
}

/** While a token lives at least this long it is better than none, when the provider cannot give another. */
const STILL_USABLE_SECONDS = 60;

/** One process asks for the same background refresh at most this often. */
const ASK_AGAIN_AFTER_SECONDS = 60;

/**
 * The cached access token if it lives long enough, else a fresh one by way of the refresher. Never sees a refresh token.
 */
export const makeAcquireAccessToken = ({
  grants,
  refresher,
  scopeFor,
  clock,
  log,
}: {
  grants: Records['grants'];
  refresher: Refresher;
  scopeFor: ScopeFor;
  clock: Clock;
  log: Log;
}) => {
  const askedAt = new Map<string, number>();

  const refreshSoon = async ({ mailbox, audience }: TokenWish, now: number): Promise<void> => {
    const name = `${mailbox.id}|${audience}`;
    if (now - (askedAt.get(name) ?? 0) < ASK_AGAIN_AFTER_SECONDS) return;
    askedAt.set(name, now);
    const request = { mailboxId: mailbox.id, audience, minTtlSeconds: REFRESH_MARGIN_SECONDS, askedAt: now };
    await refresher.refreshSoon(request).catch((error: unknown) => {
      // The token at hand is good; the sweep will come by.
      log.warn('token.refresh_not_asked', { mailbox_id: mailbox.id, error: String(error) });
    });
  };

  /** Undefined where its key is gone, or it was altered: then it is no token, and another can be had. */
  const open = async (
    { mailbox, audience }: TokenWish,
    token: CachedAccessToken,
    scope: string,
  ): Promise<AccessToken | undefined> => {
    try {
      const accessToken = await grants.openAccessToken(mailbox.organizationId, mailbox.id, audience, token.sealed);
      return { accessToken, expiresAt: token.expiresAt, scope };
    } catch (error) {
      if (!(error instanceof KeyRingError) || error.reason === 'unavailable') throw error;
      log.warn('token.unreadable', { mailbox_id: mailbox.id, audience, key_id: error.keyId, reason: error.reason });
      return undefined;
    }
  };

  /** As the refresher has just put it into the cache. */
  const refreshed = async (wish: TokenWish, scope: string): Promise<Result<AccessToken, BrokerError>> => {
    const read = await grants.getWithTokens(wish.mailbox.id, [wish.audience]);
    const [fresh] = read.tokens;
    if (fresh && fresh.expiresAt > epochSeconds(clock) && fresh.generation === generationOf(read.grant)) {
      const opened = await open(wish, fresh, scope);
      if (opened) return ok(opened);
    }
    return fail(brokerError('provider_unavailable', 'The mailbox was just signed in or out again.'));
  };

  return async (wish: TokenWish, cached: CachedAccess): Promise<Result<AccessToken, BrokerError>> => {
    const { mailbox, audience, minTtlSeconds } = wish;
    const { grant } = cached.grant;
    const scope = scopeFor(mailbox.provider, audience);
    if (scope === undefined) {
      return fail(brokerError('scope_not_offered', `A ${mailbox.provider} mailbox offers no token for "${audience}".`));
    }
    const refusal = grantRefusal(grant);
    if (refusal !== undefined) return fail(refusedGrant(refusal, cached.grant));
    const now = epochSeconds(clock);
    const notGranted = isLive(grant) ? audienceRefusal(grant, audience, scope, now) : undefined;
    if (notGranted !== undefined) return fail(notGranted);

    const askedAt = clock.now() / 1000;
    const isOfGrant = cached.token?.generation === generationOf(grant);
    const token = isOfGrant && cached.token && livesLongEnough(cached.token, 1, now) ? cached.token : undefined;
    const atHand = token && (await open(wish, token, scope));
    if (token && atHand && livesLongEnough(token, minTtlSeconds, now)) {
      if (now >= renewAt(token)) await refreshSoon(wish, now);
      return ok(atHand);
    }

    // One that cannot be opened is to be replaced, however long it would live.
    const wanted = token && !atHand ? Number.MAX_SAFE_INTEGER : minTtlSeconds;
    const outcome = await refresher.refreshNow({ mailboxId: mailbox.id, audience, minTtlSeconds: wanted, askedAt });
    if (outcome.outcome === 'fresh') return refreshed(wish, scope);
    // A wait is told only where the grant still stands, whoever must act: then the token at hand stays good.
    const stillGranted = passesByItself(outcome.error) || outcome.error.retryAfterSeconds !== undefined;
    const stillUsable = atHand && atHand.expiresAt - now >= STILL_USABLE_SECONDS;
    return stillUsable && stillGranted ? ok(atHand) : fail(outcome.error);
  };
};

export type AcquireAccessToken = ReturnType<typeof makeAcquireAccessToken>;

/** Why there is no token, with what the provider said when it ended the grant. */
const refusedGrant = (kind: BrokerError['kind'], { grant }: GrantRecord): BrokerError => {
  if (grant.state !== 'invalid' || grant.trouble === undefined) return { kind };
  const { message, code, correlationId } = grant.trouble;
  return { kind, detail: message, code, ...(correlationId === undefined ? {} : { correlationId }) };
};
