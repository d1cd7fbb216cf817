import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { fileKeyRing } from '../../shared/adapters/key-ring/file-key-ring.ts';
import { secretsManagerTokenVault } from '../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { migratingTokenVault } from '../../shared/adapters/vaults/migrating-token-vault.ts';
import type { TokenVault } from '../../shared/ports/token-vault.ts';
import { type Fault, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { type SecretsManagerOptions, startSecretsManager } from '../fakes/secrets-manager.ts';

export interface Started {
  readonly vault: TokenVault;
  /** Loses the answer to the next request of each operation; where there is a network to lose it. */
  loseAnswersOnce?(): void;
  close(): Promise<void>;
}

export const inSecretsManager = async (options: SecretsManagerOptions = {}) => {
  /** Each met once, by the operation it is for; `lasting` ones again and again. */
  const faults = new Map<string, Fault>();
  const lasting = new Map<string, Fault>();
  const pauses: number[] = [];
  const emulator = await startSecretsManager({
    injectFault({ operation }) {
      const fault = faults.get(operation);
      faults.delete(operation);
      return fault ?? lasting.get(operation);
    },
    ...options,
  });
  const client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint, maxAttempts: 2 });
  const sleep = async (milliseconds: number) => {
    pauses.push(milliseconds);
  };
  return {
    client,
    pauses,
    faults,
    lasting,
    vault: secretsManagerTokenVault(client, { prefix: 'broker/', sleep }),
    loseAnswersOnce() {
      for (const operation of ['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret']) {
        faults.set(operation, 'lose_answer');
      }
    },
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

export const inEnvelopesOnOneMachine = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  const database = openDatabase(':memory:');
  const table = sqliteTable(database);
  return {
    table,
    vault: envelopeTokenVault(table, fileKeyRing(join(folder, 'keys.json'))),
    async close() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
};

export const inEnvelopesOnDynamodb = async (): Promise<Started> => {
  const folder = await mkdtemp(join(tmpdir(), 'vault-'));
  let losesAnswer = false;
  const emulator = await startDynamodb({
    injectFault({ operation }) {
      if (operation !== 'PutItem' || !losesAnswer) return undefined;
      losesAnswer = false;
      return 'lose_answer';
    },
  });
  await emulator.createTable(tableDefinition('broker'));
  const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  return {
    vault: envelopeTokenVault(dynamodbTable(client, 'broker'), fileKeyRing(join(folder, 'keys.json'))),
    loseAnswersOnce() {
      losesAnswer = true;
    },
    async close() {
      client.destroy();
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
};

export const STORED_AT = 1_800_000_000;

export const token = (refreshToken: string, previousRefreshToken?: string, storedAt = STORED_AT) => ({
  refreshToken,
  ...(previousRefreshToken !== undefined && { previousRefreshToken }),
  storedAt,
});

/** Stores where that must go through, and gives the version. */
export const stored = async (
  ...[vault, ...rest]: [TokenVault, ...Parameters<TokenVault['store']>]
): Promise<string> => {
  const result = await vault.store(...rest);
  assert.equal(result.outcome, 'stored');
  return result.outcome === 'stored' ? result.version : '';
};

/** On the way from one to the other, both over the network or one of them. */
export const betweenVaults =
  (direction: 'to_envelopes' | 'to_secrets') => async (): Promise<Started & { from: TokenVault; to: TokenVault }> => {
    const secrets = await inSecretsManager();
    const envelopes = await inEnvelopesOnOneMachine();
    const [from, to] =
      direction === 'to_envelopes' ? [secrets.vault, envelopes.vault] : [envelopes.vault, secrets.vault];
    return {
      from,
      to,
      vault: migratingTokenVault(from, to),
      loseAnswersOnce: secrets.loseAnswersOnce,
      async close() {
        await secrets.close();
        await envelopes.close();
      },
    };
  };
