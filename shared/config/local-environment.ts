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
  /** The stand-ins' login pages and inbox, and their mail server; another free port is taken where these are in use. */
  readonly standInPort: number;
  readonly standInSmtpPort: number;
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

const publicUrlOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new ConfigError('BROKER_PUBLIC_URL must be http(s)://host[:port] without a path.');
  }
  return url.origin;
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
    standInPort: portOf('STAND_IN_PORT', env.STAND_IN_PORT || '8788'),
    standInSmtpPort: portOf('STAND_IN_SMTP_PORT', env.STAND_IN_SMTP_PORT || '2587'),
    standInTokenSeconds: env.STAND_IN_TOKEN_SECONDS
      ? secondsOf('STAND_IN_TOKEN_SECONDS', env.STAND_IN_TOKEN_SECONDS)
      : undefined,
    testControls: env.STAND_IN_TEST_CONTROLS === 'on',
  };
};
