import { createHash, timingSafeEqual } from 'node:crypto';
import { panelString } from '../domain/identifiers.ts';
import type { Random } from '../ports/random.ts';

/**
 * Stored in place of a secret. A plain SHA-256 is enough: every secret of the broker is drawn at random from 2^118 or
 * more, so there is nothing to guess from the hash, and the hot path stays fast.
 */
export const hashOf = (secret: string | Uint8Array): string => createHash('sha256').update(secret).digest('base64url');

/** Whether the secret is one of those hashed; takes the same time whichever it is, and whether or not. An empty one is none. */
export const matchesAny = (secret: string, hashes: readonly string[]): boolean => {
  const given = Buffer.from(hashOf(secret));
  let found = false;
  for (const hash of hashes) {
    const stored = Buffer.from(hash);
    if (stored.length === given.length && timingSafeEqual(stored, given)) found = true;
  }
  return found && secret !== '';
};

/** For secrets that programs pass on and nobody types. */
export const longSecret = (random: Random): string => Buffer.from(random.bytes(32)).toString('base64url');

/** A webhook's, in the spelling of the Standard Webhooks: the libraries that check signatures take it as it is. */
export const newWebhookSecret = (random: Random): string => `whsec_${Buffer.from(random.bytes(32)).toString('base64')}`;

/** An identifier with a prefix that tells what it names. */
export const newId = (prefix: string, random: Random): string => `${prefix}_${panelString(16, random.bytes)}`;
