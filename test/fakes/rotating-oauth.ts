import { createHash, randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { unsignedIdToken } from './token-endpoint.ts';

/**
 * `strict`: a refresh token serves once, and one that comes again ends its whole family (RFC 9700 section 4.14.2).
 * `lenient`: every refresh brings a new one, and the former stays valid (Entra). `none`: the first one stays (Google).
 */
export type Rotation = 'strict' | 'lenient' | 'none';

export interface RotatingOAuthOptions {
  readonly rotation: Rotation;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Between what the server does and its answer, so that a client may die meanwhile. */
  readonly latencyMs: number;
}

/** All that came of one sign-in. */
interface Family {
  readonly address: string;
  /** Whether each of its refresh tokens, in the order they were given, may be used. */
  readonly refreshTokens: Map<string, 'live' | 'retired'>;
  readonly accessTokens: Set<string>;
  revoked: boolean;
}

/** What the server has seen of one person. */
export interface Seen {
  readonly refreshes: number;
  /** Retired tokens that came again, one entry each time. */
  readonly reused: readonly string[];
  /** How often it has said `invalid_grant`. */
  readonly refusals: number;
}

/** Access tokens last an hour, as at both providers. */
const ACCESS_TOKEN_SECONDS = 3600;

/** An OAuth 2.0 server for many people, each a family of tokens for each sign-in; whoever is hinted at is signed in. */
export const startRotatingOAuth = async (options: RotatingOAuthOptions) => {
  const { rotation, clientId, clientSecret, latencyMs } = options;
  const families: Family[] = [];
  const codes = new Map<
    string,
    { readonly address: string; readonly challenge: string; readonly redirectUri: string }
  >();
  const seen = new Map<string, { refreshes: number; reused: string[]; refusals: number }>();
  const secrets = new Map<string, string[]>();

  const newSecret = (address: string): string => {
    const drawn = randomBytes(24).toString('base64url');
    secrets.set(address, [...(secrets.get(address) ?? []), drawn]);
    return drawn;
  };

  const seenOf = (address: string) => {
    const known = seen.get(address) ?? { refreshes: 0, reused: [], refusals: 0 };
    seen.set(address, known);
    return known;
  };

  const newFamily = (address: string): Family => {
    const family: Family = { address, refreshTokens: new Map(), accessTokens: new Set(), revoked: false };
    families.push(family);
    return family;
  };

  const newRefreshToken = ({ address, refreshTokens }: Family): string => {
    const token = newSecret(address);
    refreshTokens.set(token, 'live');
    return token;
  };

  const answer = (family: Family, scope: string | null, refresh_token?: string) => {
    const { address } = family;
    const access_token = newSecret(address);
    family.accessTokens.add(access_token);
    const iat = Math.floor(Date.now() / 1000);
    const standard = {
      iss: 'http://rotating.example',
      aud: clientId,
      sub: `subject of ${address}`,
      iat,
      exp: iat + 600,
    };
    const id_token = unsignedIdToken({
      ...standard,
      email: address,
      email_verified: true,
      preferred_username: address,
    });
    const token = { access_token, token_type: 'Bearer', expires_in: ACCESS_TOKEN_SECONDS, id_token };
    return { ...token, ...(refresh_token && { refresh_token }), ...(scope && { scope }) };
  };

  const redeem = (form: URLSearchParams): object | undefined => {
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (code?.challenge !== challenge || code.redirectUri !== form.get('redirect_uri')) return undefined;
    const family = newFamily(code.address);
    return answer(family, form.get('scope'), newRefreshToken(family));
  };

  const refresh = (form: URLSearchParams): object | undefined => {
    const token = form.get('refresh_token') ?? '';
    const family = families.find(({ refreshTokens }) => refreshTokens.has(token));
    if (family === undefined) return undefined;
    const known = seenOf(family.address);
    known.refreshes++;
    const isReused = family.refreshTokens.get(token) === 'retired';
    if (isReused) known.reused.push(token);
    if (isReused) family.revoked = true;
    if (family.revoked) {
      known.refusals++;
      return undefined;
    }
    if (rotation === 'strict') family.refreshTokens.set(token, 'retired');
    return answer(family, form.get('scope'), rotation === 'none' ? undefined : newRefreshToken(family));
  };

  const authorize = (query: URLSearchParams, response: ServerResponse): void => {
    const address = query.get('login_hint') ?? '';
    const code = newSecret(address);
    const redirectUri = query.get('redirect_uri') ?? '';
    const challenge = query.get('code_challenge') ?? '';
    codes.set(code, { address, challenge, redirectUri });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  };

  const token = async (form: URLSearchParams, response: ServerResponse): Promise<void> => {
    const isClient = form.get('client_id') === clientId && form.get('client_secret') === clientSecret;
    const grant = form.get('grant_type') === 'refresh_token' ? refresh : redeem;
    const given = isClient ? grant(form) : undefined;
    await setTimeout(latencyMs);
    response.writeHead(given ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(given ?? { error: isClient ? 'invalid_grant' : 'invalid_client' }));
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://any');
    const body = await text(request).catch(() => undefined); // the client died while it wrote
    if (url.pathname === '/authorize') authorize(url.searchParams, response);
    else if (url.pathname === '/token' && body !== undefined) await token(new URLSearchParams(body), response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    endpoints: { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
    /** The refresh token of a sign-in that has just been completed elsewhere. */
    issue: (address: string): string => newRefreshToken(newFamily(address)),
    seen: (address: string): Seen => structuredClone(seenOf(address)),
    isLive: (refreshToken: string): boolean =>
      families.some(({ revoked, refreshTokens }) => !revoked && refreshTokens.get(refreshToken) === 'live'),
    /** Whose access token that is, while the family it belongs to is alive. */
    ownerOf: (accessToken: string): string | undefined =>
      families.find(({ revoked, accessTokens }) => !revoked && accessTokens.has(accessToken))?.address,
    /** Every code and token it gave out for this person, and what the client proves itself by. */
    secretsOf: (address: string): readonly string[] => [clientSecret, ...(secrets.get(address) ?? [])],
    close: async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export type RotatingOAuth = Awaited<ReturnType<typeof startRotatingOAuth>>;
