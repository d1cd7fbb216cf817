import { createHash } from 'node:crypto';
import { noReplyReason, replyText } from '../../shared/adapters/http-client/reply.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';

export type RedirectVerdict =
  | { readonly is: 'registered' }
  | { readonly is: 'missing' }
  | { readonly is: 'unknown'; readonly why: string };

/** From one page of the provider to the next before it sends the browser back. */
const MOST_HOPS = 5;
const TIMEOUT_MS = 20_000;
const PAGE_LIMIT_BYTES = 1024 * 1024;

/** How the providers' pages say that an address is not registered: Google, Microsoft (facts 1.9), and other servers. */
const NOT_REGISTERED = /redirect_uri_mismatch|AADSTS50011|invalid_redirect_uri|redirect_uri did not match/i;

/**
 * Begins a sign-in that may show nobody anything (`prompt=none`, OpenID Connect Core 3.1.2.1) and so must come back at once
 * with an error. A server sends browsers back to registered addresses alone (RFC 6749 section 4.1.2.1): that it does
 * is proof, whatever the error.
 */
export const tryRedirect = async (
  provider: Pick<IdentityProvider, 'authorizationUrl'>,
  redirectUri: string,
): Promise<RedirectVerdict> => {
  const codeChallenge = createHash('sha256').update('setup-check').digest('base64url');
  const begin = { redirectUri, state: 'setup-check', codeChallenge, loginHint: undefined };
  let url = new URL(await provider.authorizationUrl(begin));
  url.searchParams.set('prompt', 'none');
  const { origin } = url;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      const reply = await fetch(url, { redirect: 'manual', signal });
      const location = reply.headers.get('location');
      if (location !== null) {
        await reply.body?.cancel();
        const next = new URL(location, url);
        if (`${next.origin}${next.pathname}` === redirectUri) return { is: 'registered' };
        if (NOT_REGISTERED.test([...next.searchParams.values()].join('\n'))) return { is: 'missing' };
        // Where other hosts lead is no word of this server.
        if (next.origin !== origin) break;
        url = next;
        continue;
      }
      if (NOT_REGISTERED.test(await replyText(reply, PAGE_LIMIT_BYTES))) return { is: 'missing' };
      break;
    }
  } catch (error) {
    return { is: 'unknown', why: `the provider's sign-in page could not be reached (${noReplyReason(error)})` };
  }
  return { is: 'unknown', why: 'the provider says it only to a person who signs in' };
};
