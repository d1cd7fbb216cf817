import { RETENTION_DAYS } from '../domain/retention.ts';
import { ConfigError } from './config-document.ts';

/** The one machine's settings (docs/configuration.md). */
export interface LocalEnvironment {
  readonly port: number;
  readonly host: string;
  /** Undefined: `http://localhost:<port>`, whichever port it becomes. */
  readonly publicUrl: string | undefined;
  readonly dataDir: string;
  readonly adminKey: string | undefined;
  readonly configFile: string | undefined;
  /** The stand-ins' login pages and inbox, and their mail servers; another free port is taken where these are in use. */
  readonly standInPort: number;
  readonly standInSmtpPort: number;
  readonly standInPopPort: number;
  readonly standInImapPort: number;
  /** How people are told (docs/notifications.md). */
  readonly noticeMailbox: string | undefined;
  readonly allowsPrivateWebhooks: boolean;
  readonly noticeGatherSeconds: number | undefined;
  /** Whether requests leave by a proxy. */
  readonly isProxied: boolean;
  /** For how many days mail that has ended is kept. */
  readonly retentionDays: number;
  /** Whether a gateway for devices that know only SMTP and POP3 runs in the same process. */
  readonly withGateway: boolean;
  /** For tests: how long the stand-ins' access tokens live, and whether their faults can be set over HTTP. */
  readonly standInTokenSeconds: number | undefined;
  readonly testControls: boolean;
}

const PORT_LIMIT = 65_535;

const portOf = (name: string, text: string): number => {
  if (/^\d{1,5}$/.test(text) && Number(text) <= PORT_LIMIT) return Number(text);
  throw new ConfigError(`${name} must be a port from 0 to ${PORT_LIMIT} (0 takes any free one).`);
};

const secondsOf = (name: string, text: string): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new ConfigError(`${name} must be a whole number of seconds.`);
};

const retentionDaysOf = (text: string): number => {
  const { least, most } = RETENTION_DAYS;
  if (/^\d{1,3}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new ConfigError(`BROKER_RETENTION_DAYS must be a whole number of days from ${least} to ${most}.`);
};

const publicUrlOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new ConfigError('BROKER_PUBLIC_URL must be http(s)://host[:port] without a path.');
  }
  return url.origin;
};

const allowedBy = (name: string, text: string): boolean => {
  if (text === 'allow' || text === 'refuse') return text === 'allow';
  throw new ConfigError(`${name} must be allow or refuse.`);
};

const switchedOn = (name: string, text: string): boolean => {
  if (text === 'on' || text === 'off') return text === 'on';
  throw new ConfigError(`${name} must be on or off.`);
};

/** An empty variable counts as absent. Throws `ConfigError`. */
export const readLocalEnvironment = (env: Readonly<Record<string, string | undefined>>): LocalEnvironment => {
  return {
    port: portOf('BROKER_PORT', env.BROKER_PORT || '8787'),
    host: env.BROKER_HOST || '127.0.0.1',
    publicUrl: env.BROKER_PUBLIC_URL ? publicUrlOf(env.BROKER_PUBLIC_URL) : undefined,
    dataDir: env.BROKER_DATA_DIR || './data',
    adminKey: env.BROKER_ADMIN_KEY || undefined,
    configFile: env.BROKER_CONFIG || undefined,
    retentionDays: retentionDaysOf(env.BROKER_RETENTION_DAYS || String(RETENTION_DAYS.unlessSet)),
    standInPort: portOf('STAND_IN_PORT', env.STAND_IN_PORT || '8788'),
    standInSmtpPort: portOf('STAND_IN_SMTP_PORT', env.STAND_IN_SMTP_PORT || '2587'),
    standInPopPort: portOf('STAND_IN_POP_PORT', env.STAND_IN_POP_PORT || '2995'),
    standInImapPort: portOf('STAND_IN_IMAP_PORT', env.STAND_IN_IMAP_PORT || '2993'),
    noticeMailbox: env.BROKER_NOTICE_MAILBOX || undefined,
    allowsPrivateWebhooks: allowedBy('BROKER_PRIVATE_WEBHOOKS', env.BROKER_PRIVATE_WEBHOOKS || 'refuse'),
    noticeGatherSeconds: env.BROKER_NOTICE_GATHER_SECONDS
      ? secondsOf('BROKER_NOTICE_GATHER_SECONDS', env.BROKER_NOTICE_GATHER_SECONDS)
      : undefined,
    withGateway: switchedOn('BROKER_GATEWAY', env.BROKER_GATEWAY || 'on'),
    isProxied: Boolean(env.HTTPS_PROXY || env.https_proxy),
    standInTokenSeconds: env.STAND_IN_TOKEN_SECONDS
      ? secondsOf('STAND_IN_TOKEN_SECONDS', env.STAND_IN_TOKEN_SECONDS)
      : undefined,
    testControls: env.STAND_IN_TEST_CONTROLS === 'on',
  };
};
