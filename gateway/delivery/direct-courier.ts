import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import { nodemailerTransport, SMTP_TIMEOUTS } from '../../shared/adapters/nodemailer/nodemailer-transport.ts';
import { providerApiTransport } from '../../shared/adapters/provider-api/provider-api-transport.ts';
import type { MailServer, ProviderName } from '../../shared/domain/provider.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import { makeCourier, type OpenCourier } from '../../shared/usecases/mail/courier.ts';
import type { ConnectTo } from '../proxy/connect-through.ts';

/** Straight to the providers, with tokens and addresses from the broker. */
export const directCourier = ({
  token,
  blobs,
  clock,
  ca,
  connect,
}: {
  token: GatewayLink['token'];
  blobs: Pick<BlobStore, 'open'>;
  clock: Clock;
  ca: (server: MailServer) => string | undefined;
  /** Undefined: without a proxy. */
  connect: ConnectTo | undefined;
}): OpenCourier => {
  /** As last told with a token: a provider's servers are the same for all mailboxes that one broker knows. */
  const servers = new Map<ProviderName, MailServer>();
  const apis = new Map<ProviderName, string>();

  const known = <Place>(places: ReadonlyMap<ProviderName, Place>, provider: ProviderName): Place => {
    const place = places.get(provider);
    // A token comes before every connection, and with it this.
    if (place === undefined) throw new Error(`the broker has named no server for ${provider}`);
    return place;
  };

  return makeCourier({
    blobs,
    clock,
    messageFormat: mimeMessageFormat,
    transports: {
      smtp: nodemailerTransport({
        serverFor: (provider) => known(servers, provider),
        toSevenBit: mimeMessageFormat.toSevenBit,
        ca,
        // A proxy that takes the connection and says no more would have the mailbox wait for good.
        ...(connect && { connect: (host, port) => connect(host, port, AbortSignal.timeout(SMTP_TIMEOUTS.openingMs)) }),
      }),
      api: {
        open: (account) => providerApiTransport({ urlFor: () => known(apis, account.provider) }).open(account),
      },
    },
    async tokenFor({ id: mailboxId, provider }, audience, minTtlSeconds) {
      const served = await token({ mailboxId, audience, minTtlSeconds });
      if (!served.ok) return served;
      const { server, apiUrl } = served.value;
      if (server && audience === 'smtp') servers.set(provider, server);
      if (apiUrl !== undefined) apis.set(provider, apiUrl);
      return served;
    },
  });
};
