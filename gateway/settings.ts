import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { ConfigError, parseDocument } from '../shared/config/config-document.ts';
import { endpoint } from '../shared/config/endpoint.ts';
import { GATEWAY_WAYS } from '../shared/domain/gateway.ts';
import { RETENTION_DAYS } from '../shared/domain/retention.ts';
import { slotNamed } from '../shared/domain/slot.ts';
import { blockListOf } from './access/make-devices.ts';
import { TLS_PROFILES } from './tls/profiles.ts';

const isNetwork = (text: string): boolean => {
  try {
    blockListOf(text);
    return true;
  } catch {
    return false;
  }
};

const network = v.pipe(v.string(), v.check(isNetwork, 'must be an address or a network, such as 192.168.7.0/24'));
const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const text = v.pipe(v.string(), v.minLength(1));

const LISTENER_FIELDS = v.strictObject({
  protocol: v.picklist(['smtp', 'pop3', 'imap']),
  host: v.exactOptional(text),
  port,
  security: v.picklist(['starttls', 'tls', 'plain']),
  profile: v.optional(v.picklist(TLS_PROFILES), 'compatible'),
  /** Whether a password may come without TLS. */
  cleartext_sign_in: v.exactOptional(v.boolean()),
  /** Serves those by TLS who begin with it on a port without. */
  recognize_tls: v.optional(v.boolean(), false),
  trusted_proxies: v.optional(v.array(network), []),
});

const LISTENER = v.pipe(
  LISTENER_FIELDS,
  v.forward(
    v.check(
      ({ protocol, security, recognize_tls }) => !recognize_tls || (protocol === 'smtp' && security !== 'tls'),
      'is for smtp with starttls or plain only',
    ),
    ['recognize_tls'],
  ),
  v.forward(
    v.check(({ protocol, trusted_proxies }) => protocol === 'smtp' || trusted_proxies.length === 0, 'is for smtp only'),
    ['trusted_proxies'],
  ),
);

const LISTED = v.strictObject({
  network,
  client_id: text,
  client_secret: text,
  slot: v.optional(
    v.pipe(
      v.string(),
      v.check((slot) => slotNamed(slot) !== undefined, 'must be a slot'),
    ),
    'scan',
  ),
});

/** What bounds one gateway; what is left out is as for an office of some hundred devices. */
const LIMITS = v.strictObject({
  connections: v.optional(count, 200),
  connections_per_address: v.optional(count, 20),
  recipients: v.optional(v.pipe(count, v.maxValue(100)), 100),
  messages_per_minute: v.optional(count, 60),
  spool_messages: v.optional(count, 10_000),
  spool_bytes: v.optional(count, 5 * 1024 ** 3),
  free_bytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 256 * 1024 ** 2),
});

const STATUS = v.strictObject({
  port: v.optional(port, 8025),
  host: v.exactOptional(text),
  /** Shown without a password. */
  open: v.optional(v.boolean(), false),
  /** By HTTPS, with the gateway's certificate. */
  tls: v.optional(v.boolean(), false),
});

const DOCUMENT = v.strictObject({
  broker_url: v.exactOptional(endpoint),
  name: v.exactOptional(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/i, 'must be a host name'))),
  data_dir: v.exactOptional(text),
  host: v.exactOptional(text),
  way: v.optional(v.picklist(GATEWAY_WAYS), 'direct'),
  listeners: v.exactOptional(v.pipe(v.array(LISTENER), v.minLength(1, 'must name at least one'))),
  certificate: v.exactOptional(v.strictObject({ certificate_file: text, key_file: text })),
  /** Further names and addresses that devices call the gateway by, for its own certificate. */
  names: v.optional(v.array(text), []),
  listed_devices: v.optional(v.array(LISTED), []),
  limits: v.optional(LIMITS, {}),
  retention_days: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(RETENTION_DAYS.least), v.maxValue(RETENTION_DAYS.most)),
    RETENTION_DAYS.unlessSet,
  ),
  status: v.optional(STATUS, {}),
  /** PEM of authorities to trust for the providers' mail servers besides the public ones. */
  provider_ca_file: v.exactOptional(text),
});

