import type { Mailbox } from '../../domain/entities.ts';
import type { LiveGrant } from '../../domain/grant.ts';
import { type Audience, GRANT_AUDIENCE } from '../../domain/provider.ts';
import { isStoreDue, type StoreCount, storedAfter, storesToday, withStore } from '../../domain/store-budget.ts';
import { LEASE_NEEDED_SECONDS, VAULT_RETRY_MS, VAULT_SETTLES_SECONDS } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { AccessTokenReply, IdentityProvider, ProviderFailure } from '../../ports/identity-provider.ts';
import type { Log } from '../../ports/log.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';
import type { Lease } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';
import { makeStoreRefreshToken } from './store-refresh-token.ts';

/** Who uses the refresh token, and what for. Only the holder of the grant's lease may. */
export interface Use {
  readonly mailbox: Mailbox;
  readonly grant: LiveGrant;
  readonly audience: Audience;
  readonly lease: Lease;
  /** Told at once of each store, whatever comes of the use: the grant has to remember it. */
  readonly onStored: (note: VaultNote) => void;
}

/** What the vault holds after a use, for the grant to remember. */
export interface VaultNote {
  readonly refreshTokenStoredAt: number;
  readonly refreshTokenVersion: string;
  /** Where the vault has a limit. */
  readonly stores?: StoreCount;
}

export type Used =
  | { readonly outcome: 'token'; readonly reply: AccessTokenReply; readonly note: VaultNote }
  | { readonly outcome: 'refused'; readonly failure: ProviderFailure }
  /** The audience alone: the same refresh token has just yielded this token for `GRANT_AUDIENCE`. */
  | {
      readonly outcome: 'audience_refused';
      readonly failure: ProviderFailure;
      readonly reply: AccessTokenReply;
      readonly note: VaultNote;
    }
  /** The vault gave or took no token; the provider was not asked, or had its say and it could not be kept. */
  | { readonly outcome: 'vault'; readonly failure: ProviderFailure }
  /** The lease was lost, or somebody stored another token: look at the grant afresh. */
  | { readonly outcome: 'again' };

type Kept = { readonly outcome: 'kept'; readonly note: VaultNote } | Extract<Used, { outcome: 'again' | 'vault' }>;

const AGAIN = { outcome: 'again' } as const;

/** Not the provider's word: mended, the grant works again. */
const vaultFailure = (
  kind: 'stored_sign_in_missing' | 'stored_sign_in_unreadable' | 'vault_unavailable',
  message: string,
): Extract<Used, { outcome: 'vault' }> => ({
  outcome: 'vault',
  failure: {
    class: kind === 'vault_unavailable' ? 'retry_later' : 'operator_must_act',
    affects: 'grant',
    kind,
    code: kind,
    message,
  },
});

const fromVaultError = (error: unknown): Extract<Used, { outcome: 'vault' }> => {
  if (!(error instanceof TokenVaultError)) throw error;
  return vaultFailure(error.reason === 'unreadable' ? 'stored_sign_in_unreadable' : 'vault_unavailable', error.message);
};

/** It may have been stored all the same, and be read late: until then the former one, used up, must not be used again. */
const afterStoring = (error: unknown): Extract<Used, { outcome: 'vault' }> => {
  const { outcome, failure } = fromVaultError(error);
  return { outcome, failure: { ...failure, retryAfterSeconds: VAULT_SETTLES_SECONDS } };
};

/** Whether what was read is older than what is known to have been stored: one that was used up already, or none at all. */
const isLate = (read: StoredRefreshToken | undefined, grant: LiveGrant, now: number): boolean => {
  const { refreshTokenVersion: version, refreshTokenStoredAt: storedAt } = grant;
  if (version === undefined || read?.version === version || now - storedAt > VAULT_SETTLES_SECONDS) return false;
  return read === undefined || read.storedAt <= storedAt;
};

/** Whether the provider has refused this grant, and not only failed to serve it. */
const isRefusal = (used: Used): used is Extract<Used, { outcome: 'refused' }> =>
  used.outcome === 'refused' && used.failure.affects === 'grant' && used.failure.class !== 'retry_later';

/**
 * One use of a grant's refresh token (RFC 6749 section 6), with the rule that makes refreshing safe: what the provider
 * sends in its place is durable in the vault before anything else of the reply is used (design rule 2).
 */
