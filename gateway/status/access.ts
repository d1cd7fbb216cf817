import { isIP } from 'node:net';
import type { Context } from 'hono';
import { auth } from 'hono/utils/basic-auth';
import type { Random } from '../../shared/ports/random.ts';
import { hashOf, longSecret, matchesAny } from '../../shared/usecases/secrets.ts';

/** Who asks, by the headers of the request. */
export interface Access {
  /** Whether it brings the password (RFC 7617). */
  isAdministrator(c: Context): boolean;
  /** Whether the page was asked for by a name that is the gateway's. */
  isOwnName(c: Context): boolean;
  /** Goes into every form. */
  readonly formToken: string;
  /** Whether a form comes from a page of this gateway. */
  isOwnForm(c: Context, formToken: string | undefined): boolean;
}

const USER = 'admin';

const hostOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).host : undefined);

/**
 * What a browser says of where a form came from. Modern ones say `Sec-Fetch-Site`, but over plain HTTP only to loopback
 * (W3C Fetch Metadata, section 3); others `Origin`; the oldest nothing, for whom there is the token.
 */
const comesFromElsewhere = (c: Context): boolean => {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') return true;
  const origin = c.req.header('origin');
  return origin !== undefined && hostOf(origin) !== hostOf(c.req.url);
};

export const makeAccess = (password: string, names: readonly string[], random: Random): Access => {
  const hashes = [hashOf(password)];
  const formToken = longSecret(random);
  const own = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  return {
    formToken,
    isAdministrator(c) {
      const given = auth(c.req.raw);
      return given !== undefined && given.username === USER && matchesAny(given.password, hashes);
    },
    isOwnName(c) {
      const { hostname } = new URL(c.req.url);
      return own.has(hostname) || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
    },
    isOwnForm: (c, token) => !comesFromElsewhere(c) && matchesAny(token ?? '', [hashOf(formToken)]),
  };
};
