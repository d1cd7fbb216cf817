import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { type Grant, generationOf } from '../../domain/grant.ts';
import { AUDIENCES, type SignedInAccount } from '../../domain/provider.ts';
import type { ByRegistration } from '../../domain/registration.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { storedAfter } from '../../domain/store-budget.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';
import type { Lease } from '../../records/grants.ts';
import type { Records } from '../../records/index.ts';
import { makeChangeGrant } from '../grants/change-grant.ts';
import { makeStoreRefreshToken } from '../grants/store-refresh-token.ts';

/** What a redeemed code must hold to become a grant, and the registration by which it was redeemed. */
export interface Permission extends ByRegistration {
  readonly refreshToken: string;
  readonly account: SignedInAccount;
  readonly scopes: readonly string[];
}

/** A refresh that has just lost the lease may store once more what it got; more would be a bug. */
const STORE_ATTEMPTS = 5;

/**
 * Makes a sign-in's refresh token the grant's. Vault first, grant second: at no moment does the grant promise a token that
 * is not durable, and until the grant is replaced the earlier one works as before.
 */
export const makeAdoptSignIn = (dependencies: {
  readonly grants: Records['grants'];
  readonly mailboxes: Pick<Records['mailboxes'], 'get'>;
  readonly vault: TokenVault;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  const { grants, mailboxes, vault, clock } = dependencies;
  const changeGrant = makeChangeGrant(dependencies);
  const storeRefreshToken = makeStoreRefreshToken(dependencies);

  /** What is to be replaced. A token that can be read no more makes way, and is no use as `previousRefreshToken`. */
  const resting = async (id: string): Promise<Omit<StoredRefreshToken, 'refreshToken'> & { refreshToken?: string }> => {
    try {
      return (await vault.read(id)) ?? { version: 'absent', storedAt: 0 };
    } catch (error) {
      if (error instanceof TokenVaultError && error.version !== undefined)
        return { version: error.version, storedAt: 0 };
      throw error;
    }
  };

  /** Gives what the grant is to remember of it, or undefined where it could not be stored. */
  const store = async (id: string, lease: Lease, refreshToken: string, now: number) => {
    const holdOn = () => grants.renewLease(id, lease, epochSeconds(clock));
    for (let attempt = 0; attempt < STORE_ATTEMPTS; attempt++) {
      if ((await holdOn()) === undefined) return undefined;
      const former = await resting(id);
      const previous = former.refreshToken === undefined ? {} : { previousRefreshToken: former.refreshToken };
      const storedAt = storedAfter(former.storedAt, now);
      const token = { refreshToken, ...previous, storedAt };
      const stored = await storeRefreshToken(id, token, former.version, holdOn);
      if (stored.outcome === 'stored') return { refreshTokenStoredAt: storedAt, refreshTokenVersion: stored.version };
    }
    return undefined;
  };

  return async ({ id, provider }: Mailbox, permission: Permission): Promise<Result<undefined, BrokerError>> => {
    const { refreshToken, ...held } = permission;
    const lost = fail(brokerError('internal', 'The sign-in could not be stored; start it again.'));
    try {
      return await changeGrant(id, async (lease) => {
        const now = epochSeconds(clock);
        // Removed while its owner was at the provider: nobody could ever give up what is stored now.
        if ((await mailboxes.get(id)) === undefined) return fail(brokerError('sign_in_not_found'));
        const stored = await store(id, lease, refreshToken, now);
        if (stored === undefined) return lost;
        const { grant, revision } = await grants.get(id);
        const generation = generationOf(grant) + 1;
        const adopted: Grant = {
          ...{ state: 'unproven', provider, ...held, ...stored },
          ...{ signedInAt: now, generation, failures: 0 },
        };
        // Before the lease ends: afterwards there may be tokens of the new sign-in.
        await grants.forgetAccessTokens(id, AUDIENCES);
        return (await grants.replaceAndRelease(id, lease, revision, adopted, now)) ? ok(undefined) : lost;
      });
    } catch (error) {
      if (!(error instanceof TokenVaultError)) throw error;
      return fail(brokerError('vault_unavailable', error.message));
    }
  };
};

export type AdoptSignIn = ReturnType<typeof makeAdoptSignIn>;
