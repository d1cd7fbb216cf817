import { join } from 'node:path';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Random } from '../../shared/ports/random.ts';
import type { Gateway } from '../gateway.ts';
import type { GatewaySettings } from '../settings.ts';
import { statusApp } from './app.ts';
import { statusPassword } from './password.ts';
import { startStatusServer } from './server.ts';

export interface StatusPage {
  readonly url: string;
  /** Where the password of the user `admin` is. */
  readonly passwordFile: string;
  close(): Promise<void>;
}

/** Shows on the network how a gateway fares. Throws `ConfigError` where it cannot. */
export const startStatusPage = async ({
  gateway,
  settings: { status: wanted, name, names },
  folder,
  clock,
  random,
  log,
}: {
  gateway: Gateway;
  settings: GatewaySettings;
  folder: string;
  clock: Clock;
  random: Random;
  log: Log;
}): Promise<StatusPage> => {
  const passwordFile = join(folder, 'status-password');
  const { status, actions, metrics, certificates } = gateway;
  const { host, port, tls } = wanted;
  const server = await startStatusServer({
    host,
    port,
    app: statusApp({
      status,
      actions,
      metrics,
      password: await statusPassword(passwordFile, random),
      open: wanted.open,
      names: [name, ...names],
      clock,
      random,
      log,
    }),
    tls: tls ? { certificates, profile: 'modern' } : undefined,
  });
  const shownHost = host === '0.0.0.0' || host === '::' ? name : host;
  return { url: `${tls ? 'https' : 'http'}://${shownHost}:${server.port}/`, passwordFile, close: server.close };
};
