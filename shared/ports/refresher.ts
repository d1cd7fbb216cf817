import type { BrokerError } from '../domain/errors.ts';
import type { Audience } from '../domain/provider.ts';

/** What asks for a fresh access token: it never sees a refresh token, nor the vault. */
export interface RefreshRequest {
  readonly mailboxId: string;
  readonly audience: Audience;
  /** A cached token with at least this much life left is good enough. */
  readonly minTtlSeconds: number;
  /** Epoch seconds, with fractions: one that was issued since then is as fresh as the provider makes them. */
  readonly askedAt: number;
  /** A person asks: the provider is called even while the back-off after a failure lasts. */
  readonly duringBackOff?: boolean;
}

/** `fresh`: a token is in the cache, read it there. */
export type RefreshOutcome =
  | { readonly outcome: 'fresh' }
  | { readonly outcome: 'failed'; readonly error: BrokerError };

/** The door between those who serve devices and the one use case that may open the vault. */
export interface Refresher {
  /** Refreshes now, joining one that is under way; comes back within the provider's time-out. */
  refreshNow(request: RefreshRequest): Promise<RefreshOutcome>;
  /** Asks for it in the background; durable when it resolves. */
  refreshSoon(request: RefreshRequest): Promise<void>;
}
