import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';
import { closeServer, listenOn, localUrl } from './http.ts';
import { type IdentityStandIn, identityStandIn } from './identity/server.ts';
import type { StandInEndpoints } from './identity/shape.ts';
import type { Rotation } from './identity/storage.ts';
import { inboxApp } from './inbox/app.ts';
import { keepCertificate } from './mail/certificate.ts';
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
  /** Identity and inbox. 0: any free one. */
  readonly httpPort: number;
  readonly smtpPort: number;
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
  /** PEM to trust for `smtp`. */
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
  readonly mail: MailStandIn;
  close(): Promise<void>;
}

/** The stand-ins for the named providers: identity servers and inbox on one HTTP port, and one mail server. */
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

  const certificate = await keepCertificate(folder);
  const mail = await startMailStandIn({
    host,
    smtpPort: wantedSmtpPort,
    databasePath,
    folder: join(folder, 'messages'),
    certificate,
    verifyToken: async (accessToken) => {
      for (const { standIn } of parts) {
        const verdict = await standIn.verifyToken(accessToken, 'smtp');
        if (verdict.outcome === 'valid' || verdict.why !== 'unknown') return verdict;
      }
      return { outcome: 'refused', why: 'unknown' };
    },
  });

  const app = inboxApp(mail);
  if (options.testControls === true) app.route('/', testControls({ ...identity, mail }));
  const serveApp = getRequestListener(app.fetch);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const owner = parts.find(({ standIn }) => request.url?.startsWith(`/${standIn.provider}/`));
    return owner === undefined ? serveApp(request, response) : owner.handle(request, response);
  });

  const configOf = ({ provider, endpoints }: IdentityStandIn): StandInProviderConfig => ({
    client_id: CLIENTS[provider].clientId,
    client_secret: CLIENTS[provider].clientSecret,
    endpoints,
    smtp: { host: mail.host, port: mail.port, security: 'starttls' },
    ca: certificate.certificate,
  });
  const taken = (wanted: number, got: number): number[] => (wanted !== 0 && wanted !== got ? [wanted] : []);
  return {
    providers: Object.fromEntries(parts.map(({ standIn }) => [standIn.provider, configOf(standIn)])),
    inboxUrl: `${origin}/`,
    httpPort,
    smtpPort: mail.port,
    portsTaken: [...taken(wantedHttpPort, httpPort), ...taken(wantedSmtpPort, mail.port)],
    identity,
    mail,
    close: async () => {
      await closeServer(server);
      await mail.close();
      for (const { standIn } of parts) await standIn.close();
    },
  };
};
