import type { Audience, MailServer, ProviderName } from '../domain/provider.ts';
import { type MailServersConfig, PUBLIC_MAIL_SERVERS } from './provider-config.ts';

/** Where a token for this audience is used: the configured server, else the provider's public one. `api` is none. */
export const mailServers =
  (configured: MailServersConfig) =>
  (provider: ProviderName, audience: Audience): MailServer | undefined => {
    if (audience === 'api') return undefined;
    const { host, port, security } = configured[provider]?.[audience] ?? PUBLIC_MAIL_SERVERS[provider][audience];
    return { host, port, security };
  };
