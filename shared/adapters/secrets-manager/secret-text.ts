import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';

/** As Secrets Manager says of a secret that was made without a value; one that is not there has the same name of error. */
const NO_VALUE = /specified secret value/;

/**
 * A secret that is a text, such as the provider configuration or the admin key. Throws where there is none, unless
 * `unlessSet` says what a secret without a value means.
 */
export const secretText = async (
  client: SecretsManagerClient,
  secretId: string,
  { unlessSet }: { readonly unlessSet?: string } = {},
): Promise<string> => {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    if (SecretString === undefined) throw new Error(`the secret ${secretId} holds no text`);
    // An empty text says as little as none.
    return SecretString === '' && unlessSet !== undefined ? unlessSet : SecretString;
  } catch (error) {
    const isEmpty = error instanceof ResourceNotFoundException && NO_VALUE.test(error.message);
    if (isEmpty && unlessSet !== undefined) return unlessSet;
    throw error;
  }
};
