import type { Audience, ProviderName } from '../domain/provider.ts';

/**
 * The scope that an access token needs for each audience. Microsoft: one for each mail protocol (facts M1); its Graph
 * scope is not asked for yet. Google: one for all, also for the Gmail API (G1).
 */
export const SCOPES: Readonly<Record<ProviderName, Readonly<Partial<Record<Audience, string>>>>> = {
  microsoft: {
    smtp: 'https://outlook.office.com/SMTP.Send',
    imap: 'https://outlook.office.com/IMAP.AccessAsUser.All',
    pop: 'https://outlook.office.com/POP.AccessAsUser.All',
  },
  google: {
    smtp: 'https://mail.google.com/',
    imap: 'https://mail.google.com/',
    pop: 'https://mail.google.com/',
    api: 'https://mail.google.com/',
  },
};

export const scopeFor = (provider: ProviderName, audience: Audience): string | undefined => SCOPES[provider][audience];
