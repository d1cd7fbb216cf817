import { AUDIENCES, type Audience } from './provider.ts';
import { IN_USE_SECONDS, nextKeepAliveAt, renewAheadAt } from './timing.ts';

/** What the plan for a grant follows from. Times are epoch seconds. */
export interface GrantFacts {
  readonly mailboxId: string;
  /** When a device last fetched a token for an audience. */
  readonly lastUsedAt: Partial<Record<Audience, number>>;
  readonly tokens: Partial<Record<Audience, { readonly issuedAt: number; readonly expiresAt: number }>>;
  /** When a refresh last succeeded; undefined: never since the sign-in. */
  readonly provenAt: number | undefined;
  /** Not asked again before this; undefined: nothing went wrong. */
  readonly retryAt: number | undefined;
}

export interface RefreshPlan {
  /** Audiences to be refreshed now. */
  readonly refresh: readonly Audience[];
  /** When there will be something to do if nothing happens meanwhile. */
  readonly nextDueAt: number;
}

/** A grant proven this recently needs no keep-alive. */
const RECENT_PROOF_SECONDS = 12 * 3600;

/**
 * What to do for a grant now, and when next (design section 7): tokens in use are renewed before they run out, so that no
 * device waits; a refresh token that was not used for a day is used, so that it stays alive and a dead one is noticed.
 */
export const planRefresh = (facts: GrantFacts, now: number): RefreshPlan => {
  const { mailboxId, lastUsedAt, tokens, provenAt, retryAt } = facts;
  const keepAliveAt = nextKeepAliveAt(mailboxId, now);
  if (retryAt !== undefined && retryAt > now) return { refresh: [], nextDueAt: Math.min(keepAliveAt, retryAt) };

  const refresh: Audience[] = [];
  let nextDueAt = keepAliveAt;
  for (const audience of AUDIENCES) {
    if (now - (lastUsedAt[audience] ?? 0) >= IN_USE_SECONDS) continue;
    const token = tokens[audience];
    const renewedAt = token ? renewAheadAt(token, mailboxId) : now;
    if (renewedAt <= now) refresh.push(audience);
    else nextDueAt = Math.min(nextDueAt, renewedAt);
  }
  const proven = retryAt === undefined && provenAt !== undefined && now - provenAt < RECENT_PROOF_SECONDS;
  return {
    // Any audience proves the refresh token; `smtp` is the one that every mailbox has.
    refresh: refresh.length === 0 && !proven ? ['smtp'] : refresh,
    nextDueAt,
  };
};
