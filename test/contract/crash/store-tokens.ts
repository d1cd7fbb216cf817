/**
 * A broker that goes on while tokens move: it reads, replaces and sometimes makes tokens by way of both vaults, and says
 * each one that is stored, `<grant> <token>`, until it is told to stop. Exits 3 when a grant has lost its token.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { secretsManagerClient } from '../../../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { cloudTokenVault } from '../../../shared/adapters/vaults/cloud-token-vault.ts';
import type { VaultChoice } from '../../../shared/config/cloud-environment.ts';

const {
  BROKER_TABLE = '',
  BROKER_VAULT_PREFIX = '',
  BROKER_VAULT_KMS_KEY = '',
  BROKER_VAULT_KEYS_SECRET = '',
} = process.env;
const [choice, ...grants] = process.argv.slice(2);
const table = dynamodbTable(new DynamoDBClient(), BROKER_TABLE);
const places = { BROKER_VAULT_PREFIX, BROKER_VAULT_KMS_KEY, BROKER_VAULT_KEYS_SECRET };
const variables = { BROKER_VAULT: choice as VaultChoice, ...places };
const vault = cloudTokenVault(variables, { table, secrets: secretsManagerClient(), clock });

let stopped = false;
process.stdin.once('data', () => {
  stopped = true;
});

for (let n = 0; !stopped; n++) {
  const grantId = grants[n % grants.length] ?? '';
  const found = await vault.read(grantId);
  if (found === undefined) process.exit(3);
  const refreshToken = `${grantId} ${n}`;
  const token = { refreshToken, previousRefreshToken: found.refreshToken, storedAt: Math.floor(Date.now() / 1000) };
  const { outcome } = await vault.store(grantId, token, found.version);
  // Nobody else stores by way of both vaults here: the migrator's copies must never be in the way.
  if (outcome !== 'stored') process.exit(4);
  process.stdout.write(`${refreshToken}\n`);
}
process.exit(0);
