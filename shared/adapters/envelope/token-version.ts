import { createHash } from 'node:crypto';
import type { StoredRefreshToken } from '../../ports/token-vault.ts';

export type Tokens = Omit<StoredRefreshToken, 'version'>;

/**
 * The version that a store makes: decided by what is stored and what it replaces, so that a repeat of the same store is
 * known for one. A UUID of version 8 (RFC 9562 section 5.8); refresh tokens are far too random to be found from it.
 */
export const tokenVersion = (grantId: string, tokens: Tokens, expected: string): string => {
  const named = JSON.stringify([grantId, expected, tokens.refreshToken, tokens.previousRefreshToken ?? '']);
  const bytes = createHash('sha256').update(named).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

export const tokensToText = ({ refreshToken, previousRefreshToken }: Tokens): string =>
  JSON.stringify(previousRefreshToken === undefined ? { refreshToken } : { refreshToken, previousRefreshToken });

/** Throws on anything but the text of `tokensToText`, without quoting it. */
export const tokensFromText = (text: string): Tokens => {
  const stored: unknown = parsed(text);
  if (typeof stored === 'object' && stored !== null && 'refreshToken' in stored) {
    const refreshToken = stored.refreshToken;
    const previousRefreshToken = 'previousRefreshToken' in stored ? stored.previousRefreshToken : undefined;
    if (typeof refreshToken === 'string' && typeof previousRefreshToken === 'string') {
      return { refreshToken, previousRefreshToken };
    }
    if (typeof refreshToken === 'string' && previousRefreshToken === undefined) return { refreshToken };
  }
  throw new Error('what rests in the vault is not a refresh token');
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the message of a SyntaxError would quote the text
  }
};
