import { type BrokerError, brokerError } from '../domain/errors.ts';
import { AUDIENCES, type Audience, isAudience, type MailServer, type ProviderName } from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { DEFAULT_SLOT, isSlot } from '../domain/slot.ts';
import { DEFAULT_MIN_TTL_SECONDS } from '../domain/timing.ts';
import { xoauth2InitialResponse } from './xoauth2.ts';

/** What a fetch asks for, by form or by query. */
export interface TokenWishes {
  readonly slot: string;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** A day: longer than any provider's access token lives. */
const MIN_TTL_LIMIT_SECONDS = 86_400;

/** `scope`, `slot` and `min_ttl` of a token request; unknown parameters are ignored (RFC 6749 section 3.2). */
export const parseTokenWishes = (parameters: {
  readonly scope?: string;
  readonly slot?: string;
  readonly min_ttl?: string;
}): Result<TokenWishes, BrokerError> => {
  const { scope = 'smtp', slot = DEFAULT_SLOT, min_ttl = String(DEFAULT_MIN_TTL_SECONDS) } = parameters;
  if (!isAudience(scope)) {
    return fail(brokerError('scope_not_offered', `scope is one of ${AUDIENCES.join(', ')}.`));
  }
  if (!isSlot(slot)) {
    return fail(brokerError('invalid_request', 'slot is scan, alerts, fax, receive or user:<login>.'));
  }
  if (!/^\d{1,6}$/.test(min_ttl) || Number(min_ttl) > MIN_TTL_LIMIT_SECONDS) {
    return fail(brokerError('invalid_request', `min_ttl is a number of seconds from 0 to ${MIN_TTL_LIMIT_SECONDS}.`));
  }
  return ok({ audience: scope, slot, minTtlSeconds: Number(min_ttl) });
};

/** RFC 6749 section 5.1, and what a device needs to use the token. */
export const tokenReply = (token: {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly audience: Audience;
  readonly account: string;
  readonly provider: ProviderName;
  readonly slot: string;
  readonly server: MailServer | undefined;
}) => ({
  access_token: token.accessToken,
  token_type: 'Bearer',
  expires_in: token.expiresInSeconds,
  scope: token.audience,
  account: token.account,
  provider: token.provider,
  slot: token.slot,
  ...(token.server === undefined ? {} : { server: token.server }),
  ...(token.audience === 'api' ? {} : { sasl_xoauth2: xoauth2InitialResponse(token.account, token.accessToken) }),
});
