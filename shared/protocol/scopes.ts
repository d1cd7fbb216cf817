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

/** What large mail by Graph needs besides: it is a draft at first, with its files uploaded one by one (facts M71). */
const GRAPH_DRAFTS = 'https://graph.microsoft.com/Mail.ReadWrite';

/** All that a token for this audience is asked with. The first says whether a sign-in allowed the audience at all. */
export const scopesFor = (provider: ProviderName, audience: Audience): readonly string[] => {
  const scope = SCOPES[provider][audience];
  return scope === SCOPES.microsoft.api ? [scope, GRAPH_DRAFTS] : [scope];
};

export const scopeFor = (provider: ProviderName, audience: Audience): string => SCOPES[provider][audience];
