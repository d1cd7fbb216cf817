import type { KeyRing } from '../../ports/key-ring.ts';
import { keyIdOf, open, seal } from './aes-gcm.ts';
import type { KeySet } from './key-set.ts';

/** `load`: the keys as they are known; `reload`: the keys as they are now, asked once for a key that is not known. */
export const keyRingOf = (source: { load(): Promise<KeySet>; reload(): Promise<KeySet> }): KeyRing => ({
  async seal(plaintext, context) {
    return seal(await source.load(), plaintext, context);
  },

  async open(sealed, context) {
    const known = await source.load();
    const keys = known.keys.has(keyIdOf(sealed)) ? known : await source.reload();
    return open(keys, sealed, context);
  },
});
