import { makePerson } from '../../local/demo/person.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';

/** Where and as which client to sign in; the composed stand-ins return this for each provider. */
export interface SignInTarget {
  readonly client_id: string;
  readonly client_secret: string;
  readonly endpoints: { readonly authorization_endpoint: string; readonly token_endpoint: string };
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const SCOPES = {
  microsoft: 'openid profile email offline_access https://outlook.office.com/SMTP.Send',
  google: 'openid email https://mail.google.com/',
} as const satisfies Record<ProviderName, string>;

/** A whole sign-in without any client library: a person at the pages, then the code exchange. */
export const signInFor = async (
  provider: ProviderName,
  { client_id, client_secret, endpoints }: SignInTarget,
  username: string,
  { redirectUri, scope = SCOPES[provider] }: { readonly redirectUri: string; readonly scope?: string },
): Promise<Tokens> => {
  const url = new URL(endpoints.authorization_endpoint);
  const parameters = { client_id, redirect_uri: redirectUri, response_type: 'code', scope, state: 'state' };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  if (provider === 'google') {
    url.searchParams.set('access_type', 'offline');
    url.searchParams.set('prompt', 'consent');
  }
  const page = await makePerson().signIn(url.href, { username });
  const code = new URL(page.url).searchParams.get('code') ?? '';
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id, client_secret };
  const reply = await fetch(endpoints.token_endpoint, { method: 'POST', body: new URLSearchParams(form) });
  if (!reply.ok) throw new Error(`the code exchange failed with ${reply.status}`);
  return (await reply.json()) as Tokens;
};

/** Status of a refresh (RFC 6749 section 6), and what it brought. */
export const refreshFor = async (
  { client_id, client_secret, endpoints }: SignInTarget,
  refreshToken: string,
  scope?: string,
) => {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id, client_secret };
  const body = new URLSearchParams({ ...form, ...(scope !== undefined && { scope }) });
  const reply = await fetch(endpoints.token_endpoint, { method: 'POST', body });
  return { status: reply.status, body: (await reply.json()) as Partial<Tokens> & { readonly error?: string } };
};
