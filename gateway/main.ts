/** The on-site gateway as a program: `npm run gateway`. Settings: docs/gateway.md. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../shared/adapters/filesystem/durable-file.ts';
import { httpGatewayLink } from '../shared/adapters/gateway-http/http-gateway-link.ts';
import { lockFolder } from '../shared/adapters/sqlite/folder-lock.ts';
import { useOutboundProxy } from '../shared/adapters/system/outbound-proxy.ts';
import { streamLog } from '../shared/adapters/system/stream-log.ts';
import { systemClock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom } from '../shared/adapters/system/system-random.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import { VERSION } from '../shared/config/version.ts';
import { enrolled } from './enrolment.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { listenerUrls } from './listener-urls.ts';
import { connectThrough } from './proxy/connect-through.ts';
import { readGatewaySettings } from './settings.ts';
import { startStatusPage } from './status/status-page.ts';

/** Devices are on the network, not on this machine. */
const ALL_ADDRESSES = '0.0.0.0';

/** A message under way to a slow server; what takes longer is taken up again at the next start. */
const STOP_LIMIT_MS = 30_000;

const readAuthorities = (file: string | undefined): string | undefined => {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch {
    throw new ConfigError(`provider_ca_file names ${file}, which is no file of certificates in PEM form.`);
  }
};

/** Throws `ConfigError` where this process cannot have the folder, for itself alone. */
const takeFolder = async (folder: string): Promise<void> => {
  let isOurs: boolean;
  try {
    await makeFolder(folder);
    isOurs = lockFolder(join(folder, 'lock.sqlite'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `The data folder ${folder} cannot be used (${reason}); check who may write there, or set GATEWAY_DATA_DIR to another folder.`,
    );
  }
  if (isOurs) return;
  throw new ConfigError(`Another gateway is running on ${folder}; stop it, or set GATEWAY_DATA_DIR to another folder.`);
};

/** Throws `ConfigError`, without the value: a proxy's address may hold a password. */
const takeProxy = (): void => {
  try {
    useOutboundProxy(process.env);
  } catch {
    throw new ConfigError('HTTPS_PROXY or HTTP_PROXY is no address of a proxy; write it as http://proxy.example:3128.');
  }
};

const readSettings = () => readGatewaySettings(process.env, { host: ALL_ADDRESSES });

const start = async (): Promise<void> => {
  takeProxy();
  const { dataDir: folder, brokerUrl, enrolmentToken, ...settings } = readSettings();
  const log = streamLog(process.stderr, systemClock);
  await takeFolder(folder);
  const identity = await enrolled({
    file: join(folder, 'identity.json'),
    name: settings.name,
    brokerUrl,
    enrolmentToken,
  });
  let authorities = readAuthorities(settings.provider_ca_file);
  const { HTTPS_PROXY, https_proxy = HTTPS_PROXY, NO_PROXY, no_proxy = NO_PROXY } = process.env;
  const gateway = await startGateway({
    settings,
    folder,
    link: httpGatewayLink({
      brokerUrl: identity.broker_url,
      credential: { clientId: identity.client_id, clientSecret: identity.client_secret },
      clock: systemClock,
    }),
    brokerUrl: identity.broker_url,
    ca: () => authorities,
    connect: connectThrough(https_proxy, no_proxy),
    version: VERSION,
    clock: systemClock,
    random: systemRandom,
    log,
  });
  const page = await startStatusPage({ gateway, settings, folder, clock: systemClock, random: systemRandom, log });
  const reload = async (): Promise<void> => {
    const changed = readSettings();
    const trusted = readAuthorities(changed.provider_ca_file);
    await gateway.reload(changed);
    authorities = trusted;
  };
  obeySignals(gateway, reload, page.close, log);
  console.log(`Broker:      ${identity.broker_url}`);
  for (const { protocol, host, port, security } of gateway.listeners()) {
    console.log(`${`${protocol.toUpperCase()}:`.padEnd(12)} ${host}, port ${port} (${security})`);
  }
  console.log(`Status page: ${page.url} (user admin, password in ${page.passwordFile})`);
  console.log(
    JSON.stringify({
      event: 'ready',
      ...listenerUrls(gateway),
      listeners: gateway.listeners().map(({ protocol, port, security }) => ({ protocol, port, security })),
      status: page.url,
      client_id: identity.client_id,
    }),
  );
};

const obeySignals = (
  gateway: Gateway,
  takeSettings: () => Promise<void>,
  closePage: () => Promise<void>,
  log: ReturnType<typeof streamLog>,
): void => {
  const reload = async (): Promise<void> => {
    try {
      await takeSettings();
    } catch (error) {
      // The settings of before stay.
      log.error('gateway.not_reloaded', { error: error instanceof Error ? error.message : String(error) });
    }
  };
  const stop = async (signal: string): Promise<void> => {
    log.info('gateway.stopping', { signal });
    await Promise.race([Promise.all([gateway.stop(), closePage()]), systemClock.sleep(STOP_LIMIT_MS)]);
    process.exit(0);
  };
  process.on('SIGHUP', () => void reload());
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop(signal));
};

start().catch((error: unknown) => {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`error: ${error.message}`);
  process.exit(1);
});
