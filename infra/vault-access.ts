import type { VaultChoice } from '../shared/config/cloud-environment.ts';
import type { FunctionName, TableAction } from './table-access.ts';

/** What a function does with refresh tokens: to the secrets of grants, and in the vault's partitions of the table. */
export interface VaultRights {
  readonly secretActions: readonly `secretsmanager:${string}`[];
  readonly tableActions: readonly TableAction[];
}

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

/** By function; who is not in here never comes near a refresh token (design rule 4). */
export const VAULT_ACCESS: { readonly [Name in FunctionName]?: Readonly<Record<VaultChoice, VaultRights>> } = {
  'sign-in': opening(STORE),
  'refresh-grants/worker': opening(REPLACE),
  admin: REMOVING,
};
