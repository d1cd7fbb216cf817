import type { OAuthEndpoints } from './endpoints.ts';

/**
 * The client authentication that the server takes. Both libraries know `client_secret_post` alone, and both providers
 * take it; other servers need not (RFC 6749 section 2.3.1), and say so in their metadata (RFC 8414 section 2).
 */
export const authenticatedRequest = (init: RequestInit, endpoints: OAuthEndpoints | undefined): RequestInit => {
  const methods = endpoints?.token_endpoint_auth_methods_supported ?? ['client_secret_post'];
  const wantsBasic = methods.includes('client_secret_basic') && !methods.includes('client_secret_post');
  return wantsBasic ? withBasic(init) : init;
};

/** The client's id and secret moved from the form into the header, each form-encoded first (RFC 6749 section 2.3.1). */
const withBasic = (init: RequestInit): RequestInit => {
  const form = new URLSearchParams(String(init.body ?? ''));
  const credential = ['client_id', 'client_secret'].map((name) => {
    const value = form.get(name) ?? '';
    form.delete(name);
    return new URLSearchParams({ '': value }).toString().slice('='.length);
  });
  const headers = new Headers(init.headers);
  headers.set('authorization', `Basic ${Buffer.from(credential.join(':')).toString('base64')}`);
  headers.delete('content-length');
  return { ...init, headers, body: form.toString() };
};
