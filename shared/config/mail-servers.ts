import * as v from 'valibot';
import type { Audience, MailServer, ProviderName } from '../domain/provider.ts';
import { parseDocument } from './config-document.ts';
import { endpoint } from './endpoint.ts';

/** A mail server. `ca_file`: PEM file of the authority that signed its certificate, where that is not a public one. */
const mailServer = v.strictObject({
  host: v.pipe(v.string(), v.minLength(1)),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  security: v.picklist(['starttls', 'tls']),
  ca_file: v.exactOptional(v.string()),
});

/** Of each protocol, in a provider's entry; and the HTTP API, which is a URL. */
export const mailServerFields = {
  smtp: v.exactOptional(mailServer),
  pop: v.exactOptional(mailServer),
  imap: v.exactOptional(mailServer),
  api: v.exactOptional(v.strictObject({ url: endpoint })),
};

const ofOneProvider = v.strictObject(mailServerFields);

const mailServersConfig = v.strictObject({
  microsoft: v.exactOptional(ofOneProvider),
  google: v.exactOptional(ofOneProvider),
});

export type MailServersConfig = v.InferOutput<typeof mailServersConfig>;
/** The mail servers of the document alone, for functions that may not see the client secrets. */
export const parseMailServers = (text: string, source: string): MailServersConfig =>
  parseDocument(mailServersConfig, text, source);

/** Where the providers' own mail servers are (facts M17 to M22, G11). */
export const PUBLIC_MAIL_SERVERS = {
  microsoft: {
    smtp: { host: 'smtp.office365.com', port: 587, security: 'starttls' },
    pop: { host: 'outlook.office365.com', port: 995, security: 'tls' },
    imap: { host: 'outlook.office365.com', port: 993, security: 'tls' },
  },
  google: {
    smtp: { host: 'smtp.gmail.com', port: 587, security: 'starttls' },
    pop: { host: 'pop.gmail.com', port: 995, security: 'tls' },
    imap: { host: 'imap.gmail.com', port: 993, security: 'tls' },
  },
} as const satisfies Record<string, Record<string, MailServer>>;

const serverOf = (
  configured: MailServersConfig,
  provider: ProviderName,
  protocol: Exclude<Audience, 'api'>,
): MailServer => {
  const { host, port, security } = configured[provider]?.[protocol] ?? PUBLIC_MAIL_SERVERS[provider][protocol];
  return { host, port, security };
};

/** Where mail is handed in. */
export const smtpServers =
  (configured: MailServersConfig) =>
  (provider: ProviderName): MailServer =>
    serverOf(configured, provider, 'smtp');

/** Where a token for this audience is used: the configured server, else the provider's public one. `api` is none. */
export const mailServers =
  (configured: MailServersConfig) =>
  (provider: ProviderName, audience: Audience): MailServer | undefined =>
    audience === 'api' ? undefined : serverOf(configured, provider, audience);
