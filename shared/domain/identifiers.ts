/**
 * Lower-case letters and digits without look-alikes (no i, l, o, 0, 1): every panel keyboard has them, and letter case
 * never matters.
 */
export const PANEL_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/** `client_id` plus `+slot` must stay within the 20 characters of old panels. 31^12 is 2^59: no collision in practice. */
export const CLIENT_ID_LENGTH = 12;

const CLIENT_ID = new RegExp(`^[${PANEL_ALPHABET}]{${CLIENT_ID_LENGTH}}$`);

/** What has another shape is nobody's client id, and may be a secret that was entered in its place. */
export const isClientId = (text: string): boolean => CLIENT_ID.test(text);

/** The longest password old panels take; 31^24 is 2^118. */
export const CLIENT_SECRET_LENGTH = 24;

/** Draws characters of the panel alphabet evenly; `bytes(n)` must be random. */
export const panelString = (length: number, bytes: (count: number) => Uint8Array): string => {
  const fairBelow = 256 - (256 % PANEL_ALPHABET.length);
  let text = '';
  while (text.length < length) {
    for (const byte of bytes(length)) {
      if (byte < fairBelow && text.length < length) text += PANEL_ALPHABET[byte % PANEL_ALPHABET.length];
    }
  }
  return text;
};

const TIME_DIGITS = 9;
const RANDOM_DIGITS = 12;

/**
 * An identifier whose text sorts by the time it was made, so that "newest first" is a key order.
 * `<prefix>_<milliseconds in base 36><random>`.
 */
export const timeSortedId = (prefix: string, nowMs: number, bytes: (count: number) => Uint8Array): string =>
  `${prefix}_${nowMs.toString(36).padStart(TIME_DIGITS, '0')}${panelString(RANDOM_DIGITS, bytes)}`;
