/** Who owns the mailboxes. Adding a third is adding one adapter, one row here, and its texts. */
export const PROVIDERS = ['microsoft', 'google'] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** What an access token is for. `api` is Microsoft Graph or the Gmail API. */
export const AUDIENCES = ['smtp', 'imap', 'pop', 'api'] as const;
export type Audience = (typeof AUDIENCES)[number];

/** What every sign-in must allow: refused even that, a grant is no good; refused another audience alone, it stands. */
export const GRANT_AUDIENCE: Audience = 'smtp';

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** `starttls`: plain greeting, then a required upgrade. `tls`: TLS from the first byte. */
  readonly security: 'starttls' | 'tls';
}

const DAY_SECONDS = 86_400;

/**
 * How long a refresh token lives. At Microsoft 90 days from its issue (Entra, "refresh tokens": each use brings a new one,
 * and the one in the vault is as old as its last store). At Google six months without use (Identity, "refresh token
 * expiration").
 */
export const INACTIVITY = {
  microsoft: { countsFrom: 'issue', seconds: 90 * DAY_SECONDS },
  google: { countsFrom: 'use', seconds: 180 * DAY_SECONDS },
} as const satisfies Record<ProviderName, { countsFrom: 'issue' | 'use'; seconds: number }>;

/** The account that signed in, as the provider names it in its ID token. */
export interface SignedInAccount {
  /** The provider's stable id of the account (OpenID Connect Core 2, `sub`; at Microsoft `oid` where present). */
  readonly subject: string;
  /** Every address by which the provider says this account is known, lower case, most trustworthy first. */
  readonly addresses: readonly string[];
}

/** Addresses are compared without regard to case, as both providers do. */
export const sameAddress = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

export const isAudience = (text: string): text is Audience => (AUDIENCES as readonly string[]).includes(text);
export const isProviderName = (text: string): text is ProviderName => (PROVIDERS as readonly string[]).includes(text);

const lastSegment = (scope: string): string => scope.slice(scope.lastIndexOf('/') + 1);

/**
 * Whether a wanted scope is among the granted ones. Providers and their aliases spell the resource part differently
 * (`https://outlook.office365.com/SMTP.Send`, `SMTP.Send`), so the permission's own name decides where it has one.
 */
export const scopeGranted = (granted: readonly string[], wanted: string): boolean => {
  const name = lastSegment(wanted).toLowerCase();
  return granted.some(
    (scope) =>
      scope.toLowerCase() === wanted.toLowerCase() || (name !== '' && lastSegment(scope).toLowerCase() === name),
  );
};
