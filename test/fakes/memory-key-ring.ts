import { type KeyRing, KeyRingError } from '../../shared/ports/key-ring.ts';

export interface MemoryKeyRing extends KeyRing {
  /** Seals under a new key from now on. Gives its id. */
  rotate(): string;
  /** What was sealed under this key no longer opens. */
  destroy(keyId: string): void;
}

/** A ring whose sealed texts are tickets: they hold nothing of what they seal, and open with their context alone. */
export const memoryKeyRing = (name = 'ring'): MemoryKeyRing => {
  const sealed = new Map<string, { readonly plaintext: string; readonly context: string }>();
  const destroyed = new Set<string>();
  let rotations = 0;
  const current = (): string => (rotations === 0 ? name : `${name}-${rotations}`);
  const keyIdOf = (ticket: string): string => ticket.split('.')[0] ?? '';
  return {
    async seal(plaintext, context) {
      const ticket = `${current()}.${sealed.size}`;
      sealed.set(ticket, { plaintext, context });
      return ticket;
    },
    async open(ticket, context) {
      const keyId = keyIdOf(ticket);
      if (destroyed.has(keyId))
        throw new KeyRingError('key_gone', `the key ring holds no key named ${keyId}`, { keyId });
      const found = sealed.get(ticket);
      if (found === undefined) throw new KeyRingError('altered', 'the text was altered', { keyId });
      if (found.context !== context) throw new KeyRingError('altered', 'the context is another', { keyId });
      return found.plaintext;
    },
    isCurrent: async (ticket) => keyIdOf(ticket) === current(),
    rotate() {
      rotations++;
      return current();
    },
    destroy(keyId) {
      destroyed.add(keyId);
    },
  };
};
