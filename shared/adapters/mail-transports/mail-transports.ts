import { mailApis } from '../../config/mail-apis.ts';
import { type MailServersConfig, smtpServers } from '../../config/mail-servers.ts';
import type { Route } from '../../domain/outbox.ts';
import type { MailServer } from '../../domain/provider.ts';
import type { MailTransport } from '../../ports/mail-transport.ts';
import { mimeMessageFormat } from '../mime/mime-message-format.ts';
import { nodemailerTransport } from '../nodemailer/nodemailer-transport.ts';
import { providerApiTransport } from '../provider-api/provider-api-transport.ts';

/**
 * Both ways to the providers, as configured. `ca`: PEM of the authorities to trust for a mail server; the system's when
 * undefined.
 */
export const mailTransports = (
  configured: MailServersConfig,
  ca?: (server: MailServer) => string | undefined,
): Readonly<Record<Route, MailTransport>> => ({
  smtp: nodemailerTransport({
    serverFor: smtpServers(configured),
    toSevenBit: mimeMessageFormat.toSevenBit,
    ...(ca && { ca }),
  }),
  api: providerApiTransport({ urlFor: mailApis(configured) }),
});
