import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { makeFolder } from '../shared/adapters/filesystem/durable-file.ts';
import type { MailServer } from '../shared/domain/provider.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { GatewayLink } from '../shared/ports/gateway-link.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Random } from '../shared/ports/random.ts';
import { openDeviceStore } from './access/device-store.ts';
import { makeDevices } from './access/make-devices.ts';
import { makeTokens } from './delivery/tokens.ts';
import { gatewayActions, gatewayStatus } from './gateway-status.ts';
import { startListeners } from './listeners.ts';
import { openMailRoom } from './mail-room.ts';
import { makeMetrics } from './metrics.ts';
import type { ConnectTo } from './proxy/connect-through.ts';
import { recently } from './recently.ts';
import type { GatewaySettings } from './settings.ts';
import { makeInTurn } from './spool/in-turn.ts';
import { openCertificates } from './tls/certificates.ts';

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  /** All that it keeps. It belongs to this process. */
  readonly folder: string;
  readonly link: GatewayLink;
  /** For people. */
  readonly brokerUrl: string;
  /** PEM of further authorities to trust for a provider's server. */
  readonly ca: (server: MailServer) => string | undefined;
  /** The way out of the network. */
  readonly connect: ConnectTo;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Settings that are looked at when the gateway starts, and not again. */
const AT_START = ['name', 'names', 'certificate', 'status'] as const;

/** The whole gateway. Throws `ConfigError` where a setting keeps it from starting. */
export const startGateway = async (options: GatewayOptions) => {
  const { folder, link, brokerUrl, ca, connect, version, clock, random } = options;
  let settings = options.settings;
  const current = (): GatewaySettings => settings;
  const startedAt = epochSeconds(clock);
  const lately = recently(options.log, clock);
  const { log } = lately;
  await makeFolder(folder);
  const metrics = makeMetrics();
  const { certificate } = settings;
  const certificates = await openCertificates({
    folder: join(folder, 'certificates'),
    names: [settings.name, ...settings.names],
    ...(certificate && { own: { certificateFile: certificate.certificate_file, keyFile: certificate.key_file } }),
    clock,
    log,
  });
  const token = makeTokens({ link, clock });
  const mail = await openMailRoom({
    settings: current,
    folder: join(folder, 'spool'),
    link,
    token,
    ca,
    connect,
    metrics,
    version,
    clock,
    random,
    log,
  });
  const devices = makeDevices({
    link,
    store: await openDeviceStore(join(folder, 'devices.json'), log),
    listed: () =>
      settings.listed_devices.map(({ network, client_id: clientId, client_secret: clientSecret, slot }) => ({
        network,
        clientId,
        clientSecret,
        slot,
      })),
    clock,
    log,
  });
  const { intake } = mail;
  const inTurn = makeInTurn();
  const deps = { devices, intake, token, ca, connect, certificates, metrics, clock, log };
  const listeners = await startListeners(settings, deps).catch(async (error: unknown) => {
    certificates.close();
    await mail.stop();
    throw error;
  });
  const view = {
    settings: current,
    folder,
    mail,
    listeners,
    certificates,
    lately,
    brokerUrl,
    version,
    startedAt,
    clock,
  };
  return {
    listeners: listeners.running,
    status: gatewayStatus(view),
    actions: gatewayActions(view),
    metrics,
    certificates,
    /** What has changed takes effect; sessions that are under way go on. Throws `ConfigError`, and nothing has changed. */
    reload: (changed: GatewaySettings): Promise<void> =>
      inTurn('reload', async () => {
        await certificates.reload();
        await listeners.apply(changed);
        const left = AT_START.filter((name) => !isDeepStrictEqual(settings[name], changed[name]));
        settings = changed;
        await mail.tryMended();
        log.info('gateway.reloaded');
        if (left.length > 0) {
          const detail = `Restart the gateway to have the change of ${left.join(', ')} take effect.`;
          log.warn('gateway.restart_needed', { detail });
        }
      }),
    /** No more mail comes in, and none is begun meanwhile: a slow device may use up the time that a message in hand needs to end. */
    async stop(): Promise<void> {
      mail.beginNoMore();
      await listeners.close();
      await mail.stop();
      certificates.close();
    },
  };
};

export type Gateway = Awaited<ReturnType<typeof startGateway>>;
