import { verify } from 'node:crypto';
import type { Audience, ProviderName } from '../../../shared/domain/provider.ts';
import type { IdentityStorage } from './storage.ts';

/** What a mail server of the provider makes of an access token. */
export type TokenVerdict =
  | { readonly outcome: 'valid'; readonly provider: ProviderName; readonly address: string }
  | { readonly outcome: 'refused'; readonly why: 'unknown' | 'expired' | 'wrong_audience' | 'scope_missing' };

const OUTLOOK = 'https://outlook.office.com';

/** Microsoft: the audience, and the scope without its resource. Google has one scope for all (facts G1). */
const MICROSOFT_NEEDS = {
  smtp: { audience: OUTLOOK, scope: 'SMTP.Send' },
  imap: { audience: OUTLOOK, scope: 'IMAP.AccessAsUser.All' },
  pop: { audience: OUTLOOK, scope: 'POP.AccessAsUser.All' },
  api: { audience: 'https://graph.microsoft.com', scope: 'Mail.Send' },
} as const satisfies Record<Audience, { readonly audience: string; readonly scope: string }>;

const refused = (why: Extract<TokenVerdict, { outcome: 'refused' }>['why']): TokenVerdict => ({
  outcome: 'refused',
  why,
});

/** Microsoft's access tokens are signed (RFC 9068) and cannot be called back before they run out (facts M57). */
export const microsoftTokenCheck =
  ({ publicKey }: IdentityStorage) =>
  async (accessToken: string, audience: Audience, scope?: string): Promise<TokenVerdict> => {
    const [header, payload, signature, ...rest] = accessToken.split('.');
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
      return refused('unknown');
    const signed = Buffer.from(`${header}.${payload}`);
    if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) return refused('unknown');
    const claims: { [claim: string]: unknown } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    // An ID token has the same signature.
    if (typeof claims.scope !== 'string') return refused('unknown');
    if (Number(claims.exp) * 1000 <= Date.now()) return refused('expired');
    const need = MICROSOFT_NEEDS[audience];
    if (claims.aud !== need.audience) return refused('wrong_audience');
    const granted = claims.scope.split(' ').map((scope) => scope.slice(scope.lastIndexOf('/') + 1));
    if (!granted.includes(scope ?? need.scope)) return refused('scope_missing');
    return { outcome: 'valid', provider: 'microsoft', address: String(claims.upn) };
  };

/** Google's are opaque and looked up, so that a revoked one fails at once. */
export const googleTokenCheck =
  ({ adapter, findAccount }: IdentityStorage) =>
  async (accessToken: string, _: Audience): Promise<TokenVerdict> => {
    const stored = await adapter('AccessToken').find(accessToken);
    const account = findAccount(stored?.accountId ?? '');
    if (!stored || account === undefined) return refused('unknown');
    if (Number(stored.exp) * 1000 <= Date.now()) return refused('expired');
    if (!stored.scope?.split(' ').includes('https://mail.google.com/')) return refused('scope_missing');
    return { outcome: 'valid', provider: 'google', address: account.address };
  };
