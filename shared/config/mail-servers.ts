import type { Audience, MailServer, ProviderName } from '../domain/provider.ts';
import { type ConfiguredMailServer, PUBLIC_MAIL_SERVERS } from './provider-config.ts';

type Overrides = { readonly [P in ProviderName]?: { readonly [protocol: string]: unknown } };

/** Where a token for this audience is used: the configured server, else the provider's public one. `api` is none. */
export const mailServers =
  (configured: Overrides) =>
  (provider: ProviderName, audience: Audience): MailServer | undefined => {
    if (audience === 'api') return undefined;
    const override = configured[provider]?.[audience] as ConfiguredMailServer | undefined;
    if (override === undefined) return PUBLIC_MAIL_SERVERS[provider][audience];
    const { host, port, security } = override;
    return { host, port, security };
  };
