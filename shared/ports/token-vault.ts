/** What rests in the vault for one grant. */
export interface StoredRefreshToken {
  readonly refreshToken: string;
  /** The one before, in case the newer one turns out not to work; nothing tries it by itself yet. */
  readonly previousRefreshToken?: string;
  /** Opaque; names this very content for the next compare-and-swap. */
  readonly version: string;
}

/** Where refresh tokens rest. Nothing else may hold one. */
export interface TokenVault {
  /** The newest durable token, or undefined where none was ever stored or it was removed. */
  read(grantId: string): Promise<StoredRefreshToken | undefined>;
  /**
   * Durable when it resolves. `expected`: the version this replaces, or `absent`. `superseded`: somebody stored or
   * removed in between; nothing changed. Repeating a `store` that had succeeded unseen gives `stored` or `superseded`,
   * never a third token.
   */
  store(
    grantId: string,
    token: { readonly refreshToken: string; readonly previousRefreshToken?: string },
    expected: string | 'absent',
  ): Promise<{ readonly outcome: 'stored'; readonly version: string } | { readonly outcome: 'superseded' }>;
  /** Only because a person asked. Absent is fine. */
  remove(grantId: string): Promise<void>;
}
