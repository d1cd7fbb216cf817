import type { KeyRing } from '../../ports/key-ring.ts';
import { keyIdOf, open, seal } from './aes-gcm.ts';
import type { KeySet } from './key-set.ts';

/**
 * `load`: the keys as they are known. `reload`: the keys as they are now, read after the call; asked once for a key that
 * is not known, so that nothing sealed under a key that has just been added is called lost.
 */
export const keyRingOf = (source: { load(): Promise<KeySet>; reload(): Promise<KeySet> }): KeyRing => ({
  async seal(plaintext, context) {
    return seal(await source.load(), plaintext, context);
  },

  async open(sealed, context) {
    const known = await source.load();
    const keys = known.keys.has(keyIdOf(sealed)) ? known : await source.reload();
    return open(keys, sealed, context);
  },

  /** Looks again before it says no: a ring behind the times would have new texts sealed anew under its old key. */
  async isCurrent(sealed) {
    const keyId = keyIdOf(sealed);
    return (await source.load()).current === keyId || (await source.reload()).current === keyId;
  },
});

/**
 * One reading at a time, however many wait for it. `joined` may be a reading that is under way already; `fresh` begins
 * after the call, and so sees everything that was written before it.
 */
export const sharedReading = <Value>(read: () => Promise<Value>) => {
  let running: Promise<Value> | undefined;
  let following: Promise<Value> | undefined;

  const joined = (): Promise<Value> => {
    running ??= read().finally(() => {
      running = undefined;
    });
    return running;
  };

  const fresh = (): Promise<Value> => {
    if (running === undefined) return joined();
    const afterwards = (): Promise<Value> => {
      following = undefined;
      return joined();
    };
    following ??= running.then(afterwards, afterwards);
    return following;
  };

  return { joined, fresh };
};
