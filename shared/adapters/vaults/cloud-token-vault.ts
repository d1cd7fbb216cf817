import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ConfigError } from '../../config/provider-config.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import { envelopeTokenVault } from '../envelope/envelope-token-vault.ts';
import { secretsManagerKeyRing } from '../secrets-manager/secrets-manager-key-ring.ts';
import { secretsManagerTokenVault } from '../secrets-manager/secrets-manager-token-vault.ts';

/** The vault that a deployment has chosen: a secret for each grant, or envelopes in the table (docs/adr/0002). */
export const cloudTokenVault = (
  env: {
    readonly BROKER_VAULT: 'secrets-manager' | 'envelope';
    readonly BROKER_VAULT_PREFIX?: string;
    readonly BROKER_VAULT_KEYS_SECRET?: string;
  },
  { table, secrets, clock }: { readonly table: Table; readonly secrets: SecretsManagerClient; readonly clock: Clock },
): TokenVault => {
  const { BROKER_VAULT: vault, BROKER_VAULT_PREFIX: prefix, BROKER_VAULT_KEYS_SECRET: secretId } = env;
  if (vault === 'envelope') {
    if (secretId === undefined) throw new ConfigError('BROKER_VAULT_KEYS_SECRET is needed for the envelope vault.');
    return envelopeTokenVault(table, secretsManagerKeyRing(secrets, { secretId, clock }));
  }
  if (prefix === undefined) throw new ConfigError('BROKER_VAULT_PREFIX is missing.');
  return secretsManagerTokenVault(secrets, { prefix });
};
