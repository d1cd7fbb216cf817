import type { VaultRights } from './vault-access.ts';

type SecretAction = VaultRights['secretActions'][number];

/**
 * What Secrets Manager asks of KMS in the caller's name (User Guide, "Secret encryption and decryption"): a data key for
 * every value that is written, and opening it for every value that is read. Creating a secret tries both; putting a version
 * that exists already compares the two values. Labels, deleting and restoring touch no value.
 */
const NEEDS_A_DATA_KEY: readonly SecretAction[] = ['secretsmanager:CreateSecret', 'secretsmanager:PutSecretValue'];
const OPENS: readonly SecretAction[] = ['secretsmanager:GetSecretValue', ...NEEDS_A_DATA_KEY];

/** What must be allowed on the key for these actions on secrets to succeed. */
export const keyActionsFor = (secretActions: readonly SecretAction[]): string[] => [
  ...(secretActions.some((action) => OPENS.includes(action)) ? ['kms:Decrypt'] : []),
  ...(secretActions.some((action) => NEEDS_A_DATA_KEY.includes(action)) ? ['kms:GenerateDataKey'] : []),
];

/** The condition that Secrets Manager uses the key in somebody's name, and nobody by themselves. */
export const viaSecretsManager = (region: string) => ({ 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` });

/** The condition that it is for these secrets: Secrets Manager binds every data key to the ARN of its secret. */
export const forSecrets = (arns: readonly string[]) => ({ 'kms:EncryptionContext:SecretARN': [...arns] });
