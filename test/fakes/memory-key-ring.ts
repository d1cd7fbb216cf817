import { type KeyRing, KeyRingError } from '../../shared/ports/key-ring.ts';

/** A ring whose sealed texts are tickets: they hold nothing of what they seal, and open with their context alone. */
export const memoryKeyRing = (name = 'ring'): KeyRing => {
  const sealed = new Map<string, { readonly plaintext: string; readonly context: string }>();
  return {
    async seal(plaintext, context) {
      const ticket = `${name}.${sealed.size}`;
      sealed.set(ticket, { plaintext, context });
      return ticket;
    },
    async open(ticket, context) {
      const found = sealed.get(ticket);
      if (found === undefined) throw new KeyRingError('the text was altered');
      if (found.context !== context) throw new KeyRingError('the context is another');
      return found.plaintext;
    },
  };
};
