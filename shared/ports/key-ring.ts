/** Seals small secrets under a named key that never leaves the ring. AES-256-GCM; a sealed text names its key. */
export interface KeyRing {
  /** `context` is bound to the result (associated data): it opens only with the same context. */
  seal(plaintext: string, context: string): Promise<string>;
  /** Throws `KeyRingError`: the key was destroyed, the text was altered, or the context is another. */
  open(sealed: string, context: string): Promise<string>;
  /** Whether it is sealed under the key that sealing takes now; an older one is to be sealed anew some time. */
  isCurrent(sealed: string): Promise<boolean>;
}

/** The key that a sealed text names. */
export const keyNamedBy = (sealed: string): string => sealed.slice(0, Math.max(0, sealed.indexOf('.')));

/** `key_gone`: the ring holds no such key. `unavailable`: the ring itself cannot be read, or makes no sense. */
export type KeyRingTrouble = 'key_gone' | 'altered' | 'unavailable';

export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
  readonly reason: KeyRingTrouble;
  /** The key that the sealed text names, where it names one. */
  readonly keyId?: string;

  constructor(reason: KeyRingTrouble, message: string, { keyId, ...options }: ErrorOptions & { keyId?: string } = {}) {
    super(message, options);
    this.reason = reason;
    if (keyId !== undefined) this.keyId = keyId;
  }
}

const unreachable = async (): Promise<never> => {
  throw new KeyRingError('unavailable', 'this function has no access to sealed tokens');
};

/** For functions that have nothing to seal or open. */
export const noKeyRing: KeyRing = { seal: unreachable, open: unreachable, isCurrent: unreachable };
