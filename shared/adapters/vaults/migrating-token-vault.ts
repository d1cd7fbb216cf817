import { type StoredRefreshToken, type TokenVault, TokenVaultError } from '../../ports/token-vault.ts';
import { nameBasedVersion, type Tokens } from '../envelope/token-version.ts';

/** What one of the two vaults holds for a grant. */
type Found =
  | { readonly state: 'absent' }
  | { readonly state: 'token'; readonly token: StoredRefreshToken }
  | { readonly state: 'unreadable'; readonly error: TokenVaultError };

/** A copy made by the migrator takes one more attempt; whoever loses more often than this meets real writers. */
const STORE_ATTEMPTS = 5;

/**
 * Both vaults at once, while refresh tokens move from one to the other. The newer token counts; stores go to the target
 * alone, so that the source only runs empty. Versions name content and not the vault it rests in: a store that meets the
 * migrator's copy of the very token it replaces still succeeds.
 */
export const migratingTokenVault = (from: TokenVault, to: TokenVault): TokenVault => {
  /** The source first: a token that has left it meanwhile is in the target by then. The other way round both look empty. */
  const lookInto = async (grantId: string) => {
    const source = await foundIn(from, grantId);
    const target = await foundIn(to, grantId);
    return { source, target, newest: newestOf(source, target) };
  };

  return {
    ...(to.storesPerDay !== undefined && { storesPerDay: to.storesPerDay }),

    async read(grantId) {
      const { newest } = await lookInto(grantId);
      if (newest.state === 'absent') return undefined;
      const version = versionOf(grantId, newest);
      if (newest.state === 'token') return { ...newest.token, version };
      const { reason, message } = newest.error;
      throw new TokenVaultError(reason, message, { version, cause: newest.error });
    },

    async store(grantId, tokens, expected) {
      const version = contentVersion(grantId, tokens);
      for (let attempt = 0; attempt < STORE_ATTEMPTS; attempt++) {
        const { source, target, newest } = await lookInto(grantId);
        const resting = versionOf(grantId, newest);
        if (resting !== expected)
          return resting === version ? { outcome: 'stored', version } : { outcome: 'superseded' };
        // Not older than what it replaces, by whichever process's clock: the newer one counts.
        const storedAt = Math.max(tokens.storedAt, storedAtOf(source), storedAtOf(target));
        const { outcome } = await to.store(grantId, { ...tokens, storedAt }, innerVersionOf(target));
        if (outcome === 'stored') return { outcome, version };
      }
      return { outcome: 'superseded' };
    },

    /** The source first, as it holds the older token if both hold one: a removal cut short does not bring that back. */
    async remove(grantId) {
      await from.remove(grantId);
      await to.remove(grantId);
    },
  };
};

const foundIn = async (vault: TokenVault, grantId: string): Promise<Found> => {
  try {
    const token = await vault.read(grantId);
    return token === undefined ? { state: 'absent' } : { state: 'token', token };
  } catch (error) {
    if (error instanceof TokenVaultError && error.reason === 'unreadable') return { state: 'unreadable', error };
    throw error;
  }
};

/** What cannot be read in the source is older than anything in the target, where all stores go. */
const newestOf = (source: Found, target: Found): Found => {
  if (target.state === 'absent') return source;
  return storedAtOf(source) > storedAtOf(target) && target.state === 'token' ? source : target;
};

const storedAtOf = (found: Found): number => (found.state === 'token' ? found.token.storedAt : 0);

/** Without the time: it may be set forward, and tokens are too random to come twice. */
const contentVersion = (grantId: string, { refreshToken, previousRefreshToken = '' }: Tokens): string =>
  nameBasedVersion(grantId, refreshToken, previousRefreshToken);

const versionOf = (grantId: string, found: Found): string => {
  if (found.state === 'token') return contentVersion(grantId, found.token);
  return found.state === 'absent' ? 'absent' : nameBasedVersion(grantId, 'unreadable', innerVersionOf(found));
};

/** What the vault itself calls it. */
const innerVersionOf = (found: Found): string => {
  if (found.state === 'token') return found.token.version;
  return found.state === 'absent' ? 'absent' : (found.error.version ?? 'absent');
};
