import { CodeChallengeMethod, OAuth2Client } from 'google-auth-library';
import { ok } from '../../domain/result.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import { SCOPES, scopeFor } from '../../protocol/scopes.ts';
import type { OAuthClientConfig, OAuthEndpoints } from '../oauth-http/endpoints.ts';
import { exchangeThrough, type Fetch } from '../oauth-http/exchange.ts';
import { idTokenClaims, signedInAccount } from '../oauth-http/id-token.ts';
import { readRedirectError, readTokenReply } from '../oauth-http/replies.ts';
import { GOOGLE_REPLIES } from './replies.ts';

export type GoogleConfig = OAuthClientConfig;

const MAIL_SCOPES = [...new Set(Object.values(SCOPES.google))];
const SIGN_IN_SCOPES = ['openid', 'email', ...MAIL_SCOPES];

/** Google documents both spellings. */
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];

/**
 * Google by its auth library. The library drops a rotated refresh token, and its errors carry the refresh token in
 * `config.data`; so every call gets a new client, and what counts is read from the wire.
 */
export const googleIdentityProvider = (config: GoogleConfig): IdentityProvider => {
  const throughGoogle = (call: (client: OAuth2Client) => Promise<unknown>) =>
    exchangeThrough((fetch) => call(newClient(config, fetch)), config);

  return {
    name: 'google',
    scopeFor: (audience) => scopeFor('google', audience),
    authorizationUrl: async ({ redirectUri, state, codeChallenge, loginHint }) =>
      newClient(config, sendsNothing).generateAuthUrl({
        // Both are needed to be sure of a refresh token: a later sign-in without `prompt=consent` yields none.
        access_type: 'offline',
        prompt: 'consent',
        scope: SIGN_IN_SCOPES,
        redirect_uri: redirectUri,
        state,
        code_challenge: codeChallenge,
        code_challenge_method: CodeChallengeMethod.S256,
        login_hint: loginHint,
      }),
    redeemCode: async ({ code, codeVerifier, redirectUri }) => {
      const exchange = await throughGoogle((client) =>
        client.getToken({ code, codeVerifier, redirect_uri: redirectUri }),
      );
      const reply = readTokenReply(exchange, GOOGLE_REPLIES, 'code', MAIL_SCOPES);
      if (!reply.ok) return reply;
      const { idToken, ...tokens } = reply.value;
      return ok({ ...tokens, account: accountOf(idToken, config) });
    },
    refresh: async ({ refreshToken }) => {
      const exchange = await throughGoogle((client) => {
        client.setCredentials({ refresh_token: refreshToken });
        return client.refreshAccessToken();
      });
      const reply = readTokenReply(exchange, GOOGLE_REPLIES, 'refresh', MAIL_SCOPES);
      if (!reply.ok) return reply;
      const { idToken: _, ...tokens } = reply.value;
      return ok(tokens);
    },
    explainRedirectError: (error) => readRedirectError(error, GOOGLE_REPLIES),
  };
};

const newClient = ({ clientId, clientSecret, endpoints }: GoogleConfig, fetch: Fetch): OAuth2Client =>
  new OAuth2Client({
    clientId,
    clientSecret,
    ...(endpoints !== undefined && {
      endpoints: {
        oauth2AuthBaseUrl: endpoints.authorization_endpoint,
        oauth2TokenUrl: endpoints.token_endpoint,
        ...(endpoints.revocation_endpoint !== undefined && { oauth2RevokeUrl: endpoints.revocation_endpoint }),
      },
    }),
    transporterOptions: {
      fetchImplementation: fetch as typeof globalThis.fetch,
      // By default it repeats even the one-time code exchange, and ignores Retry-After.
      retry: false,
      retryConfig: { retry: 0 },
    },
  });

const sendsNothing: Fetch = () => Promise.reject(new Error('an authorization URL needs no request'));

/** Endpoints without an issuer belong to a server that was entered by hand; its name is anybody's guess. */
const issuersOf = (endpoints: OAuthEndpoints | undefined): readonly string[] | undefined => {
  if (endpoints === undefined) return ISSUERS;
  return endpoints.issuer === undefined ? undefined : [endpoints.issuer, ...ISSUERS];
};

const accountOf = (idToken: unknown, { clientId, endpoints, now = Date.now }: GoogleConfig) => {
  const claims = idTokenClaims(idToken, { clientId, issuers: issuersOf(endpoints), nowMs: now() });
  if (claims === undefined) return undefined;
  const verified = claims.email_verified !== false && claims.email_verified !== 'false';
  return signedInAccount(claims.sub, verified ? [claims.email] : []);
};
