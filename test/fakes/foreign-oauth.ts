import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { unsignedIdToken } from './token-endpoint.ts';

export interface ForeignOAuthOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Secrets of other clients, by their ids. */
  readonly otherClients?: Readonly<Record<string, string>>;
  /** Who is always signed in there. */
  readonly address: string;
  readonly accessTokenSeconds: number;
  /** As little as a server can answer: `expires_in` as text, no `scope`, an ID token that names `sub` and `email` alone. */
  readonly minimal?: boolean;
}

interface Code {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly scope: string;
}

/**
 * A plain OAuth 2.0 server: authorization code with PKCE S256 (RFC 7636), opaque tokens, refresh with strict rotation
 * (RFC 9700 section 4.14.2): a refresh token that is used twice ends them all. Codes and refresh tokens are good for the
 * client that they were issued to (RFC 6749 sections 4.1.3 and 6). Shares no code with the stand-ins.
 */
export const startForeignOAuth = async (options: ForeignOAuthOptions) => {
  const { clientId, clientSecret, otherClients = {}, address, accessTokenSeconds, minimal = false } = options;
  const clients = new Map(Object.entries({ ...otherClients, [clientId]: clientSecret }));
  const codes = new Map<string, Code>();
  const refreshTokens = new Map<string, { readonly clientId: string; used: boolean }>();
  const accessTokens = new Map<string, number>();
  const faults: string[] = [];
  const forms: URLSearchParams[] = [];
  const authorizations: URLSearchParams[] = [];
  let refreshes = 0;

  const secret = (): string => randomBytes(24).toString('base64url');

  const authorize = (query: URLSearchParams, response: ServerResponse): void => {
    authorizations.push(query);
    const asking = query.get('client_id') ?? '';
    const redirectUri = query.get('redirect_uri') ?? '';
    const challenge = query.get('code_challenge') ?? '';
    const fits =
      clients.has(asking) &&
      query.get('response_type') === 'code' &&
      query.get('code_challenge_method') === 'S256' &&
      challenge !== '' &&
      (query.get('state') ?? '') !== '';
    if (!fits) {
      faults.push(`authorization request: ${query}`);
      response.writeHead(400).end('This is no authorization request.');
      return;
    }
    const code = secret();
    codes.set(code, { clientId: asking, redirectUri, challenge, scope: query.get('scope') ?? '' });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', query.get('state') ?? '');
    response.writeHead(302, { location: back.href }).end();
  };

  const tokens = (asking: string, scope: string) => {
    const [access_token, refresh_token] = [secret(), secret()];
    const now = Math.floor(Date.now() / 1000);
    accessTokens.set(access_token, now + accessTokenSeconds);
    refreshTokens.set(refresh_token, { clientId: asking, used: false });
    const standard = { iss: 'http://foreign.example', aud: asking, iat: now, exp: now + 600 };
    const person = { sub: 'user-1', email: address };
    const more = minimal ? {} : { email_verified: true, name: 'Scanner', preferred_username: address };
    return {
      access_token,
      refresh_token,
      token_type: minimal ? 'bearer' : 'Bearer',
      expires_in: minimal ? String(accessTokenSeconds) : accessTokenSeconds,
      id_token: unsignedIdToken({ ...standard, ...person, ...more }),
      ...(minimal ? {} : { scope }),
    };
  };

  const grant = (form: URLSearchParams, asking: string): object | string => {
    if (form.get('grant_type') === 'authorization_code') {
      const code = form.get('code') ?? '';
      const found = codes.get(code);
      codes.delete(code);
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      const fits = found?.challenge === challenge && found.redirectUri === form.get('redirect_uri');
      return fits && found.clientId === asking ? tokens(asking, found.scope) : 'invalid_grant';
    }
    if (form.get('grant_type') !== 'refresh_token') return 'unsupported_grant_type';
    const found = refreshTokens.get(form.get('refresh_token') ?? '');
    if (found === undefined || found.used || found.clientId !== asking) {
      refreshTokens.clear();
      return 'invalid_grant';
    }
    found.used = true;
    refreshes += 1;
    return tokens(asking, form.get('scope') ?? '');
  };

  const token = (request: IncomingMessage, form: URLSearchParams, response: ServerResponse): void => {
    const [, encoded = ''] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const [id, given] =
      encoded === ''
        ? [form.get('client_id'), form.get('client_secret')]
        : Buffer.from(encoded, 'base64').toString().split(':').map(decodeURIComponent);
    const isClient = typeof id === 'string' && clients.has(id) && clients.get(id) === given;
    const answer = isClient ? grant(form, id) : 'invalid_client';
    if (typeof answer === 'string') faults.push(answer);
    response.writeHead(typeof answer === 'string' ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(typeof answer === 'string' ? { error: answer } : answer));
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://any');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (url.pathname === '/authorize' && request.method === 'GET') authorize(url.searchParams, response);
    else if (url.pathname === '/token' && request.method === 'POST') {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      forms.push(form);
      token(request, form, response);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    endpoints: { authorization_endpoint: `${origin}/authorize`, token_endpoint: `${origin}/token` },
    /** Whose access token that is, while it lives. */
    ownerOf: (accessToken: string): string | undefined =>
      (accessTokens.get(accessToken) ?? 0) > Date.now() / 1000 ? address : undefined,
    refreshes: (): number => refreshes,
    /** What browsers were sent with. */
    authorizations: (): readonly URLSearchParams[] => authorizations,
    /** What the token endpoint was sent. */
    forms: (): readonly URLSearchParams[] => forms,
    /** Every refusal, in the order of asking. */
    faults: (): readonly string[] => faults,
    close: async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
