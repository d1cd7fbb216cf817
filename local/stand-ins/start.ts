import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { type Audience, PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import { gmailStandIn } from './api/gmail.ts';
import { graphStandIn } from './api/graph.ts';
import type { ApiOptions, ApiStandIn } from './api/requests.ts';
import { closeServer, listenOn, localUrl } from './http.ts';
import { type IdentityStandIn, identityStandIn } from './identity/server.ts';
import type { StandInEndpoints } from './identity/shape.ts';
import type { Rotation } from './identity/storage.ts';
import type { TokenVerdict } from './identity/token-check.ts';
import { inboxApp } from './inbox/app.ts';
import { keepCertificate } from './mail/certificate.ts';
import { startImapStandIn } from './mail/imap-server.ts';
import { standInInboxes } from './mail/inboxes.ts';
import { startPop3StandIn } from './mail/pop3-server.ts';
import type { ReceiveStandIn } from './mail/receiving.ts';
import { type MailStandIn, startMailStandIn } from './mail/server.ts';
import { testControls } from './test-controls.ts';

/** Made up, and no secret: whoever reaches the stand-ins may sign in there anyway. */
const CLIENTS = {
  microsoft: { clientId: '2f6d1c70-51f4-4a39-8f0e-6d2a9b7c3e11', clientSecret: 'stand-in-client-secret' },
  google: { clientId: '100000000000-standin.apps.googleusercontent.com', clientSecret: 'stand-in-client-secret' },
} as const satisfies Record<ProviderName, { readonly clientId: string; readonly clientSecret: string }>;

export interface StandInsOptions {
  readonly providers: readonly ProviderName[];
  readonly host: string;
  /** Identity, APIs and inbox. 0: any free one. */
  readonly httpPort: number;
  readonly smtpPort: number;
  /** TLS from the first byte; any free ones where they are missing. */
  readonly popPort?: number | undefined;
  readonly imapPort?: number | undefined;
  /** Database, certificate and messages go below it. */
  readonly folder: string;
  /** Where the broker takes each provider's callback. */
  readonly redirectUris: Readonly<Record<ProviderName, readonly string[]>>;
  /** When browsers reach it by another name than `http://localhost:{port}`. */
  readonly publicUrl?: string | undefined;
  readonly testControls?: boolean | undefined;
  readonly rotate?: Rotation | undefined;
  readonly accessTokenTtlSeconds?: number | undefined;
}

/** What the broker's configuration needs for one provider, spelled as in BROKER_CONFIG. */
export interface StandInProviderConfig {
  readonly client_id: string;
  readonly client_secret: string;
  readonly endpoints: StandInEndpoints;
  readonly smtp: { readonly host: string; readonly port: number; readonly security: 'starttls' };
  readonly pop: { readonly host: string; readonly port: number; readonly security: 'tls' };
  readonly imap: { readonly host: string; readonly port: number; readonly security: 'tls' };
  readonly api: { readonly url: string };
  /** PEM to trust for `smtp`, `pop` and `imap`. */
  readonly ca: string;
}

export interface StandIns {
  readonly providers: Partial<Readonly<Record<ProviderName, StandInProviderConfig>>>;
  /** For people: what arrived. */
  readonly inboxUrl: string;
  readonly httpPort: number;
  readonly smtpPort: number;
  /** The wanted ports that were taken, so that others serve in their place. */
  readonly portsTaken: readonly number[];
  readonly identity: Partial<Readonly<Record<ProviderName, IdentityStandIn>>>;
  readonly api: Readonly<Record<ProviderName, ApiStandIn>>;
  readonly mail: MailStandIn;
  readonly pop: ReceiveStandIn;
  readonly imap: ReceiveStandIn;
  close(): Promise<void>;
}

/** The stand-ins for the named providers: identity servers, APIs and inbox on one HTTP port, and mail servers. */
export const startStandIns = async (options: StandInsOptions): Promise<StandIns> => {
  const { host, folder, httpPort: wantedHttpPort, smtpPort: wantedSmtpPort } = options;
  const server = createServer();
  const httpPort = await listenOn(server, host, wantedHttpPort);
  const origin = (options.publicUrl ?? localUrl(host, httpPort)).replace(/\/$/, '');
  const databasePath = join(folder, 'stand-ins.db');

  const parts = PROVIDERS.filter((provider) => options.providers.includes(provider)).map((provider) =>
    identityStandIn(
      {
        provider,
        databasePath,
        clients: [{ ...CLIENTS[provider], redirectUris: options.redirectUris[provider] }],
        rotate: options.rotate,
        accessTokenTtlSeconds: options.accessTokenTtlSeconds,
      },
      `${origin}/${provider}`,
    ),
  );
  const identity: Partial<Record<ProviderName, IdentityStandIn>> = Object.fromEntries(
    parts.map(({ standIn }) => [standIn.provider, standIn]),
  );

  const verifyFor =
    (audience: Audience) =>
    async (accessToken: string): Promise<TokenVerdict> => {
      for (const { standIn } of parts) {
        const verdict = await standIn.verifyToken(accessToken, audience);
        if (verdict.outcome === 'valid' || verdict.why !== 'unknown') return verdict;
      }
      return { outcome: 'refused', why: 'unknown' };
    };

  const certificate = await keepCertificate(folder);
  const mail = await startMailStandIn({
    host,
    smtpPort: wantedSmtpPort,
    databasePath,
    folder: join(folder, 'messages'),
    certificate,
    verifyToken: verifyFor('smtp'),
  });
  const receiving = { host, security: 'tls', certificate, inboxes: standInInboxes() } as const;
  const pop = await startPop3StandIn({ ...receiving, port: options.popPort ?? 0, verifyToken: verifyFor('pop') });
  const imap = await startImapStandIn({ ...receiving, port: options.imapPort ?? 0, verifyToken: verifyFor('imap') });

  const apiOptions = (provider: ProviderName, path: string): ApiOptions => ({
    url: `${origin}${path}`,
    folder: join(folder, 'uploads'),
    verifyToken: async (accessToken, scope) =>
      (await identity[provider]?.verifyToken(accessToken, 'api', scope)) ?? { outcome: 'refused', why: 'unknown' },
    deliver: (content, delivery) => mail.keep(content, { ...delivery, tlsVersion: 'HTTP', cipher: 'none' }),
  });
  const api = {
    microsoft: graphStandIn(apiOptions('microsoft', '/graph/v1.0')),
    google: gmailStandIn(apiOptions('google', '/gmail')),
  };

  const app = inboxApp(mail);
  if (options.testControls === true) app.route('/', testControls({ ...identity, mail, pop, imap, api }));
  const serveApp = getRequestListener(app.fetch);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/graph/')) return api.microsoft.handle(request, response);
    if (request.url?.startsWith('/gmail/')) return api.google.handle(request, response);
    const owner = parts.find(({ standIn }) => request.url?.startsWith(`/${standIn.provider}/`));
    return owner === undefined ? serveApp(request, response) : owner.handle(request, response);
  });

  const configOf = ({ provider, endpoints }: IdentityStandIn): StandInProviderConfig => ({
    client_id: CLIENTS[provider].clientId,
    client_secret: CLIENTS[provider].clientSecret,
    endpoints,
    smtp: { host: mail.host, port: mail.port, security: 'starttls' },
    pop: { host: pop.host, port: pop.port, security: 'tls' },
    imap: { host: imap.host, port: imap.port, security: 'tls' },
    api: { url: api[provider].url },
    ca: certificate.certificate,
  });
  const taken = (wanted: number, got: number): number[] => (wanted !== 0 && wanted !== got ? [wanted] : []);
  return {
    providers: Object.fromEntries(parts.map(({ standIn }) => [standIn.provider, configOf(standIn)])),
    inboxUrl: `${origin}/`,
    httpPort,
    smtpPort: mail.port,
    portsTaken: [
      ...taken(wantedHttpPort, httpPort),
      ...taken(wantedSmtpPort, mail.port),
      ...taken(options.popPort ?? 0, pop.port),
      ...taken(options.imapPort ?? 0, imap.port),
    ],
    identity,
    api,
    mail,
    pop,
    imap,
    close: async () => {
      await closeServer(server);
      await Promise.all([mail.close(), pop.close(), imap.close()]);
      for (const { standIn } of parts) await standIn.close();
    },
  };
};
