/** The whole broker in one process on one machine: `npm start`. Settings: docs/configuration.md. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { listenerUrls } from '../gateway/listener-urls.ts';
import { useOutboundProxy } from '../shared/adapters/system/outbound-proxy.ts';
import { streamLog } from '../shared/adapters/system/stream-log.ts';
import { systemClock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../shared/adapters/system/system-random.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import { type LocalEnvironment, readLocalEnvironment } from '../shared/config/local-environment.ts';
import { type BrokerConfig, parseBrokerConfig } from '../shared/config/provider-config.ts';
import { type MailServer, PROVIDERS } from '../shared/domain/provider.ts';
import { PROVIDER_TIMEOUT_SECONDS } from '../shared/domain/timing.ts';
import { redirectUriOf } from '../shared/usecases/sign-in/begin-sign-in.ts';
import { configuredAuthorities, localBroker } from './broker.ts';
import { adminKey, lockDataFolder, openDataFolder } from './data-folder.ts';
import { startLocalGateway } from './gateway.ts';
import { type BrokerApps, listenForApps } from './http-server.ts';
import { PROPOSED_ACCOUNTS } from './stand-ins/identity/accounts.ts';
import { startStandIns } from './stand-ins/start.ts';
import { startWorkers } from './workers.ts';

const readConfig = (file: string | undefined): BrokerConfig => {
  if (file === undefined) return parseBrokerConfig('{}', 'the default');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new ConfigError(`BROKER_CONFIG names ${file}, which cannot be read.`);
  }
  return parseBrokerConfig(text, file);
};

/**
 * Stand-ins for the providers without an app registration, and the configuration completed with them. Where an organization
 * has brought its own, its mail goes to the real provider, so none stands in.
 */
const withStandIns = async (env: LocalEnvironment, config: BrokerConfig, folder: string, publicUrl: string) => {
  const entries = [config, ...Object.values(config.organizations)];
  const missing = PROVIDERS.filter((name) => entries.every(({ providers }) => providers[name] === undefined));
  if (missing.length === 0) return { config, standIns: undefined };
  const standIns = await startStandIns({
    providers: missing,
    host: env.host,
    httpPort: env.standInPort,
    smtpPort: env.standInSmtpPort,
    popPort: env.standInPopPort,
    imapPort: env.standInImapPort,
    folder,
    redirectUris: {
      microsoft: [redirectUriOf(publicUrl, 'microsoft')],
      google: [redirectUriOf(publicUrl, 'google')],
    },
    testControls: env.testControls,
    ...(env.standInTokenSeconds === undefined ? {} : { accessTokenTtlSeconds: env.standInTokenSeconds }),
  });
  const { microsoft, google } = standIns.providers;
  const providers = {
    ...config.providers,
    ...(microsoft ? { microsoft: { ...microsoft, tenant: 'organizations' } } : {}),
    ...(google ? { google } : {}),
  };
  return { config: { ...config, providers }, standIns };
};

/** What the gateway of this machine is called where others are called by their client id. */
const LOCAL_GATEWAY = 'local';

/** A little longer than any call to a provider. */
const STOP_LIMIT_MS = (PROVIDER_TIMEOUT_SECONDS + 5) * 1000;

const announce = (lines: readonly string[], ready: object): void => {
  for (const line of lines) console.log(line);
  console.log(JSON.stringify({ event: 'ready', ...ready }));
};

const start = async (): Promise<void> => {
  useOutboundProxy(process.env);
  const env = readLocalEnvironment(process.env);
  const given = readConfig(env.configFile);
  const data = openDataFolder(env.dataDir);
  lockDataFolder(data);
  const log = streamLog(process.stderr, systemClock);
  const admin = await adminKey(env.adminKey, data.adminKeyFile, systemRandom);

  const apps = Promise.withResolvers<BrokerApps>();
  const { server, port } = await listenForApps(env.host, env.port, apps.promise);
  const publicUrl = env.publicUrl ?? `http://localhost:${port}`;
  const { config, standIns } = await withStandIns(env, given, data.standIns, publicUrl);
  const ownAuthorities = configuredAuthorities(given);
  const standIn = Object.values(standIns?.providers ?? {})[0];
  const standInServers = [standIn?.smtp, standIn?.pop, standIn?.imap];
  const certificateAuthority = (server: MailServer): string | undefined =>
    standInServers.some((one) => isDeepStrictEqual(server, one)) ? standIn?.ca : ownAuthorities(server);
  const broker = localBroker({
    data,
    config,
    publicUrl,
    adminKey: admin.key,
    shownProviders: PROVIDERS.map((name) => {
      if (standIns?.providers[name] === undefined) return { name };
      const [exampleAddress] = PROPOSED_ACCOUNTS[name];
      return { name, isStandIn: true, links: { inbox: standIns.inboxUrl }, exampleAddress };
    }),
    certificateAuthority,
    retentionDays: env.retentionDays,
    notices: {
      operatorMailboxId: env.noticeMailbox,
      gatherSeconds: env.noticeGatherSeconds,
      webhooks: { allowsPrivate: env.allowsPrivateWebhooks, isProxied: env.isProxied },
    },
    log,
  });
  apps.resolve(broker.apps);
  await broker.recover();
  const workers = startWorkers(broker.workers, broker.sweeps, log);
  const gateway = env.withGateway
    ? await startLocalGateway({
        env: process.env,
        host: env.host,
        folder: data.path,
        link: broker.serveGateway({ gatewayId: LOCAL_GATEWAY, organizationId: undefined }),
        brokerUrl: publicUrl,
        ca: certificateAuthority,
        log,
      })
    : undefined;

  const stop = async (signal: string): Promise<void> => {
    log.info('broker.stopping', { signal });
    const answered = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    // A refresh in hand must not be cut off between the provider's answer and the vault. A message in hand may be: it
    // is taken up again at the next start.
    await Promise.race([Promise.all([answered, workers.stop(), gateway?.stop()]), systemClock.sleep(STOP_LIMIT_MS)]);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop(signal));

  const urls = gateway ? listenerUrls(gateway.gateway) : {};
  announce(
    [
      `Console:    ${publicUrl}/`,
      `Admin key:  ${admin.file ? `in ${admin.file}` : 'as BROKER_ADMIN_KEY says'}`,
      ...(gateway ? [`Gateway:    ${Object.values(urls).join(', ')}; status page ${gateway.page.url}`] : []),
      ...(standIns ? [`Stand-ins:  ${standIns.inboxUrl} shows the mail that arrived; no real account is needed`] : []),
    ],
    {
      url: publicUrl,
      port,
      ...urls,
      ...(gateway ? { gateway_status: gateway.page.url } : {}),
      ...(admin.file ? { admin_key_file: admin.file } : {}),
      ...(standIns ? { inbox: standIns.inboxUrl, stand_in_providers: Object.keys(standIns.providers) } : {}),
    },
  );
};

start().catch((error: unknown) => {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(1);
});
