import type { SecureContextOptions } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../shared/config/config-document.ts';
import type { MailServer } from '../shared/domain/provider.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { GatewayLink } from '../shared/ports/gateway-link.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Devices } from './access/devices.ts';
import { startImapListener } from './imap/listener.ts';
import type { GatewayMetrics } from './metrics.ts';
import { startPop3Listener } from './pop3/listener.ts';
import type { ConnectTo } from './proxy/connect-through.ts';
import type { ProxyOptions } from './proxy/options.ts';
import type { GatewaySettings, ListenerSettings } from './settings.ts';
import { SMTP_LIMITS, type SmtpLimits } from './smtp/options.ts';
import { startSmtpListener } from './smtp/server.ts';
import type { Intake } from './spool/intake.ts';
import type { Certificates } from './tls/certificates.ts';
import { tlsOptions } from './tls/profiles.ts';

/** What every listener hands its devices to. */
export interface ListenerDeps {
  readonly devices: Devices;
  readonly intake: Intake;
  readonly token: GatewayLink['token'];
  readonly ca: (server: MailServer) => string | undefined;
  readonly connect: ConnectTo;
  readonly certificates: Certificates;
  readonly metrics: GatewayMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** A large scan of a slow device that was under way when its listener went; nobody waits for the end of it. */
const LEAVING_SECONDS = 300;

interface Running {
  readonly settings: ListenerSettings;
  readonly port: number;
  isAccepting(): boolean;
  renew(): void;
  setLimits(limits: SmtpLimits): void;
  close(deadlineSeconds?: number): Promise<void>;
}

export interface Listeners {
  /** With the ports that they have. */
  running(): readonly (ListenerSettings & { readonly port: number; readonly isAccepting: boolean })[];
  /**
   * What stays as it was goes on as it does; what is new begins, and what is gone takes no more devices. Throws `ConfigError` where
   * a new one cannot begin, and changes nothing then.
   */
  apply(settings: GatewaySettings): Promise<void>;
  /** Those who are at it finish. */
  close(): Promise<void>;
}

const smtpLimits = ({ limits }: GatewaySettings): SmtpLimits => ({
  ...SMTP_LIMITS,
  recipients: limits.recipients,
  connections: limits.connections,
  connectionsPerAddress: limits.connections_per_address,
});

/** Throws `ConfigError` where a port cannot be had. */
const orSay = async <Listener>(
  { protocol, host, port }: ListenerSettings,
  begin: Promise<Listener>,
): Promise<Listener> => {
  try {
    return await begin;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    const remedy =
      code === 'EADDRINUSE'
        ? 'another program has it; stop that, or choose another port'
        : code === 'EACCES'
          ? 'a port below 1024 needs a right of its own; docs/gateway-install.md tells how'
          : `${code}; check host and port`;
    throw new ConfigError(`Cannot listen for ${protocol} on ${host}, port ${port}: ${remedy}.`);
  }
};

export const startListeners = async (first: GatewaySettings, deps: ListenerDeps): Promise<Listeners> => {
  const { certificates, metrics, log } = deps;
  let running: readonly Running[] = [];
  let applied = first;

  const tlsFor = (listener: ListenerSettings) => (): SecureContextOptions => {
    const { certificate, key } = certificates.current();
    return { ...tlsOptions(listener.profile), cert: certificate, key };
  };

  const startSmtp = async (listener: ListenerSettings, settings: GatewaySettings): Promise<Running> => {
    const { host, port, security, recognize_tls, cleartext_sign_in, trusted_proxies } = listener;
    const started = await startSmtpListener({
      host,
      port,
      security,
      name: settings.name,
      recognizesTls: recognize_tls,
      cleartextSignIn: cleartext_sign_in,
      trustedProxies: trusted_proxies,
      tls: tlsFor(listener),
      limits: smtpLimits(settings),
      deps: { ...deps, metrics: metrics.smtp },
    });
    return { settings: listener, ...started };
  };

  const startProxy = async (listener: ListenerSettings, settings: GatewaySettings): Promise<Running> => {
    const { protocol, host, port, security, cleartext_sign_in } = listener;
    const { connections, connections_per_address } = settings.limits;
    const options: ProxyOptions = {
      host,
      port,
      security,
      cleartextSignIn: cleartext_sign_in,
      tls: tlsFor(listener),
      connections: { overall: connections, perAddress: connections_per_address },
      deps: {
        ...deps,
        connect: (server, signal) => deps.connect(server.host, server.port, signal),
        metrics: metrics.proxy(protocol),
      },
    };
    const started = await (protocol === 'pop3' ? startPop3Listener(options) : startImapListener(options));
    return { settings: listener, setLimits: () => undefined, ...started };
  };

  const start = (listener: ListenerSettings, settings: GatewaySettings): Promise<Running> =>
    orSay(listener, listener.protocol === 'smtp' ? startSmtp(listener, settings) : startProxy(listener, settings));

  /** Who is at it goes on meanwhile. */
  const leave = (one: Running): void => {
    void one
      .close(LEAVING_SECONDS)
      .catch((error: unknown) => log.error('listener.not_closed', { error: String(error) }));
  };

  const apply = async (settings: GatewaySettings): Promise<void> => {
    const stays = running.filter((one) => settings.listeners.some((wanted) => isDeepStrictEqual(wanted, one.settings)));
    const goes = running.filter((one) => !stays.includes(one));
    const wanted = settings.listeners.filter((one) => !stays.some((stay) => isDeepStrictEqual(one, stay.settings)));
    const isFree = ({ port }: ListenerSettings): boolean => !goes.some((one) => one.port === port);
    const added: Running[] = [];
    const left: Running[] = [];
    try {
      // What can fail without a trace goes first.
      for (const one of wanted.filter(isFree)) added.push(await start(one, settings));
      const taken = wanted.filter((one) => !isFree(one));
      left.push(...goes.filter((one) => taken.some(({ port }) => port === one.port)));
      for (const one of left) leave(one);
      for (const one of taken) added.push(await start(one, settings));
    } catch (error) {
      // Then all stays as it was.
      await Promise.all(added.map((one) => one.close()));
      const back = await Promise.all(left.map((one) => start(one.settings, applied)));
      running = [...running.filter((one) => !left.includes(one)), ...back];
      throw error;
    }
    for (const one of stays) one.setLimits(smtpLimits(settings));
    for (const one of goes) if (!left.includes(one)) leave(one);
    running = [...stays, ...added];
    applied = settings;
  };

  const close = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.close()));
  };

  try {
    await apply(first);
  } catch (error) {
    await close();
    throw error;
  }
  const stopRenewing = certificates.onRenewal(() => {
    for (const one of running) one.renew();
  });
  return {
    running: () =>
      running.map(({ settings, port, isAccepting }) => ({ ...settings, port, isAccepting: isAccepting() })),
    apply,
    async close() {
      stopRenewing();
      await close();
    },
  };
};
