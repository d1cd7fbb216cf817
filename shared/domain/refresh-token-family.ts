import type { Audience } from './provider.ts';

/**
 * A broker's own refresh token (RFC 6749 section 1.5) and all that came of it by rotation. It is good for what the device's
 * credential is good for, and never without it. Times are epoch seconds.
 */
export interface RefreshTokenFamily {
  readonly id: string;
  readonly clientId: string;
  readonly slot: string;
  /** Whose mailbox the slot had: it serves nobody who comes after. */
  readonly mailboxId: string;
  readonly audience: Audience;
  /** Each token makes the next with it. Of no use to whoever has no token. */
  readonly salt: string;
  /** SHA-256 of the newest token, and of the one before, which stays good until the newest was used. */
  readonly currentHash: string;
  readonly formerHash?: string;
  readonly expiresAt: number;
}

/** As long as Microsoft's: a device that was off for so long is paired again. */
export const REFRESH_TOKEN_SECONDS = 90 * 86_400;

/** The end moves on with use, and is written down at most so often. */
export const EXTENDED_EVERY_SECONDS = 86_400;

export type Presented = 'current' | 'former' | 'reused';

/**
 * Which of a family's tokens has this hash. The former is taken again until its successor is used: the answer that held
 * the successor may have been lost, and some clients keep the first token for good. Anything else was good once, and has
 * been used by two (RFC 9700 section 4.14.2).
 */
export const presentedAs = ({ currentHash, formerHash }: RefreshTokenFamily, hash: string): Presented => {
  if (hash === currentHash) return 'current';
  return hash === formerHash ? 'former' : 'reused';
};
