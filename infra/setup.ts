/**
 * Puts a new random key into each key-ring secret that is still empty: `node infra/setup.ts <secret ARN>...`, once after
 * the first deployment (the stack's output KeySetup is the whole command). What holds a value is left as it is, so that
 * running it again does no harm. Keys are made on this machine and go nowhere but to Secrets Manager.
 */
import { randomBytes } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/**
 * As shared/adapters/key-ring reads it: AES-256 keys by id, and which of them seals. The id is random, so that a ring made
 * anew never passes for the lost one.
 */
const newKeyRing = (): string => {
  const id = `k${randomBytes(4).toString('hex')}`;
  return JSON.stringify({ current: id, keys: { [id]: randomBytes(32).toString('base64') } });
};

/**
 * Names the first version, always the same: Secrets Manager takes a version id once and refuses it for another value
 * (API reference, PutSecretValue), so that of two setups at once one wins and the other changes nothing.
 */
const FIRST_VERSION = 'first-key-ring-of-the-token-broker';

const hasValue = async (client: SecretsManagerClient, secretId: string): Promise<boolean> => {
  try {
    await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return true;
  } catch (error) {
    // Also where there is no such secret; then the put says so.
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
};

/** Throws what Secrets Manager says no with. */
export const fillKeyRing = async (client: SecretsManagerClient, secretId: string): Promise<'made' | 'kept'> => {
  if (await hasValue(client, secretId)) return 'kept';
  const input = { SecretId: secretId, SecretString: newKeyRing(), ClientRequestToken: FIRST_VERSION };
  try {
    await client.send(new PutSecretValueCommand(input));
    return 'made';
  } catch (error) {
    if (error instanceof ResourceExistsException) return 'kept';
    throw error;
  }
};

/** `arn:aws:secretsmanager:<region>:…`, so that no region has to be set on this machine. */
const regionOf = (arn: string): string | undefined => /^arn:[^:]+:secretsmanager:([^:]+):/.exec(arn)?.[1];

const main = async (arns: readonly string[]): Promise<void> => {
  if (arns.length === 0 || arns.some((arn) => regionOf(arn) === undefined)) {
    console.error(
      'error: expected the ARNs of key-ring secrets\nhint: the output KeySetup of the data stack names them',
    );
    process.exitCode = 2;
    return;
  }
  for (const arn of arns) {
    const region = regionOf(arn);
    const outcome = await fillKeyRing(new SecretsManagerClient(region === undefined ? {} : { region }), arn);
    console.log(`${outcome === 'made' ? 'key made ' : 'left as it was'} ${arn}`);
  }
};

if (import.meta.main) await main(process.argv.slice(2));
