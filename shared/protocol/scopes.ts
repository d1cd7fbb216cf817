import type { Audience, ProviderName } from '../domain/provider.ts';

/**
 * The scope that an access token needs for each audience. Microsoft: one for each mail protocol (facts M1), and for `api`
 * that of Graph, which is another resource: one sign-in allows them all, but a token is for one resource alone (M3, M5).
 * Google: one for all, also for the Gmail API (G1).
 */
export const SCOPES = {
  microsoft: {
    smtp: 'https://outlook.office.com/SMTP.Send',
    imap: 'https://outlook.office.com/IMAP.AccessAsUser.All',
    pop: 'https://outlook.office.com/POP.AccessAsUser.All',
    api: 'https://graph.microsoft.com/Mail.Send',
  },
  google: {
    smtp: 'https://mail.google.com/',
    imap: 'https://mail.google.com/',
    pop: 'https://mail.google.com/',
    api: 'https://mail.google.com/',
  },
} as const satisfies Record<ProviderName, Record<Audience, string>>;

export const scopeFor = (provider: ProviderName, audience: Audience): string => SCOPES[provider][audience];
