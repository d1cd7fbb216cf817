import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { VaultChoice } from '../../config/cloud-environment.ts';
import { ConfigError } from '../../config/config-document.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import { envelopeTokenVault } from '../envelope/envelope-token-vault.ts';
import { secretsManagerKeyRing } from '../secrets-manager/secrets-manager-key-ring.ts';
import { secretsManagerTokenVault } from '../secrets-manager/secrets-manager-token-vault.ts';
import { migratingTokenVault } from './migrating-token-vault.ts';

interface Variables {
  readonly BROKER_VAULT_PREFIX?: string;
  readonly BROKER_VAULT_KMS_KEY?: string;
  readonly BROKER_VAULT_KEYS_SECRET?: string;
}

interface Clients {
  readonly table: Table;
  readonly secrets: SecretsManagerClient;
  readonly clock: Clock;
}

/** The vault that a deployment has chosen: a secret for each grant, envelopes in the table, or on the way from one to the other. */
export const cloudTokenVault = (
  { BROKER_VAULT: choice, ...variables }: Variables & { readonly BROKER_VAULT: VaultChoice },
  clients: Clients,
): TokenVault => {
  const { secretsManager, envelopes } = cloudTokenVaults(variables, clients);
  switch (choice) {
    case 'secrets-manager':
      return secretsManager();
    case 'envelope':
      return envelopes();
    case 'secrets-manager-to-envelope':
      return migratingTokenVault(secretsManager(), envelopes());
    case 'envelope-to-secrets-manager':
      return migratingTokenVault(envelopes({ isLeft: true }), secretsManager());
  }
};

/** Both, each made when it is asked for. Throws `ConfigError` where its variable is missing. */
export const cloudTokenVaults = (
  { BROKER_VAULT_PREFIX: prefix, BROKER_VAULT_KMS_KEY: kmsKeyId, BROKER_VAULT_KEYS_SECRET: secretId }: Variables,
  { table, secrets, clock }: Clients,
) => ({
  secretsManager(): TokenVault {
    if (prefix === undefined) throw new ConfigError('BROKER_VAULT_PREFIX is missing.');
    return secretsManagerTokenVault(secrets, { prefix, ...(kmsKeyId !== undefined && { kmsKeyId }) });
  },
  /** `isLeft`: who reads there may not write there (infra/rights/vault-access.ts). */
  envelopes(how: { readonly isLeft?: boolean } = {}): TokenVault {
    if (secretId === undefined) throw new ConfigError('BROKER_VAULT_KEYS_SECRET is needed for the envelope vault.');
    return envelopeTokenVault(table, secretsManagerKeyRing(secrets, { secretId, clock }), how);
  },
});
