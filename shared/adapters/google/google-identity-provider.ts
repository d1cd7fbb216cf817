import { CodeChallengeMethod, OAuth2Client } from 'google-auth-library';
import { ok } from '../../domain/result.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import { SCOPES, scopeFor } from '../../protocol/scopes.ts';
import { type OAuthClientConfig, type OAuthEndpoints, secretDates } from '../oauth-http/endpoints.ts';
import type { Fetch } from '../oauth-http/exchange.ts';
import { idTokenClaims, signedInAccount } from '../oauth-http/id-token.ts';
import { readRedirectError } from '../oauth-http/replies.ts';
import { type LibraryCall, makeTokenRequests } from '../oauth-http/token-requests.ts';
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
  const requestToken = makeTokenRequests(config, GOOGLE_REPLIES);
  const throughGoogle =
    (call: (client: OAuth2Client) => Promise<unknown>): LibraryCall =>
    (fetch, clientSecret) =>
      call(newClient(config, clientSecret, fetch));
  // Google sends no new refresh token, so nothing is known of the former; of another server its entry says it.
  const formerStaysValid = config.endpoints !== undefined && config.refreshTokenRotation === 'lenient';

  return {
    name: 'google',
    clientId: config.clientId,
    clientSecrets: secretDates(config),
    scopeFor: (audience) => scopeFor('google', audience),
    authorizationUrl: async ({ redirectUri, state, codeChallenge, loginHint }) =>
      newClient(config, config.clientSecrets[0].value, sendsNothing).generateAuthUrl({
        // Both are needed to be sure of a refresh token: a later sign-in without `prompt=consent` yields none.
        access_type: 'offline',
        prompt: 'consent',
        scope: SIGN_IN_SCOPES,
        redirect_uri: redirectUri,
        state,
        code_challenge: codeChallenge,
        code_challenge_method: CodeChallengeMethod.S256,
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
      }),
    redeemCode: async ({ code, codeVerifier, redirectUri }) => {
      const call = throughGoogle((client) => client.getToken({ code, codeVerifier, redirect_uri: redirectUri }));
      const reply = await requestToken('code', MAIL_SCOPES, call);
      if (!reply.ok) return reply;
      const { idToken, ...tokens } = reply.value;
      return ok({ ...tokens, formerStaysValid, account: accountOf(idToken, config) });
    },
    refresh: async ({ refreshToken }) => {
      const call = throughGoogle((client) => {
        client.setCredentials({ refresh_token: refreshToken });
        return client.refreshAccessToken();
      });
      const reply = await requestToken('refresh', MAIL_SCOPES, call);
      if (!reply.ok) return reply;
      const { idToken: _, ...tokens } = reply.value;
      return ok({ ...tokens, formerStaysValid });
    },
    explainRedirectError: (error) => readRedirectError(error, GOOGLE_REPLIES),
  };
};

const newClient = ({ clientId, endpoints }: GoogleConfig, clientSecret: string, fetch: Fetch): OAuth2Client =>
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
