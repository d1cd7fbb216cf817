import type { ProviderName } from '../../domain/provider.ts';
import type { MailTransport } from '../../ports/mail-transport.ts';
import type { ApiLimits } from '../api-http/api-call.ts';
import { gmailTransport } from '../gmail/gmail-transport.ts';
import { graphTransport } from '../graph/graph-transport.ts';

export interface ProviderApiOptions {
  /** Where each provider's API is (`config/mail-apis.ts`). */
  readonly urlFor: (provider: ProviderName) => string;
  readonly limits?: Partial<ApiLimits>;
}

/** By the HTTP API of whichever provider the mailbox is at: Microsoft Graph, or the Gmail API. */
export const providerApiTransport = ({ urlFor, limits = {} }: ProviderApiOptions): MailTransport => {
  const transports: Readonly<Record<ProviderName, MailTransport>> = {
    microsoft: graphTransport({ url: urlFor('microsoft'), limits }),
    google: gmailTransport({ url: urlFor('google'), limits }),
  };
  return { open: (account) => transports[account.provider].open(account) };
};
