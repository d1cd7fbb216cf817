import { VAULT_RETRY_MS } from '../../domain/timing.ts';
import type { Clock } from '../../ports/clock.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';

/**
 * Stores it, and asks a vault that is busy again a few times: the token in hand may be the only one that still works.
 * `holdOn` gives the grant's lease its whole time again, so that nobody takes it over while this goes on; that it was lost
 * changes nothing, as the store is a compare-and-swap.
 */
export const makeStoreRefreshToken =
  ({ vault, clock }: { readonly vault: TokenVault; readonly clock: Clock }) =>
  async (
    grantId: string,
    token: Omit<StoredRefreshToken, 'version'>,
    expected: string | 'absent',
    holdOn: () => Promise<unknown>,
  ): ReturnType<TokenVault['store']> => {
    for (const pauseMs of VAULT_RETRY_MS) {
      try {
        return await vault.store(grantId, token, expected);
      } catch (error) {
        if (!(error instanceof TokenVaultError && error.reason === 'busy')) throw error;
        await clock.sleep(pauseMs);
        await holdOn();
      }
    }
    return vault.store(grantId, token, expected);
  };
