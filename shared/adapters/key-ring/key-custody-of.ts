import type { KeyCustody, KeyNames } from '../../ports/key-custody.ts';
import { type KeySet, newKey } from './key-set.ts';

/** Where a ring is stored: `change` reads, changes and replaces it, and begins again if somebody was faster. */
export interface KeySetStore {
  read(): Promise<KeySet>;
  change(to: (keys: KeySet) => KeySet): Promise<KeySet>;
}

export const keyCustodyOf = (store: KeySetStore, uptakeSeconds: number): KeyCustody => ({
  uptakeSeconds,
  names: async () => namesOf(await store.read()),
  addNext: async (now) => namesOf(await store.change((keys) => withNext(keys, now))),
  makeCurrent: async (keyId, now) => namesOf(await store.change((keys) => withCurrent(keys, keyId, now))),
  remove: async (keyId) => namesOf(await store.change((keys) => without(keys, keyId))),
});

const namesOf = ({ current, currentSince = 0, keys, next }: KeySet): KeyNames => ({
  current,
  currentSince,
  all: [...keys.keys()],
  next,
});

const withNext = (ring: KeySet, now: number): KeySet => {
  if (ring.next !== undefined) return ring;
  const [keyId, key] = newKey();
  return { ...ring, keys: new Map([...ring.keys, [keyId, key]]), next: { keyId, addedAt: now } };
};

const withCurrent = (ring: KeySet, keyId: string, now: number): KeySet => {
  const { next, ...rest } = ring;
  return next?.keyId === keyId ? { ...rest, current: keyId, currentSince: now } : ring;
};

const without = (ring: KeySet, keyId: string): KeySet => {
  if (keyId === ring.current || !ring.keys.has(keyId)) return ring;
  const { next, ...rest } = ring;
  const keys = new Map([...ring.keys].filter(([id]) => id !== keyId));
  return { ...rest, keys, ...(next !== undefined && next.keyId !== keyId && { next }) };
};
