/** What rests in the vault for one grant. */
export interface StoredRefreshToken {
  readonly refreshToken: string;
  /** The one before, kept in case the newer one turns out not to work. */
  readonly previousRefreshToken?: string;
  /**
   * Epoch seconds: when this token was stored; 0 for what was stored before this was noted. With a fraction where it
   * followed the one before within the second.
   */
  readonly storedAt: number;
  /** Opaque; names this very content for the next compare-and-swap. */
  readonly version: string;
}

/** Where refresh tokens rest. Nothing else may hold one. Throws `TokenVaultError`. */
export interface TokenVault {
  /** How many stores one grant may have in 24 hours; absent: as many as like. */
  readonly storesPerDay?: number;
  /** The newest durable token, or undefined where none was ever stored or it was removed. */
  read(grantId: string): Promise<StoredRefreshToken | undefined>;
  /**
   * Durable when it resolves, as one write: a process that dies in it leaves either this token or the one before.
   * `expected`: the version this replaces, or `absent`. `superseded`: somebody stored or removed in between; nothing
   * changed. Repeating a `store` that had succeeded unseen gives `stored` or `superseded`, never a third token.
   */
  store(
    grantId: string,
    token: Omit<StoredRefreshToken, 'version'>,
    expected: string | 'absent',
  ): Promise<{ readonly outcome: 'stored'; readonly version: string } | { readonly outcome: 'superseded' }>;
  /** Only because a person asked. Absent is fine. */
  remove(grantId: string): Promise<void>;
}

/**
 * `busy`: throttled, or a passing fault of the service behind the vault; a store may or may not have gone through.
 * `full`: this grant has had its versions for the day; nothing was stored.
 * `unreadable`: sealed under a key that is gone, or altered; the message names grant and key, and what to do.
 * No message quotes a secret.
 */
export type TokenVaultTrouble = 'busy' | 'full' | 'unreadable';

export class TokenVaultError extends Error {
  override readonly name = 'TokenVaultError';
  readonly reason: TokenVaultTrouble;
  /** Of what is unreadable, where it is known: whoever signs in again stores over it with this as `expected`. */
  readonly version?: string;

  constructor(
    reason: TokenVaultTrouble,
    message: string,
    { version, ...options }: ErrorOptions & { version?: string } = {},
  ) {
    super(message, options);
    this.reason = reason;
    if (version !== undefined) this.version = version;
  }
}
