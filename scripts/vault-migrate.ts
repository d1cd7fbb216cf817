/**
 * Moves refresh tokens from one vault to the other while the broker runs: docs/vaults.md, "Moving".
 * `npm run vault:migrate -- --from secrets-manager --to envelope`, or the other way round. May be killed and run again.
 */
import { parseArgs } from 'node:util';
import { dynamodbClient } from '../shared/adapters/dynamodb/dynamodb-client.ts';
import { dynamodbTable } from '../shared/adapters/dynamodb/dynamodb-table.ts';
import { secretsManagerClient } from '../shared/adapters/secrets-manager/secrets-manager-client.ts';
import { systemClock as clock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../shared/adapters/system/system-random.ts';
import { cloudTokenVaults } from '../shared/adapters/vaults/cloud-token-vault.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import { noKeyRing } from '../shared/ports/key-ring.ts';
import { brokerRecords } from '../shared/records/index.ts';
import { type MigrationTally, makeMigrateVault } from '../shared/usecases/grants/migrate-vault.ts';
import { runCommand } from './cloud/command-trouble.ts';

const VARIABLES = ['BROKER_TABLE', 'BROKER_VAULT_PREFIX', 'BROKER_VAULT_KMS_KEY', 'BROKER_VAULT_KEYS_SECRET'] as const;
const TELL_EVERY_MS = 5_000;

const USAGE = 'npm run vault:migrate -- --from secrets-manager --to envelope, or the other way round';

const directionOf = (args: string[]): 'secrets-manager-to-envelope' | 'envelope-to-secrets-manager' => {
  const options = { from: { type: 'string' }, to: { type: 'string' } } as const;
  const { from, to } = parseArgs({ args, options }).values;
  const direction = `${from}-to-${to}`;
  if (direction === 'secrets-manager-to-envelope' || direction === 'envelope-to-secrets-manager') return direction;
  throw new ConfigError('--from and --to must be secrets-manager and envelope, or the other way round.');
};

const required = (name: (typeof VARIABLES)[number]): string => {
  const value = process.env[name];
  if (!value) throw new ConfigError(`${name} is missing; needed are ${VARIABLES.join(', ')}.`);
  return value;
};

const summaryOf = ({ mailboxes, moved, nothing, signedOut, failed }: MigrationTally): string =>
  `${mailboxes} mailboxes: ${moved} moved, ${nothing} had nothing to move, ${signedOut.length} signed out, ${failed.length} failed`;

/** Says about every five seconds how far it is. */
const tellProgress = () => {
  let toldAt = clock.now();
  return (tally: MigrationTally): void => {
    if (clock.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = clock.now();
    console.log(summaryOf(tally));
  };
};

const migrate = async (): Promise<void> => {
  const direction = directionOf(process.argv.slice(2));
  const table = dynamodbTable(dynamodbClient(), required('BROKER_TABLE'));
  const variables = {
    BROKER_VAULT_PREFIX: required('BROKER_VAULT_PREFIX'),
    BROKER_VAULT_KMS_KEY: required('BROKER_VAULT_KMS_KEY'),
    BROKER_VAULT_KEYS_SECRET: required('BROKER_VAULT_KEYS_SECRET'),
  };
  const vaults = cloudTokenVaults(variables, { table, secrets: secretsManagerClient(), clock });
  const isToEnvelopes = direction === 'secrets-manager-to-envelope';
  const [from, to] = isToEnvelopes
    ? [vaults.secretsManager(), vaults.envelopes()]
    : [vaults.envelopes(), vaults.secretsManager()];
  const records = brokerRecords(table, noKeyRing, clock, random);
  console.log(`Moving refresh tokens; the broker must run with the vault ${direction} until this is done.`);
  const tally = await makeMigrateVault({ records, from, to, clock, progress: tellProgress() })();
  console.log(summaryOf(tally));
  for (const { id, address } of tally.signedOut) {
    console.log(
      `left alone  ${id}  ${address}: it is signed out, but a token is left; sign it out again to delete that`,
    );
  }
  for (const { mailbox, why } of tally.failed) console.log(`failed      ${mailbox.id}  ${mailbox.address}: ${why}`);
  if (tally.failed.length > 0) {
    console.error('error: not everything has moved\nhint: run the same command again; what has moved stays moved');
    process.exitCode = 1;
    return;
  }
  console.log(`Everything has moved. Now deploy with the vault ${direction.split('-to-')[1]}.`);
};

await runCommand(migrate, {
  usage: USAGE,
  settings: 'the output VaultMigration of the stack is the whole command; docs/vaults.md explains it',
});
