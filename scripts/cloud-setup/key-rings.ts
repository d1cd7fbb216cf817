import { randomBytes } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
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

/**
 * Puts a new random key into a key-ring secret that is still empty: CloudFormation can make a password, but no JSON with a
 * key inside. What holds a value is left as it is. Keys are made on this machine and go nowhere but to Secrets Manager.
 * Throws what Secrets Manager says no with.
 */
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
