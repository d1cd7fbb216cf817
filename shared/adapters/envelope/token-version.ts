import { createHash } from 'node:crypto';
import type { StoredRefreshToken } from '../../ports/token-vault.ts';

export type Tokens = Omit<StoredRefreshToken, 'version'>;

/** Made from what is named: a UUID of version 8 (RFC 9562 section 5.8). Refresh tokens are far too random to be found from it. */
export const nameBasedVersion = (...named: readonly (string | number)[]): string => {
  const bytes = createHash('sha256').update(JSON.stringify(named)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/**
 * The version that a store makes: decided by what is stored and what it replaces, so that a repeat of the same store is
 * known for one.
 */
export const tokenVersion = (grantId: string, tokens: Tokens, expected: string): string =>
  nameBasedVersion(grantId, expected, tokens.refreshToken, tokens.previousRefreshToken ?? '', tokens.storedAt);

/** `replaces`: the version that this one takes the place of, where that has to be known from the text alone. */
export const tokensToText = ({ refreshToken, previousRefreshToken, storedAt }: Tokens, replaces?: string): string =>
  JSON.stringify({ refreshToken, previousRefreshToken, storedAt, replaces });

/** Throws on anything but the text of `tokensToText`, without quoting it. */
export const tokensFromText = (text: string): { readonly tokens: Tokens; readonly replaces: string | undefined } => {
  const { refreshToken, previousRefreshToken, storedAt = 0, replaces } = fieldsOf(text);
  if (
    typeof refreshToken !== 'string' ||
    typeof storedAt !== 'number' ||
    (previousRefreshToken !== undefined && typeof previousRefreshToken !== 'string')
  ) {
    throw new TypeError('what rests in the vault is not a refresh token');
  }
  return {
    tokens: { refreshToken, ...(previousRefreshToken !== undefined && { previousRefreshToken }), storedAt },
    replaces: typeof replaces === 'string' ? replaces : undefined,
  };
};

const fieldsOf = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const stored: unknown = JSON.parse(text);
    return typeof stored === 'object' && stored !== null ? { ...stored } : {};
  } catch {
    return {}; // the message of a SyntaxError would quote the text
  }
};
