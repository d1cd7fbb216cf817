import { readFileSync } from 'node:fs';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { secretText } from '../../shared/adapters/secrets-manager/secret-text.ts';
import { ConfigError } from '../../shared/config/config-document.ts';
import { type BrokerConfig, NO_PROVIDERS, parseBrokerConfig } from '../../shared/config/provider-config.ts';
import { asking, CommandTrouble } from '../cloud/command-trouble.ts';

/** API reference, PutSecretValue. */
const MOST_BYTES = 65_536;

export interface ProviderDocument {
  readonly text: string;
  readonly config: BrokerConfig;
}

/** Throws `CommandTrouble` or `ConfigError`; neither repeats anything of the document. */
export const readDocument = (path: string): ProviderDocument => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new CommandTrouble(`${path} cannot be read (${code}).`, 'name the provider document: --config broker.json');
  }
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new CommandTrouble(
      `${path} has more than ${MOST_BYTES} bytes, which is what a secret holds.`,
      'write the JSON without spaces',
    );
  }
  return { text, config: parseBrokerConfig(text, path) };
};

/** Fields that the functions in AWS pass over: they send to the providers' own mail servers. */
export const unusedIn = ({ config }: ProviderDocument): readonly string[] =>
  Object.entries(config.providers).flatMap(([provider, entry]) =>
    (['smtp', 'pop', 'imap', 'api'] as const)
      .filter((server) => entry?.[server] !== undefined)
      .map((server) => `providers.${provider}.${server}`),
  );

type Leaves = ReadonlyMap<string, string>;

const leavesOf = (value: unknown, path = ''): Leaves => {
  if (typeof value !== 'object' || value === null) return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, path === '' ? key : `${path}.${key}`)]),
  );
};

/** Names of fields alone: most values here are nobody's business on a screen. */
export const differences = (before: unknown, after: unknown): readonly string[] => {
  const [old, next] = [leavesOf(before), leavesOf(after)];
  const names = [...new Set([...old.keys(), ...next.keys()])].toSorted();
  return names.flatMap((name) => {
    if (!old.has(name)) return [`+ ${name}`];
    if (!next.has(name)) return [`- ${name}`];
    return old.get(name) === next.get(name) ? [] : [`~ ${name}`];
  });
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
};

export interface StoredDocument {
  readonly text: string;
  /** Undefined: the functions cannot read what is stored. */
  readonly config: BrokerConfig | undefined;
}

export const storedDocument = async (client: SecretsManagerClient, secretId: string): Promise<StoredDocument> => {
  const text = await asking('The stored provider document could not be read', () =>
    secretText(client, secretId, { unlessSet: NO_PROVIDERS }),
  );
  try {
    return { text, config: parseBrokerConfig(text, 'the stored document') };
  } catch {
    return { text, config: undefined };
  }
};

export const isEmpty = ({ config }: StoredDocument): boolean =>
  config !== undefined && Object.keys(config.providers).length + Object.keys(config.organizations).length === 0;

/** Whether the version before the stored one holds registrations: somebody has emptied it. */
export const hasFormer = async (client: SecretsManagerClient, SecretId: string): Promise<boolean> => {
  try {
    const former = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPREVIOUS' }));
    const text = former.SecretString ?? '{}';
    return !isEmpty({ text, config: parseBrokerConfig(text, 'the former document') });
  } catch (error) {
    // There is none, or none that would help.
    if (error instanceof ResourceNotFoundException || error instanceof ConfigError) return false;
    throw error;
  }
};

/** The names of what would change; none: it is the same document. */
export const changesTo = ({ text }: ProviderDocument, stored: StoredDocument): readonly string[] =>
  differences(parsed(stored.text), parsed(text));

/** Secrets Manager keeps the version before under the label AWSPREVIOUS. */
export const storeDocument = async (
  client: SecretsManagerClient,
  secretId: string,
  { text }: ProviderDocument,
): Promise<void> => {
  await asking('The provider document could not be stored', () =>
    client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: text })),
  );
};
