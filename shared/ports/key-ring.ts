/** Seals small secrets under a named key that never leaves the ring. AES-256-GCM; a sealed text names its key. */
export interface KeyRing {
  /** `context` is bound to the result (associated data): it opens only with the same context. */
  seal(plaintext: string, context: string): Promise<string>;
  /** Throws `KeyRingError`: the key was destroyed, the text was altered, or the context is another. */
  open(sealed: string, context: string): Promise<string>;
}

export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
}

const unreachable = async (): Promise<never> => {
  throw new KeyRingError('this function has no access to sealed tokens');
};

/** For functions that have nothing to seal or open. */
export const noKeyRing: KeyRing = { seal: unreachable, open: unreachable };