export const makeUseRefreshToken = ({
  grants,
  vault,
  clock,
  log,
}: {
  readonly grants: Pick<Records['grants'], 'holdsLease' | 'renewLease'>;
  readonly vault: TokenVault;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  const store = makeStoreRefreshToken({ vault, clock });

  /**
   * Keeps the refresh token of a reply. Where the provider lets the former one live, the vault is written only when that
   * one has come of age, and a vault that fails loses nothing.
   */
  const keep = async (
    { mailbox, grant, lease, onStored }: Use,
    stored: StoredRefreshToken,
    { refreshToken, formerStaysValid }: { readonly refreshToken?: string; readonly formerStaysValid: boolean },
  ): Promise<Kept> => {
    const now = epochSeconds(clock);
    const counted = grant.stores && { stores: grant.stores };
    const asBefore = {
      outcome: 'kept',
      note: { refreshTokenStoredAt: stored.storedAt, refreshTokenVersion: stored.version, ...counted },
    } as const;
    if (refreshToken === undefined || refreshToken === stored.refreshToken) return asBefore;
    if (!isStoreDue({ grantId: mailbox.id, formerStaysValid, storedAt: stored.storedAt }, now)) return asBefore;
    const storedAt = storedAfter(stored.storedAt, now);
    const token = { refreshToken, previousRefreshToken: stored.refreshToken, storedAt };
    const holdOn = () => grants.renewLease(mailbox.id, lease, epochSeconds(clock));
    let written: Awaited<ReturnType<typeof store>>;
    try {
      written = await store(mailbox.id, token, stored.version, holdOn);
    } catch (error) {
      log.error('grant.refresh_token_not_stored', { mailbox_id: mailbox.id, error: String(error) });
      return formerStaysValid ? asBefore : afterStoring(error);
    }
    if (written.outcome === 'superseded') return AGAIN;
    const stores = vault.storesPerDay === undefined ? {} : { stores: withStore(grant.stores, now) };
    const note = { refreshTokenStoredAt: storedAt, refreshTokenVersion: written.version, ...stores };
    onStored(note);
    return { outcome: 'kept', note };
  };

  /**
   * Only while the lease lasts longer than the call and the store after it may take; else another could ask meanwhile.
   * Looked at after the vault was read: who signs in takes the lease first and stores then, so that a token read by one
   * who had lost the lease may be that of the new sign-in, which uses it at this moment.
   */
  const stillLeased = async ({ mailbox, lease }: Use): Promise<boolean> => {
    const now = epochSeconds(clock);
    if (lease.until - now >= LEASE_NEEDED_SECONDS) return grants.holdsLease(mailbox.id, lease);
    return (await grants.renewLease(mailbox.id, lease, now)) !== undefined;
  };

  const tryOnce = async (use: Use, provider: IdentityProvider, stored: StoredRefreshToken): Promise<Used> => {
    if (!(await stillLeased(use))) return AGAIN;
    const { refreshToken } = stored;
    const reply = await provider.refresh({ refreshToken, audience: use.audience });
    const sent = reply.ok ? reply.value : { ...reply.error, formerStaysValid: false };
    const kept = await keep(use, stored, sent);
    if (kept.outcome !== 'kept') return kept;
    return reply.ok
      ? { outcome: 'token', reply: reply.value, note: kept.note }
      : { outcome: 'refused', failure: reply.error };
  };

  /**
   * A word about one audience is none about the grant: consent may be missing for it alone, or a policy guard its resource
   * (facts M9, M45). So the same refresh token is tried for what every grant must give, and what comes of that is the word.
   */
  const tryForGrant = async (use: Use, provider: IdentityProvider, stored: StoredRefreshToken): Promise<Used> => {
    const used = await tryOnce(use, provider, stored);
    if (use.audience === GRANT_AUDIENCE || !isRefusal(used)) return used;
    const ofGrant = await tryOnce({ ...use, audience: GRANT_AUDIENCE }, provider, stored);
    if (ofGrant.outcome !== 'token') return ofGrant;
    return { ...ofGrant, outcome: 'audience_refused', failure: used.failure };
  };

  /** The token before the refused one, in case that never worked. Works it, it becomes the newest again. */
  const tryPrevious = async (use: Use, provider: IdentityProvider, refused: StoredRefreshToken): Promise<Used> => {
    const { previousRefreshToken } = refused;
    if (previousRefreshToken === undefined || !(await stillLeased(use))) return AGAIN;
    const reply = await provider.refresh({ refreshToken: previousRefreshToken, audience: use.audience });
    const sent = reply.ok ? (reply.value.refreshToken ?? previousRefreshToken) : reply.error.refreshToken;
    const kept = await keep(use, refused, { ...(sent && { refreshToken: sent }), formerStaysValid: false });
    if (kept.outcome !== 'kept') return kept;
    if (!reply.ok) return { outcome: 'refused', failure: reply.error };
    log.warn('grant.previous_token_used', { mailbox_id: use.mailbox.id });
    return { outcome: 'token', reply: reply.value, note: kept.note };
  };

  const budgetLeft = ({ grant }: Use): boolean =>
    vault.storesPerDay === undefined || storesToday(grant.stores, epochSeconds(clock)) < vault.storesPerDay;

  /**
   * The token that is to be used. A vault may be late with it: the one before was used up, and a strict provider that meets it
   * again ends the grant (RFC 9700 section 4.14.2).
   */
  const readNewest = async ({ mailbox, grant }: Use): Promise<StoredRefreshToken | undefined> => {
    for (const pauseMs of [...VAULT_RETRY_MS, 0]) {
      const stored = await vault.read(mailbox.id);
      if (!isLate(stored, grant, epochSeconds(clock))) return stored;
      await clock.sleep(pauseMs);
    }
    throw new TokenVaultError('busy', `the vault is late with the newest refresh token of ${mailbox.id}`);
  };

  return async (use: Use, provider: IdentityProvider): Promise<Used> => {
    const { id } = use.mailbox;
    try {
      const stored = await readNewest(use);
      if (stored === undefined)
        return vaultFailure('stored_sign_in_missing', 'The vault holds no refresh token for it.');
      if (!budgetLeft(use)) {
        return vaultFailure('vault_unavailable', 'The vault takes no more versions of this secret today.');
      }
      const used = await tryForGrant(use, provider, stored);
      if (used.outcome !== 'refused' || used.failure.class !== 'person_must_act') return used;
      // The clear word against one token is none against another: a newer one may have come, and one before may live.
      const newest = await vault.read(id);
      if (newest === undefined) return AGAIN;
      if (newest.version !== stored.version) return tryForGrant(use, provider, newest);
      const rescued = await tryPrevious({ ...use, audience: GRANT_AUDIENCE }, provider, newest);
      const isVerdict = rescued.outcome === 'refused' && rescued.failure.class === 'person_must_act';
      if (rescued.outcome === 'again' || isVerdict) return used;
      // What was asked for is another audience's, and the token that works is now the newest: look at the grant afresh.
      return rescued.outcome === 'token' && use.audience !== GRANT_AUDIENCE ? AGAIN : rescued;
    } catch (error) {
      return fromVaultError(error);
    }
  };
};
