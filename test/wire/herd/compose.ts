import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { envelopeTokenVault } from '../../../shared/adapters/envelope/envelope-token-vault.ts';
import { configuredIdentityProviders } from '../../../shared/adapters/identity-providers/configured.ts';
import { fileKeyRing } from '../../../shared/adapters/key-ring/file-key-ring.ts';
import { secretsManagerTokenVault } from '../../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';
import { sqliteWorkQueue } from '../../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { inProcessRefresher } from '../../../shared/adapters/system/in-process-refresher.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { parseBrokerConfig } from '../../../shared/config/provider-config.ts';
import { ROOT_AUTHORITY } from '../../../shared/domain/authority.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { noMailboxTester } from '../../../shared/ports/mailbox-tester.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeAdministrationFor } from '../../../shared/usecases/administration/index.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { signInUseCases } from '../../../shared/usecases/sign-in/sign-in-use-cases.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { noMail } from '../../fakes/no-mail.ts';
import { quickClock } from './quick-clock.ts';

/** The table's name in DynamoDB. */
export const TABLE = 'broker';

/** Never contacted: a sign-in's browser stops there. */
export const PUBLIC_URL = 'http://broker.example';

/** Where everything is that the processes of one broker share. */
export interface Place {
  readonly stores:
    | { readonly kind: 'aws'; readonly dynamodb: string; readonly secretsManager: string }
    | { readonly kind: 'sqlite' };
  /** Key rings, and the database where that is a file. */
  readonly folder: string;
  /** As text, in the form of BROKER_CONFIG. */
  readonly config: string;
  readonly clock: { readonly originMs: number; readonly offsetMs: number; readonly speed: number };
}

const storesOf = ({ stores, folder }: Place) => {
  if (stores.kind === 'sqlite') {
    const table = sqliteTable(openDatabase(join(folder, 'broker.db')));
    return { table, vault: envelopeTokenVault(table, fileKeyRing(join(folder, 'vault-keys.json'))) };
  }
  const dynamodb = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: stores.dynamodb });
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: stores.secretsManager });
  return {
    table: dynamodbTable(dynamodb, TABLE),
    vault: secretsManagerTokenVault(secrets, { prefix: 'token-broker/grant/' }),
  };
};

/** One process of the broker: the use cases that serve devices and people, with the refresher in the same process. */
export const composeBroker = (place: Place) => {
  const clock: Clock = quickClock(place.clock);
  const { table, vault } = storesOf(place);
  const accessKeys = fileKeyRing(join(place.folder, 'access-keys.json'));
  const records = brokerRecords(table, accessKeys, clock, random);
  const providers = configuredIdentityProviders(parseBrokerConfig(place.config, 'the test'));
  const log = memoryLog();
  const serverFor = () => undefined;
  const common = { table, vault, records, providers, scopeFor, serverFor, clock, random, log, publicUrl: PUBLIC_URL };
  const queueOf = (name: string, fifo: boolean) =>
    sqliteWorkQueue(openDatabase(':memory:'), { name, fifo, visibilitySeconds: 900, maxReceives: 5, clock });
  const refreshGrant = makeRefreshGrant(common);
  const refresher = inProcessRefresher(refreshGrant, queueOf('grants', false));
  return {
    ...common,
    refreshGrant,
    ...deviceUseCases({ ...common, refresher }),
    ...signInUseCases({ ...common, mailQueue: queueOf('mail', true), attemptKeys: accessKeys }),
    administration: makeAdministrationFor({ ...common, refresher, mailboxTester: noMailboxTester, ...noMail })(
      ROOT_AUTHORITY,
    ),
  };
};

export type Broker = ReturnType<typeof composeBroker>;
