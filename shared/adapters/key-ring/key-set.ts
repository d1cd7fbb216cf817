import { randomBytes } from 'node:crypto';
import { KeyRingError } from '../../ports/key-ring.ts';

/** AES-256. */
const KEY_BYTES = 32;
/** Random, so that a ring made anew never gives an old key's name to another key. */
const KEY_ID_BYTES = 6;
const KEY_ID = /^[A-Za-z0-9_-]+$/;

/** What a ring holds: sealing takes the current key, opening the one that the text names. */
export interface KeySet {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
  /** Epoch seconds; absent for a key that was there from the beginning. */
  readonly currentSince?: number;
  /** A rotation under way: this key becomes current once every process has had time to take it up. */
  readonly next?: { readonly keyId: string; readonly addedAt: number };
}

export const keyOf = (keys: KeySet, keyId: string): Uint8Array => {
  const key = keys.keys.get(keyId);
  if (key === undefined) throw new KeyRingError('key_gone', `the key ring holds no key named ${keyId}`, { keyId });
  return key;
};

export const newKey = (): readonly [keyId: string, key: Uint8Array] => [
  `k${randomBytes(KEY_ID_BYTES).toString('hex')}`,
  randomBytes(KEY_BYTES),
];

/** The stored form: `{"current":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`, and what a rotation notes down. */
export const keySetText = ({ current, currentSince, keys, next }: KeySet): string => {
  const encoded = Object.fromEntries([...keys].map(([keyId, key]) => [keyId, Buffer.from(key).toString('base64')]));
  return `${JSON.stringify({ current, currentSince, keys: encoded, next })}\n`;
};

/** The stored form of a ring with one random key. */
export const newKeySetText = (): string => {
  const [current, key] = newKey();
  return keySetText({ current, keys: new Map([[current, key]]) });
};

/** Reads the stored form. `source` names it in errors, which never quote it. */
export const parseKeySet = (text: string, source: string): KeySet => {
  const malformed = (why: string) =>
    new KeyRingError('unavailable', `the key ring in ${source} is malformed: ${why}; restore it from a backup`);
  const stored = parseJson(text);
  if (!isRecord(stored) || !isRecord(stored.keys)) throw malformed('"keys" is missing');
  if (typeof stored.current !== 'string') throw malformed('"current" is missing');
  const keys = new Map<string, Uint8Array>();
  for (const [keyId, encoded] of Object.entries(stored.keys)) {
    const key = Buffer.from(typeof encoded === 'string' ? encoded : '', 'base64');
    if (!KEY_ID.test(keyId)) throw malformed('a key id has characters other than letters, digits, "_" and "-"');
    if (key.length !== KEY_BYTES) throw malformed(`key ${keyId} is not ${KEY_BYTES} bytes in base64`);
    keys.set(keyId, key);
  }
  if (!keys.has(stored.current)) throw malformed('"current" names no key');
  const next = nextOf(stored.next);
  if (next !== undefined && !keys.has(next.keyId)) throw malformed('"next" names no key');
  return {
    current: stored.current,
    keys,
    ...(typeof stored.currentSince === 'number' && { currentSince: stored.currentSince }),
    ...(next && { next }),
  };
};

const nextOf = (stored: unknown): KeySet['next'] =>
  isRecord(stored) && typeof stored.keyId === 'string' && typeof stored.addedAt === 'number'
    ? { keyId: stored.keyId, addedAt: stored.addedAt }
    : undefined;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller says so without quoting it
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
