import { type BrokerError, brokerError } from '../domain/errors.ts';
import { AUDIENCES, type Audience, isAudience, type MailServer, type ProviderName } from '../domain/provider.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import { DEFAULT_MIN_TTL_SECONDS } from '../domain/timing.ts';
import { parseSlot } from './slot.ts';
import { xoauth2InitialResponse } from './xoauth2.ts';

/** What a fetch asks for, by form or by query. */
export interface TokenWishes {
  readonly slot: string;
  readonly audience: Audience;
  readonly minTtlSeconds: number;
}

/** RFC 6749 section 4.4, RFC 8628 section 3.4, RFC 6749 section 6. */
export const GRANT_TYPES = [
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'refresh_token',
] as const;

/** A day: longer than any provider's access token lives. */
const MIN_TTL_LIMIT_SECONDS = 86_400;

/** `scope`, `slot` and `min_ttl` of a token request; unknown parameters are ignored (RFC 6749 section 3.2). */
export const parseTokenWishes = (parameters: {
  readonly scope?: string;
  readonly slot?: string;
  readonly min_ttl?: string;
}): Result<TokenWishes, BrokerError> => {
  const { scope = 'smtp', min_ttl = String(DEFAULT_MIN_TTL_SECONDS) } = parameters;
  if (!isAudience(scope)) {
    return fail(brokerError('scope_not_offered', `scope is one of ${AUDIENCES.join(', ')}.`));
  }
  const slot = parseSlot(parameters.slot);
  if (!slot.ok) return slot;
  if (!/^\d{1,6}$/.test(min_ttl) || Number(min_ttl) > MIN_TTL_LIMIT_SECONDS) {
    return fail(brokerError('invalid_request', `min_ttl is a number of seconds from 0 to ${MIN_TTL_LIMIT_SECONDS}.`));
  }
  return ok({ audience: scope, slot: slot.value, minTtlSeconds: Number(min_ttl) });
};

/** What is asked of the token endpoint, by grant type. */
export type TokenRequestWishes =
  | ({ readonly grantType: 'client_credentials' } & TokenWishes)
  | { readonly grantType: 'device_code'; readonly deviceCode: string; readonly minTtlSeconds: number }
  | {
      readonly grantType: 'refresh_token';
      readonly refreshToken: string;
      readonly audience: Audience | undefined;
      readonly minTtlSeconds: number;
    };

/** Longer than every code and token of the broker's own. */
const CODE_LIMIT = 256;

const isCode = (text: string | undefined): text is string => text !== undefined && text.length <= CODE_LIMIT;

/** The form of a token request, without the client's authentication. */
export const parseTokenRequest = (form: {
  readonly grant_type?: string;
  readonly device_code?: string;
  readonly refresh_token?: string;
  readonly scope?: string;
  readonly slot?: string;
  readonly min_ttl?: string;
}): Result<TokenRequestWishes, BrokerError> => {
  const { grant_type: grantType, device_code: deviceCode, refresh_token: refreshToken } = form;
  const wishes = parseTokenWishes(form);
  switch (grantType) {
    case 'client_credentials':
      return wishes.ok ? ok({ grantType, ...wishes.value }) : wishes;
    case 'urn:ietf:params:oauth:grant-type:device_code':
      if (!isCode(deviceCode)) return fail(brokerError('invalid_request', 'device_code is missing.'));
      return wishes.ok
        ? ok({ grantType: 'device_code', deviceCode, minTtlSeconds: wishes.value.minTtlSeconds })
        : wishes;
    case 'refresh_token': {
      if (!isCode(refreshToken)) return fail(brokerError('invalid_request', 'refresh_token is missing.'));
      if (!wishes.ok) return wishes;
      const { audience, minTtlSeconds } = wishes.value;
      return ok({ grantType, refreshToken, audience: form.scope === undefined ? undefined : audience, minTtlSeconds });
    }
    case undefined:
      return fail(brokerError('invalid_request', 'grant_type is missing.'));
    default:
      return fail(brokerError('unsupported_grant_type'));
  }
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
  /** The broker's own, for clients that know only that grant. */
  readonly refreshToken?: string;
}) => ({
  access_token: token.accessToken,
  token_type: 'Bearer',
  expires_in: token.expiresInSeconds,
  scope: token.audience,
  account: token.account,
  provider: token.provider,
  slot: token.slot,
  ...(token.server === undefined ? {} : { server: token.server }),
  ...(token.refreshToken === undefined ? {} : { refresh_token: token.refreshToken }),
  ...(token.audience === 'api' ? {} : { sasl_xoauth2: xoauth2InitialResponse(token.account, token.accessToken) }),
});
