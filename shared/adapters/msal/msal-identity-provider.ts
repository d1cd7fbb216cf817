import {
  ConfidentialClientApplication,
  type INetworkModule,
  type NetworkResponse,
  ResponseMode,
} from '@azure/msal-node';
import { AUDIENCES, type Audience } from '../../domain/provider.ts';
import { ok } from '../../domain/result.ts';
import type { IdentityProvider } from '../../ports/identity-provider.ts';
import { scopeFor, scopesFor } from '../../protocol/scopes.ts';
import type { JsonObject } from '../http-client/json-object.ts';
import { type OAuthClientConfig, type OAuthEndpoints, secretDates } from '../oauth-http/endpoints.ts';
import type { Fetch } from '../oauth-http/exchange.ts';
import { idTokenClaims, signedInAccount } from '../oauth-http/id-token.ts';
import { readRedirectError } from '../oauth-http/replies.ts';
import { type LibraryCall, makeTokenRequests } from '../oauth-http/token-requests.ts';
import { MICROSOFT_REPLIES } from './replies.ts';

export interface MicrosoftConfig extends OAuthClientConfig {
  /** A directory's id or domain, or `organizations`, `common`, `consumers`. */
  readonly tenant: string;
  /** What a sign-in asks consent for; undefined: all. */
  readonly audiences?: readonly Audience[] | undefined;
}

/**
 * What a sign-in asks for, of both resources: they are consented to in one go. A token request is for one resource, and the
 * code is good for one request, so it is redeemed for Outlook's; Graph's token comes by the refresh token (facts M5, M7, M8).
 */
const scopesOf = ({ audiences = AUDIENCES }: MicrosoftConfig) => {
  const outlook = audiences.filter((audience) => audience !== 'api').map((audience) => scopeFor('microsoft', audience));
  const graph = audiences.includes('api') ? scopesFor('microsoft', 'api') : [];
  return { outlook, graph, signIn: ['openid', 'profile', 'email', 'offline_access', ...outlook, ...graph] };
};

/**
 * Microsoft by MSAL. MSAL hides the refresh token, drops status and `Retry-After`, and keeps throttling and a cache in
 * each application object, across users; so every call gets a new object, and what counts is read from the wire.
 */
export const msalIdentityProvider = (config: MicrosoftConfig): IdentityProvider => {
  const { clientId, now = Date.now } = config;
  const { outlook, graph, signIn } = scopesOf(config);
  const requestToken = makeTokenRequests(config, MICROSOFT_REPLIES);
  const claimsOf = (idToken: unknown) => idTokenClaims(idToken, { clientId, issuers: undefined, nowMs: now() });
  const throughMsal =
    (call: (application: ConfidentialClientApplication) => Promise<unknown>): LibraryCall =>
    (fetch, clientSecret) =>
      call(newApplication(config, clientSecret, networkClient(fetch)));

  return {
    name: 'microsoft',
    clientId,
    clientSecrets: secretDates(config),
    scopeFor: (audience) => scopeFor('microsoft', audience),
    authorizationUrl: ({ redirectUri, state, codeChallenge, loginHint }) =>
      newApplication(config, config.clientSecrets[0].value, networkClient(sendsNothing)).getAuthCodeUrl({
        scopes: signIn,
        redirectUri,
        state,
        codeChallenge,
        codeChallengeMethod: 'S256',
        ...(loginHint === undefined ? {} : { loginHint }),
        responseMode: ResponseMode.QUERY,
      }),
    redeemCode: async ({ code, codeVerifier, redirectUri }) => {
      const call = throughMsal((application) =>
        application.acquireTokenByCode({ code, codeVerifier, redirectUri, scopes: outlook }),
      );
      const reply = await requestToken('code', outlook, call);
      if (!reply.ok) return reply;
      const { idToken, ...tokens } = reply.value;
      const claims = claimsOf(idToken);
      // The reply names scopes of its own resource alone. Nobody can refuse Graph's singly; that it is missing after all
      // shows when it is used.
      const scopes = [...new Set([...tokens.scopes, ...graph])];
      return ok({ ...tokens, scopes, formerStaysValid: formerStaysValid(config, claims), account: accountOf(claims) });
    },
    refresh: async ({ refreshToken, audience }) => {
      const scopes = [...scopesFor('microsoft', audience)];
      const call = throughMsal((application) =>
        application.acquireTokenByRefreshToken({ refreshToken, scopes, forceCache: true }),
      );
      const reply = await requestToken('refresh', scopes, call);
      if (!reply.ok) return reply;
      const { idToken, ...tokens } = reply.value;
      return ok({ ...tokens, formerStaysValid: formerStaysValid(config, claimsOf(idToken)) });
    },
    explainRedirectError: (error) => readRedirectError(error, MICROSOFT_REPLIES),
  };
};

const newApplication = (
  { clientId, tenant, endpoints }: MicrosoftConfig,
  clientSecret: string,
  networkClient: INetworkModule,
): ConfidentialClientApplication =>
  new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret,
      // With `authorityMetadata` this address is never contacted, but MSAL insists on https here and only here.
      authority: `https://login.microsoftonline.com/${tenant}`,
      ...(endpoints !== undefined && { authorityMetadata: metadataOf(endpoints) }),
    },
    system: { networkClient, disableInternalRetries: true },
  });

/** The four members MSAL wants to see; the last two it only carries along. */
const metadataOf = ({ authorization_endpoint, token_endpoint, issuer, jwks_uri }: OAuthEndpoints): string => {
  const { origin } = new URL(token_endpoint);
  return JSON.stringify({
    authorization_endpoint,
    token_endpoint,
    issuer: issuer ?? origin,
    jwks_uri: jwks_uri ?? `${origin}/keys`,
  });
};

const networkClient = (fetch: Fetch): INetworkModule => ({
  sendPostRequestAsync: async <Body>(url: string, options?: { headers?: Record<string, string>; body?: string }) => {
    const response = await fetch(url, { method: 'POST', ...options });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.json(),
    } as NetworkResponse<Body>;
  },
  // MSAL knows Microsoft's endpoints, or is told them. Were it to ask, it would ask hosts that nobody configured.
  sendGetRequestAsync: () => Promise.reject(new Error('MSAL needs no discovery')),
});

const sendsNothing: Fetch = () => Promise.reject(new Error('an authorization URL needs no request'));

/** The directory of all personal accounts (Entra, "ID token claims reference", `tid`). */
const PERSONAL_ACCOUNTS = '9188040d-6c67-4c5b-b112-36a304b66dad';

/**
 * Entra does not revoke a refresh token of a work or school account when it is used (Entra, "Refresh tokens"); of personal
 * accounts nobody says so, and of another server only its entry does.
 */
const formerStaysValid = (config: MicrosoftConfig, claims: JsonObject | undefined): boolean => {
  if (config.endpoints !== undefined) return config.refreshTokenRotation === 'lenient';
  const tid = claims?.tid;
  return config.tenant !== 'consumers' && typeof tid === 'string' && tid !== '' && tid !== PERSONAL_ACCOUNTS;
};

/** `upn` and `preferred_username` belong to the directory; `email` may be anything an administrator typed. */
const accountOf = (claims: JsonObject | undefined) =>
  claims &&
  signedInAccount(claims.oid ?? claims.sub, [
    claims.preferred_username,
    claims.upn,
    claims.email,
    // Other servers know no better name than the address.
    claims.sub,
  ]);
