import type { AdapterPayload, Configuration, Provider } from 'oidc-provider';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import type { IdentityStorage } from './storage.ts';

/** Spelled as in BROKER_CONFIG. */
export interface StandInEndpoints {
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly device_authorization_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly jwks_uri: string;
  readonly issuer: string;
}

export interface StandInClient {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Compared exactly (RFC 9700 section 2.1). */
  readonly redirectUris: readonly string[];
}

/** Where faults can be set and visits are counted. */
export type IdentityPlace = 'authorize' | 'token' | 'devicecode' | 'revoke' | 'keys';

export interface ShapeContext {
  /** Without a slash at the end; its path is the prefix of every route. */
  readonly baseUrl: string;
  readonly storage: IdentityStorage;
  readonly clients: readonly StandInClient[];
  readonly accessTokenTtlSeconds: () => number;
  /** Whether the account's consent to a scope was taken away, whatever it allowed at a sign-in. */
  readonly isWithheld: (address: string, scope: string) => boolean;
}

export interface PlainReply {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
}

/** What makes the one OAuth server look like Microsoft or like Google. Paths are without the prefix. */
export interface IdentityShape {
  readonly provider: ProviderName;
  readonly endpoints: StandInEndpoints;
  /** Each scope can be unticked at the consent page. */
  readonly granularConsent: boolean;
  readonly configuration: Configuration;
  /** Aliases of a path brought to the one that oidc-provider serves. */
  canonicalPath(path: string): string;
  placeOf(path: string): IdentityPlace | undefined;
  /** Changes an authorization request in place. */
  prepareAuthorization(query: URLSearchParams): void;
  /** Changes a form post to `token` or `devicecode` in place; a reply ends it there. */
  prepareForm(place: IdentityPlace, form: URLSearchParams): PlainReply | undefined;
  /** What oidc-provider has no route for. */
  answer(place: IdentityPlace, path: string, parameters: URLSearchParams): Promise<PlainReply | undefined>;
  /** Gives replies the provider's own form. */
  attach(server: Provider): void;
}

/** Refresh tokens live as long as at the provider; a grant outlives every chain of them. */
const DAY_SECONDS = 86_400;
const YEAR_SECONDS = 365 * DAY_SECONDS;

/** What both have in common. Every `ttl` is set, because oidc-provider prints a notice for each default. */
export const commonConfiguration = (
  { baseUrl, storage, clients, accessTokenTtlSeconds }: ShapeContext,
  refreshTokenSeconds: number,
  moreGrantTypes: readonly string[],
): Configuration => ({
  adapter: storage.adapter,
  jwks: { keys: [storage.signingKey] },
  clients: clients.map(({ clientId, clientSecret, redirectUris }) => ({
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [...redirectUris],
    grant_types: ['authorization_code', 'refresh_token', ...moreGrantTypes],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  })),
  // Otherwise the ID token loses its claims when the access token has no audience.
  conformIdTokenClaims: false,
  // Neither provider demands PKCE of a confidential client; when it is used, it is checked.
  pkce: { required: () => false },
  // A refresh token does not end with the browser session.
  expiresWithSession: () => false,
  ttl: {
    AccessToken: accessTokenTtlSeconds,
    AuthorizationCode: 600,
    DeviceCode: 900,
    Grant: 10 * YEAR_SECONDS,
    IdToken: 3600,
    Interaction: 3600,
    RefreshToken: refreshTokenSeconds,
    Session: DAY_SECONDS,
  },
  interactions: { url: (_, { uid }) => `${new URL(baseUrl).pathname.replace(/\/$/, '')}/interaction/${uid}` },
});

/** Long refresh tokens with the provider's own beginning, so that redaction and size limits meet the real shape. */
export const shapeTokens = (model: { readonly prototype: object }, prefix: string): void => {
  const prototype = model.prototype as { generateTokenId(): string };
  const generate = prototype.generateTokenId;
  prototype.generateTokenId = function (this: object) {
    return prefix + generate.call(this);
  };
};

/** Set by oidc-provider, in a form of its own: how the refresh token came to be. */
export const isFromDeviceFlow = (payload: AdapterPayload | undefined): boolean =>
  payload?.gty?.startsWith('device_code') === true;
