import type { VaultChoice } from '../../shared/config/cloud-environment.ts';
import type { FunctionName, TableAction } from './table-access.ts';

/** What a function does with refresh tokens: to the secrets of grants, and in the vault's partitions of the table. */
export interface VaultRights {
  readonly secretActions: readonly `secretsmanager:${string}`[];
  readonly tableActions: readonly TableAction[];
}

/** Secrets of grants begin with it. */
export const vaultPrefix = (name: string): string => `${name}/grant/`;

/** What secretsManagerTokenVault calls to put a rotated token in the place of one, by compare-and-swap. */
const REPLACE = [
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
] as const;

/** A sign-in also makes the secret, or takes back one that is scheduled for deletion. */
const STORE = [...REPLACE, 'secretsmanager:CreateSecret', 'secretsmanager:RestoreSecret'] as const;

/** While tokens leave Secrets Manager nothing is stored there; a reading finishes a store that was interrupted. */
const READ_TO_LEAVE = ['secretsmanager:GetSecretValue', 'secretsmanager:UpdateSecretVersionStage'] as const;

const opening = (secretActions: VaultRights['secretActions']): Record<VaultChoice, VaultRights> => ({
  'secrets-manager': { secretActions, tableActions: [] },
  envelope: { secretActions: [], tableActions: ['GetItem', 'PutItem'] },
  'secrets-manager-to-envelope': { secretActions: READ_TO_LEAVE, tableActions: ['GetItem', 'PutItem'] },
  // A refreshed grant may have no secret yet.
  'envelope-to-secrets-manager': { secretActions: STORE, tableActions: ['GetItem'] },
});

/** Signing out deletes without having read. */
const DELETE_SECRET = { secretActions: ['secretsmanager:DeleteSecret'] } as const;
const DELETE_ENVELOPE = { tableActions: ['DeleteItem'] } as const;

const REMOVING: Record<VaultChoice, VaultRights> = {
  'secrets-manager': { ...DELETE_SECRET, tableActions: [] },
  envelope: { secretActions: [], ...DELETE_ENVELOPE },
  'secrets-manager-to-envelope': { ...DELETE_SECRET, ...DELETE_ENVELOPE },
  'envelope-to-secrets-manager': { ...DELETE_SECRET, ...DELETE_ENVELOPE },
};

/** Does both. */
const alsoRemoving = (rights: Record<VaultChoice, VaultRights>): Record<VaultChoice, VaultRights> => {
  const both = (vault: VaultChoice): VaultRights => ({
    secretActions: [...rights[vault].secretActions, ...REMOVING[vault].secretActions],
    tableActions: [...rights[vault].tableActions, ...REMOVING[vault].tableActions],
  });
  return {
    'secrets-manager': both('secrets-manager'),
    envelope: both('envelope'),
    'secrets-manager-to-envelope': both('secrets-manager-to-envelope'),
    'envelope-to-secrets-manager': both('envelope-to-secrets-manager'),
  };
};

/** By function; who is not in here never comes near a refresh token (design rule 4). */
export const VAULT_ACCESS: { readonly [Name in FunctionName]?: Readonly<Record<VaultChoice, VaultRights>> } = {
  // A person signs in there, and out of their own slot at a device.
  'sign-in': alsoRemoving(opening(STORE)),
  // Empties the slots of users who have been away.
  'refresh-grants/worker': alsoRemoving(opening(REPLACE)),
  admin: REMOVING,
};
