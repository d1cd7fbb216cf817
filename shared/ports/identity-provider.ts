import type { BrokerError, ErrorKind } from '../domain/errors.ts';
import type { Audience, ProviderName, SignedInAccount } from '../domain/provider.ts';
import type { Result } from '../domain/result.ts';

/** Why a provider gave no token; classified by data, never raw. */
export interface ProviderFailure {
  /**
   * `retry_later`: network, 408, 429, 5xx, malformed replies, loop guards. `operator_must_act`: the broker's own
   * registration, or what it stores. `person_must_act`: the provider's clear word that this grant, or this sign-in,
   * is no good.
   */
  readonly class: 'retry_later' | 'operator_must_act' | 'person_must_act';
  /**
   * Whom it says something about. `grant`: this mailbox alone, or its tenant. `provider`: everybody's calls to it fail
   * now. `registration`: the broker's app registration is refused, whoever's grant is used.
   */
  readonly affects: 'grant' | 'provider' | 'registration';
  readonly kind: ErrorKind;
  /** `AADSTS70043`, or the OAuth `error`, or `http_502`, or `network`. */
  readonly code: string;
  /** One sentence, safe to log and show. */
  readonly message: string;
  readonly correlationId?: string;
  readonly retryAfterSeconds?: number;
  /** A reply can hold a rotated refresh token and yet no usable access token. Never logged, and kept like any other. */
  readonly refreshToken?: string;
  readonly refusedClientSecrets?: RefusedClientSecrets;
}

/** Positions, from 0, of the client secrets that the provider refused in this call; absent when it refused none. */
export type RefusedClientSecrets = readonly number[];

export interface AccessTokenReply {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** Present only when the provider sent one, whether it differs or not. */
  readonly refreshToken?: string;
  /** Whether the refresh token that was used stays valid beside the one that came; false where that is not known. */
  readonly formerStaysValid: boolean;
  readonly refusedClientSecrets?: RefusedClientSecrets;
  /** Scopes the reply named, else those asked for (RFC 6749 section 5.1). */
  readonly scopes: readonly string[];
}

/** What is told of a client secret in place of its value. */
export interface ClientSecretDates {
  /** The day (YYYY-MM-DD) that the operator noted for it; no provider says it. */
  readonly expiresOn?: string;
  /** Tells whether it is still the same secret; far too short to find it from. */
  readonly fingerprint?: string;
}

/**
 * An OAuth 2.0 authorization server that owns mailboxes. One call is one request, with no retries inside; but where the
 * provider refuses the client secret, the same request is sent again with the next one, as it came to nothing: the
 * client is authenticated before its refresh token or code is looked at (RFC 6749 sections 3.2.1 and 4.1.3). One
 * time-out holds for the whole call.
 */
export interface IdentityProvider {
  readonly name: ProviderName;
  /** Undefined where no app registration is configured. */
  readonly clientId: string | undefined;
  /** The client secrets in the order they are tried, without their values. */
  readonly clientSecrets: readonly ClientSecretDates[];
  /** Where to send the browser (RFC 6749 section 4.1.1, PKCE S256 of RFC 7636). */
  authorizationUrl(request: {
    readonly redirectUri: string;
    readonly state: string;
    readonly codeChallenge: string;
    /** The account to offer, where one is known. */
    readonly loginHint: string | undefined;
  }): Promise<string>;
  /** The one-time exchange (RFC 6749 section 4.1.3). `account` is undefined when the reply did not say who signed in. */
  redeemCode(request: {
    readonly code: string;
    readonly codeVerifier: string;
    readonly redirectUri: string;
  }): Promise<Result<AccessTokenReply & { readonly account: SignedInAccount | undefined }, ProviderFailure>>;
  /** RFC 6749 section 6. */
  refresh(request: {
    readonly refreshToken: string;
    readonly audience: Audience;
  }): Promise<Result<AccessTokenReply, ProviderFailure>>;
  /** The scope that a token for this audience needs, or undefined where the provider offers none. */
  scopeFor(audience: Audience): string | undefined;
  /**
   * Why the provider sent the browser back with `error` and `error_description` (RFC 6749 section 4.1.2.1), in our own
   * words: the query is whatever somebody typed, and nothing of it is repeated but codes.
   */
  explainRedirectError(query: { readonly error: string; readonly errorDescription?: string | undefined }): BrokerError;
}
