import type { EnrolmentToken } from './entities.ts';

export type EnrolmentTokenState = 'usable' | 'used_up' | 'expired' | 'revoked';

export const enrolmentTokenState = (
  { usesLeft, expiresAt, revokedAt }: EnrolmentToken,
  now: number,
): EnrolmentTokenState => {
  if (revokedAt !== undefined) return 'revoked';
  if (usesLeft < 1) return 'used_up';
  return expiresAt <= now ? 'expired' : 'usable';
};
