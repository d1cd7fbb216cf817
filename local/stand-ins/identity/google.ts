import type { Configuration, errors, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { INACTIVITY } from '../../../shared/domain/provider.ts';
import {
  commonConfiguration,
  type IdentityPlace,
  type IdentityShape,
  type PlainReply,
  type ShapeContext,
  shapeTokens,
} from './shape.ts';

const MAIL_SCOPE = 'https://mail.google.com/';
/** Google's long names of two OpenID scopes: requests may use either, replies use these. */
const LONG_SCOPES: { readonly [scope: string]: string } = {
  email: 'https://www.googleapis.com/auth/userinfo.email',
  profile: 'https://www.googleapis.com/auth/userinfo.profile',
};

const PLACES: { readonly [path: string]: IdentityPlace } = {
  '/o/oauth2/v2/auth': 'authorize',
  '/token': 'token',
  '/revoke': 'revoke',
  '/oauth2/v3/certs': 'keys',
  '/oauth2/v1/certs': 'keys',
};

/** About the lengths of the real ones, in characters of 6 bits. */
const TOKEN_BITS: { readonly [model: string]: number } = {
  AccessToken: 214 * 6,
  RefreshToken: 100 * 6,
  AuthorizationCode: 70 * 6,
};

/** Google's endpoints, consent and errors (facts 2). Access tokens are opaque; refresh tokens never rotate. */
export const googleShape = (context: ShapeContext): IdentityShape => {
  const { baseUrl, storage } = context;
  let server: Provider | undefined;

  /** Removes the whole grant of user and client, every refresh token included (facts G10). */
  const revoke = async (token: string): Promise<PlainReply> => {
    const found = (await server?.RefreshToken.find(token)) ?? (await server?.AccessToken.find(token));
    if (found?.accountId === undefined || found.clientId === undefined)
      return { status: 400, body: { error: 'invalid_token', error_description: 'Token expired or revoked' } };
    storage.revokeClientOfAccount(found.accountId, found.clientId);
    return { status: 200, body: {} };
  };

  return {
    provider: 'google',
    granularConsent: true,
    endpoints: {
      authorization_endpoint: `${baseUrl}/o/oauth2/v2/auth`,
      token_endpoint: `${baseUrl}/token`,
      revocation_endpoint: `${baseUrl}/revoke`,
      jwks_uri: `${baseUrl}/oauth2/v3/certs`,
      issuer: baseUrl,
    },
    configuration: configuration(context),
    canonicalPath: (path) => path,
    placeOf: (path) => PLACES[path],
    prepareAuthorization: (query) => {
      const prompts = (query.get('prompt') ?? '').split(' ');
      const scopes = (query.get('scope') ?? '')
        .split(' ')
        .filter((scope) => scope !== '' && scope !== 'offline_access');
      // A refresh token only with both (facts G4): a client that forgets one finds out here.
      if (query.get('access_type') === 'offline' && prompts.includes('consent')) scopes.push('offline_access');
      query.set('scope', scopes.join(' '));
      if (!prompts.includes('none')) query.set('prompt', 'consent');
    },
    prepareForm: () => undefined,
    answer: async (place, path, parameters) => {
      if (place === 'revoke') return revoke(parameters.get('token') ?? '');
      // google-auth-library verifies ID tokens with PEM keys from here.
      if (path === '/oauth2/v1/certs') {
        const pem = storage.publicKey.export({ type: 'spki', format: 'pem' });
        return { status: 200, body: { [storage.signingKey.kid]: pem } };
      }
      return undefined;
    },
    attach: (attached) => {
      server = attached;
      shapeTokens(attached.AccessToken, 'ya29.');
      shapeTokens(attached.RefreshToken, '1//0');
      shapeTokens(attached.AuthorizationCode, '4/0A');
      attached.on('grant.success', dressTokenReply);
      attached.on('grant.error', (ctx, error) => {
        ctx.body = googleError(
          error,
          storage.refreshToken(String(ctx.oidc.params?.refresh_token ?? '')).state !== 'unknown',
        );
      });
    },
  };
};

const configuration = (context: ShapeContext): Configuration => {
  const prefix = new URL(context.baseUrl).pathname.replace(/\/$/, '');
  return {
    ...commonConfiguration(context, INACTIVITY.google.seconds, []),
    routes: {
      authorization: `${prefix}/o/oauth2/v2/auth`,
      token: `${prefix}/token`,
      jwks: `${prefix}/oauth2/v3/certs`,
      end_session: `${prefix}/logout`,
    },
    scopes: ['openid', 'profile', 'email', 'offline_access', MAIL_SCOPE, ...Object.values(LONG_SCOPES)],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name'],
      [String(LONG_SCOPES.email)]: ['email', 'email_verified'],
      [String(LONG_SCOPES.profile)]: ['name'],
    },
    findAccount: (_, subject) => {
      const account = context.storage.findAccount(subject);
      if (account === undefined) return undefined;
      const { name, address } = account;
      return { accountId: subject, claims: () => ({ sub: subject, email: address, email_verified: true, name }) };
    },
    formats: { bitsOfOpaqueRandomness: (_, token) => TOKEN_BITS[token.kind] ?? 256 },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: { enabled: false },
    },
  };
};

const dressTokenReply = (ctx: KoaContextWithOIDC): void => {
  const body = ctx.body as { [name: string]: unknown };
  const granted = String(body.scope ?? '').split(' ');
  const named = granted.filter((scope) => scope !== 'offline_access').map((scope) => LONG_SCOPES[scope] ?? scope);
  body.scope = [...new Set(named)].join(' ');
  // A refresh gives no refresh token (facts G6).
  if (body.refresh_token === ctx.oidc.params?.refresh_token) delete body.refresh_token;
};

/** Google does not tell the causes of `invalid_grant` apart (facts G9). */
const googleError = (
  { error, error_detail: detail = '' }: errors.OIDCProviderError,
  refreshTokenKnown: boolean,
): PlainReply['body'] => {
  if (error === 'invalid_client')
    return detail.includes('client not found')
      ? { error, error_description: 'The OAuth client was not found.' }
      : { error, error_description: 'The provided client secret is invalid.' };
  if (error === 'invalid_grant' && detail.includes('redirect_uri'))
    return { error: 'redirect_uri_mismatch', error_description: 'Bad Request' };
  if (error === 'invalid_grant' && refreshTokenKnown)
    return { error, error_description: 'Token has been expired or revoked.' };
  return { error, error_description: 'Bad Request' };
};
