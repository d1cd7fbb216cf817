import type { ProviderName } from '../domain/provider.ts';
import type { MailServersConfig } from './mail-servers.ts';

/** Where the providers' own APIs are (facts M68, G18). */
export const PUBLIC_MAIL_APIS = {
  microsoft: 'https://graph.microsoft.com/v1.0',
  google: 'https://gmail.googleapis.com',
} as const satisfies Record<ProviderName, string>;

/** Where mail is sent by HTTP: the configured API, else the provider's public one. Without a slash at the end. */
export const mailApis =
  (configured: MailServersConfig) =>
  (provider: ProviderName): string =>
    (configured[provider]?.api?.url ?? PUBLIC_MAIL_APIS[provider]).replace(/\/+$/, '');
