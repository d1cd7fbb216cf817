import { randomBytes } from 'node:crypto';
import { KeyRingError } from '../../ports/key-ring.ts';

/** AES-256. */
const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9_-]+$/;

/** What a ring holds: sealing takes the current key, opening the one that the text names. */
export interface KeySet {
  readonly current: string;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

export const keyOf = (keys: KeySet, keyId: string): Uint8Array => {
  const key = keys.keys.get(keyId);
  if (key === undefined) throw new KeyRingError(`the key ring holds no key named ${keyId}`);
  return key;
};

/** The stored form of a ring with one random key: `{"current":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`. */
export const newKeySetText = (): string =>
  `${JSON.stringify({ current: 'k1', keys: { k1: randomBytes(KEY_BYTES).toString('base64') } })}\n`;

/** Reads the stored form. `source` names it in errors, which never quote it. */
export const parseKeySet = (text: string, source: string): KeySet => {
  const malformed = (why: string) => new KeyRingError(`the key ring in ${source} is malformed: ${why}`);
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
  return { current: stored.current, keys };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller says so without quoting it
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