export type GatewaySettings = Omit<
  v.InferOutput<typeof DOCUMENT>,
  'broker_url' | 'data_dir' | 'name' | 'listeners' | 'status'
> & {
  readonly name: string;
  readonly listeners: readonly ListenerSettings[];
  readonly status: v.InferOutput<typeof STATUS> & { readonly host: string };
};
export type ListenerSettings = Omit<v.InferOutput<typeof LISTENER>, 'host' | 'cleartext_sign_in'> & {
  readonly host: string;
  readonly cleartext_sign_in: boolean;
};

/** What `npm run gateway` is given; the rest it finds in its data folder. */
export interface GatewayProgramSettings extends GatewaySettings {
  readonly brokerUrl: string | undefined;
  readonly dataDir: string;
  readonly enrolmentToken: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const portOf = (name: string, given: string | undefined, unlessSet: number): number => {
  if (!given) return unlessSet;
  if (/^\d{1,5}$/.test(given) && Number(given) <= 65_535) return Number(given);
  throw new ConfigError(`${name} must be a port from 0 to 65535 (0 takes any free one).`);
};

/** Every device finds what it knows: STARTTLS, TLS from the first byte, or none; and POP3. */
const usualListeners = (env: Environment): v.InferOutput<typeof LISTENER>[] => {
  const usual = { profile: 'compatible' as const, recognize_tls: false, trusted_proxies: [] };
  return [
    {
      ...usual,
      protocol: 'smtp',
      port: portOf('GATEWAY_SMTP_PORT', env.GATEWAY_SMTP_PORT, 2525),
      security: 'starttls',
      cleartext_sign_in: true,
    },
    {
      ...usual,
      protocol: 'smtp',
      port: portOf('GATEWAY_SMTPS_PORT', env.GATEWAY_SMTPS_PORT, 2465),
      security: 'tls',
    },
    {
      ...usual,
      protocol: 'pop3',
      port: portOf('GATEWAY_POP3_PORT', env.GATEWAY_POP3_PORT, 2110),
      security: 'starttls',
      cleartext_sign_in: true,
    },
  ];
};

/** A file's name, or the document itself, where a file cannot be put (as in a container's task definition). */
const readDocument = (given: string | undefined) => {
  if (given === undefined) return parseDocument(DOCUMENT, '{}', 'the default');
  if (/^\s*\{/.test(given)) return parseDocument(DOCUMENT, given, 'GATEWAY_CONFIG');
  let content: string;
  try {
    content = readFileSync(given, 'utf8');
  } catch {
    throw new ConfigError(`GATEWAY_CONFIG names ${given}, which cannot be read.`);
  }
  return parseDocument(DOCUMENT, content, given);
};

/** `host`: where listeners listen that name no address. An empty variable counts as absent. Throws `ConfigError`. */
export const readGatewaySettings = (env: Environment, unlessSet: { readonly host: string }): GatewayProgramSettings => {
  const { broker_url, data_dir, name, listeners, ...document } = readDocument(env.GATEWAY_CONFIG || undefined);
  const host = env.GATEWAY_HOST || document.host || unlessSet.host;
  const url = env.GATEWAY_BROKER_URL || broker_url;
  const brokerUrl = url === undefined ? undefined : v.safeParse(endpoint, url);
  if (brokerUrl && !brokerUrl.success)
    throw new ConfigError('GATEWAY_BROKER_URL must be https:// (http:// is allowed on loopback only).');
  return {
    ...document,
    brokerUrl: brokerUrl?.output.replace(/\/+$/, ''),
    dataDir: resolve(env.GATEWAY_DATA_DIR || data_dir || './gateway-data'),
    enrolmentToken: env.GATEWAY_ENROLMENT_TOKEN || undefined,
    name: name ?? hostname(),
    listeners: (listeners ?? usualListeners(env)).map((listener) => ({
      ...listener,
      host: listener.host ?? host,
      // A port without TLS is there for those who have none.
      cleartext_sign_in: listener.cleartext_sign_in ?? listener.security === 'plain',
    })),
    status: {
      ...document.status,
      host: document.status.host ?? host,
      port: portOf('GATEWAY_STATUS_PORT', env.GATEWAY_STATUS_PORT, document.status.port),
    },
  };
};
