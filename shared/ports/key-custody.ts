/** What a key ring holds, without the keys themselves. Times are epoch seconds. */
export interface KeyNames {
  readonly current: string;
  /** 0: from the beginning. */
  readonly currentSince: number;
  readonly all: readonly string[];
  /** A rotation under way. */
  readonly next: { readonly keyId: string; readonly addedAt: number } | undefined;
}

/**
 * Changes the keys of one ring, for who looks after them. Each change is atomic and durable; of two at once, both are
 * made, one after the other. Key material never leaves it.
 */
export interface KeyCustody {
  /** After so long every running process has taken up a change of the ring. */
  readonly uptakeSeconds: number;
  names(): Promise<KeyNames>;
  /** Adds a random key under which nothing is sealed yet. Where a rotation is under way already, that one goes on. */
  addNext(now: number): Promise<KeyNames>;
  /** Sealing takes this key from now on. Nothing changes where it is not the next one. */
  makeCurrent(keyId: string, now: number): Promise<KeyNames>;
  /** What is sealed under it is lost. Never the current key; nothing changes where it is not there. */
  remove(keyId: string): Promise<KeyNames>;
}
