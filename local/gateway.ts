import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Gateway, startGateway } from '../gateway/gateway.ts';
import { connectThrough } from '../gateway/proxy/connect-through.ts';
import { type GatewaySettings, readGatewaySettings } from '../gateway/settings.ts';
import { type StatusPage, startStatusPage } from '../gateway/status/status-page.ts';
import { systemClock as clock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../shared/adapters/system/system-random.ts';
import { VERSION } from '../shared/config/version.ts';
import type { MailServer } from '../shared/domain/provider.ts';
import type { GatewayLink } from '../shared/ports/gateway-link.ts';
import type { Log } from '../shared/ports/log.ts';

export interface LocalGateway {
  readonly gateway: Gateway;
  readonly page: StatusPage;
  stop(): Promise<void>;
}

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'EADDRINUSE'));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });

/** The port where nobody has it; else any: a second broker on one machine must not fail for what nobody asked of it. */
const freeOr = async (host: string, port: number, isChosen: boolean): Promise<number> =>
  isChosen || (await isFree(host, port)) ? port : 0;

/** Ports that nobody has chosen give way. */
const withFreePorts = async (
  settings: GatewaySettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GatewaySettings> => {
  const chosen = { smtp: env.GATEWAY_SMTP_PORT, smtps: env.GATEWAY_SMTPS_PORT, pop3: env.GATEWAY_POP3_PORT };
  const listeners = await Promise.all(
    settings.listeners.map(async (listener) => {
      const { protocol, security, host, port } = listener;
      const name = protocol === 'smtp' && security === 'tls' ? 'smtps' : protocol;
      const isChosen = Boolean(env.GATEWAY_CONFIG) || name === 'imap' || Boolean(chosen[name]);
      return { ...listener, port: await freeOr(host, port, isChosen) };
    }),
  );
  const { status } = settings;
  const isChosen = Boolean(env.GATEWAY_CONFIG || env.GATEWAY_STATUS_PORT);
  return { ...settings, listeners, status: { ...status, port: await freeOr(status.host, status.port, isChosen) } };
};

/** The gateway of one machine: it serves every organization's devices, and reaches its broker in this very process. */
export const startLocalGateway = async ({
  env,
  host,
  folder,
  link,
  brokerUrl,
  ca,
  log,
}: {
  env: Readonly<Record<string, string | undefined>>;
  host: string;
  folder: string;
  link: GatewayLink;
  brokerUrl: string;
  ca: (server: MailServer) => string | undefined;
  log: Log;
}): Promise<LocalGateway> => {
  const settings = await withFreePorts(readGatewaySettings(env, { host }), env);
  const { HTTPS_PROXY, https_proxy = HTTPS_PROXY, NO_PROXY, no_proxy = NO_PROXY } = env;
  const gateway = await startGateway({
    settings,
    folder: join(folder, 'gateway'),
    link,
    brokerUrl,
    ca,
    connect: connectThrough(https_proxy, no_proxy),
    version: VERSION,
    clock,
    random,
    log,
  });
  const page = await startStatusPage({ gateway, settings, folder: join(folder, 'gateway'), clock, random, log });
  return {
    gateway,
    page,
    async stop() {
      await Promise.all([gateway.stop(), page.close()]);
    },
  };
};
