import * as v from 'valibot';
import { contentLifeSeconds, RETENTION_DAYS, retentionSeconds } from '../domain/retention.ts';
import { ConfigError } from './config-document.ts';

const text = v.pipe(v.string(), v.minLength(1));
const optional = v.exactOptional(v.string());

/** Where refresh tokens rest; the last two while they move from one to the other (docs/vaults.md). */
export const VAULT_CHOICES = [
  'secrets-manager',
  'envelope',
  'secrets-manager-to-envelope',
  'envelope-to-secrets-manager',
] as const;

export type VaultChoice = (typeof VAULT_CHOICES)[number];

/** How long mail is kept. */
export { contentLifeSeconds, RETENTION_DAYS, retentionSeconds };

/** Environment variables of the functions in AWS; every function is given only what it needs. */
const cloudEnvironment = v.object({
  /** The deployment's name; a dimension of its metrics. */
  BROKER_NAME: text,
  BROKER_PUBLIC_URL: text,
  BROKER_TABLE: text,
  /** Secret with the keys that seal access tokens and sign-in attempts. */
  BROKER_ACCESS_KEYS_SECRET: optional,
  /** Secret with the keys of the envelope vault; only where that is the vault, or one of two. */
  BROKER_VAULT_KEYS_SECRET: optional,
  BROKER_VAULT: v.optional(v.picklist(VAULT_CHOICES), 'secrets-manager'),
  BROKER_VAULT_PREFIX: v.optional(v.string(), 'token-broker/grant/'),
  /** The KMS key for new secrets of grants; only for functions that make some. */
  BROKER_VAULT_KMS_KEY: optional,
  /** Secret with the document of `BROKER_CONFIG`. */
  BROKER_CONFIG_SECRET: optional,
  BROKER_ADMIN_KEY_SECRET: optional,
  /** Mail servers other than the providers' public ones, as JSON; no secrets in it. */
  BROKER_MAIL_SERVERS: v.optional(v.string(), '{}'),
  BROKER_GRANT_QUEUE_URL: optional,
  BROKER_MAIL_QUEUE_URL: optional,
  /** The dead letters of the two, for who reports them. */
  BROKER_GRANT_DEAD_LETTERS_URL: optional,
  BROKER_MAIL_DEAD_LETTERS_URL: optional,
  BROKER_REFRESH_FUNCTION: optional,
  BROKER_TEST_FUNCTION: optional,
  BROKER_BLOB_BUCKET: optional,
  /** For how many days mail that has ended is kept. */
  BROKER_RETENTION_DAYS: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/),
      v.toNumber(),
      v.minValue(RETENTION_DAYS.least),
      v.maxValue(RETENTION_DAYS.most),
    ),
    String(RETENTION_DAYS.unlessSet),
  ),
  /** Secret with the keys that seal the secrets of webhooks. */
  BROKER_WEBHOOK_KEYS_SECRET: optional,
  /** The mailbox by which the operator tells where an organization has none that works; `none`: there is none. */
  BROKER_NOTICE_MAILBOX: v.optional(v.string(), 'none'),
  /** Whether webhooks may lead to addresses that are not of the public internet. */
  BROKER_PRIVATE_WEBHOOKS: v.optional(v.picklist(['allow', 'refuse']), 'refuse'),
});

type CloudVariables = v.InferOutput<typeof cloudEnvironment>;
export type CloudVariable = keyof CloudVariables;

const NOTIFYING = ['BROKER_NOTICE_MAILBOX', 'BROKER_PRIVATE_WEBHOOKS'];
const DEFAULTED: ReadonlySet<string> = new Set([
  ...['BROKER_VAULT', 'BROKER_VAULT_PREFIX', 'BROKER_MAIL_SERVERS'],
  ...NOTIFYING,
  'BROKER_RETENTION_DAYS',
]);

/** Given to every function, or with a default. */
type AlwaysThere = 'BROKER_NAME' | 'BROKER_PUBLIC_URL' | 'BROKER_TABLE' | 'BROKER_VAULT_PREFIX' | 'BROKER_MAIL_SERVERS';

/** Only what is named in `needed` may be relied on. Throws `ConfigError` naming what is missing. */
export const readCloudEnvironment = <Needed extends CloudVariable>(
  env: Readonly<Record<string, string | undefined>>,
  ...needed: Needed[]
): Pick<Required<CloudVariables>, Needed | AlwaysThere> => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = v.safeParse(cloudEnvironment, given);
  const wrong = parsed.success ? [] : parsed.issues.map((issue) => v.getDotPath(issue) ?? '');
  const names = new Set([...wrong, ...needed.filter((name) => given[name] === undefined && !DEFAULTED.has(name))]);
  if (!parsed.success || names.size > 0) {
    throw new ConfigError(`The function's environment lacks or misstates: ${[...names].join(', ')}.`);
  }
  return parsed.output as Required<CloudVariables>;
};
