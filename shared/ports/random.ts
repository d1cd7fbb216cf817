/** Cryptographic randomness, passed in. */
export interface Random {
  bytes(count: number): Uint8Array;
  /** In [0, 1). For jitter. */
  fraction(): number;
}
