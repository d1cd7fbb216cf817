import { VAULT_RETRY_MS } from '../domain/timing.ts';
import type { Clock } from '../ports/clock.ts';
import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../ports/token-vault.ts';

/** Stores it, and asks a vault that is busy again a few times: the token in hand may be the only one that still works. */
export const makeStoreRefreshToken =
  ({ vault, clock }: { readonly vault: TokenVault; readonly clock: Clock }) =>
  async (
    grantId: string,
    token: Omit<StoredRefreshToken, 'version'>,
    expected: string | 'absent',
  ): Promise<'stored' | 'superseded'> => {
    for (const pauseMs of VAULT_RETRY_MS) {
      try {
        return (await vault.store(grantId, token, expected)).outcome;
      } catch (error) {
        if (!(error instanceof TokenVaultError && error.reason === 'busy')) throw error;
        await clock.sleep(pauseMs);
      }
    }
    return (await vault.store(grantId, token, expected)).outcome;
  };
