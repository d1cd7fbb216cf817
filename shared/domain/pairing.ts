import type { ErrorKind } from './errors.ts';
import type { Audience, ProviderName } from './provider.ts';

/** Time to walk from the panel to a desk and sign in there. */
export const PAIRING_SECONDS = 900;

/** RFC 8628 section 3.2: the default. A person takes longer. */
export const POLL_INTERVAL_SECONDS = 5;

/** RFC 8628 section 3.5: for this request and all that follow. */
const SLOWED_BY_SECONDS = 5;

/**
 * RFC 8628 section 6.1: no vowels, so that no code is a word; no digits, so that none is taken for a letter. 20^8 are 2^34
 * codes: with a thousand of them open, one guess in 25 million is right, and guesses are bounded.
 */
const USER_CODE_ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const USER_CODE_LENGTH = 8;

/** A device's wish to have a slot signed in by a person with another screen (RFC 8628). Times are epoch seconds. */
export type Pairing = {
  /** SHA-256 of the device code, which names the pairing. */
  readonly deviceCodeHash: string;
  readonly userCodeHash: string;
  readonly clientId: string;
  readonly organizationId: string;
  readonly slot: string;
  readonly audience: Audience;
  /** What the device asked for; the person chooses where it did not say. */
  readonly provider?: ProviderName;
  /** The account that the device expects; no more than a hint. */
  readonly loginHint?: string;
  readonly expiresAt: number;
  readonly intervalSeconds: number;
  readonly polledAt: number;
} & PairingState;

export type PairingState =
  | { readonly state: 'pending' }
  | { readonly state: 'granted'; readonly mailboxId: string }
  | { readonly state: 'denied' }
  /** The device has its token; the code is good for nothing else. */
  | { readonly state: 'redeemed' };

export const drawUserCode = (bytes: (count: number) => Uint8Array): string => {
  const fairBelow = 256 - (256 % USER_CODE_ALPHABET.length);
  let code = '';
  while (code.length < USER_CODE_LENGTH) {
    for (const byte of bytes(USER_CODE_LENGTH)) {
      if (byte < fairBelow && code.length < USER_CODE_LENGTH)
        code += USER_CODE_ALPHABET[byte % USER_CODE_ALPHABET.length];
    }
  }
  return code;
};

/** `WDJB-MJHT`: in two groups, as people read and type it. */
export const shownUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`;

/** What somebody typed, whatever the case and the signs in between (RFC 8628 section 6.1); undefined: no code at all. */
export const typedUserCode = (typed: string): string | undefined => {
  const code = typed.toUpperCase().replace(/[\s\p{Pd}.]/gu, '');
  const isCode = code.length === USER_CODE_LENGTH && [...code].every((letter) => USER_CODE_ALPHABET.includes(letter));
  return isCode ? code : undefined;
};

/** What a device's poll finds, and from when on and how often it may ask again. */
export interface Poll {
  readonly answer: 'redeem' | Extract<ErrorKind, `pairing_${string}`>;
  readonly intervalSeconds: number;
}

/** RFC 8628 section 3.5. */
export const pollOf = (pairing: Pairing, now: number): Poll => {
  const { intervalSeconds, polledAt, expiresAt, state } = pairing;
  if (expiresAt <= now) return { answer: 'pairing_expired', intervalSeconds };
  if (state === 'denied') return { answer: 'pairing_denied', intervalSeconds };
  if (state === 'redeemed') return { answer: 'pairing_unknown', intervalSeconds };
  if (now - polledAt < intervalSeconds) {
    return { answer: 'pairing_polled_too_fast', intervalSeconds: intervalSeconds + SLOWED_BY_SECONDS };
  }
  return { answer: state === 'granted' ? 'redeem' : 'pairing_pending', intervalSeconds };
};
