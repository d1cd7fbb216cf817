import { join } from 'node:path';
import { fileKeyRing } from '../../../shared/adapters/key-ring/file-key-ring.ts';
import type { OAuthEndpoints } from '../../../shared/adapters/oauth-http/endpoints.ts';
import { systemRandom } from '../../../shared/adapters/system/system-random.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { IdentityProvider } from '../../../shared/ports/identity-provider.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { Table } from '../../../shared/ports/table.ts';
import type { TokenVault } from '../../../shared/ports/token-vault.ts';
import type { WorkQueue } from '../../../shared/ports/work-queue.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { makeAdoptSignIn } from '../../../shared/usecases/sign-in/adopt-sign-in.ts';
import { makeBeginSignIn } from '../../../shared/usecases/sign-in/begin-sign-in.ts';
import { signInUseCases } from '../../../shared/usecases/sign-in/sign-in-use-cases.ts';
import { makeSignOut } from '../../../shared/usecases/sign-in/sign-out.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { identityProviders } from '../../fakes/identity-providers.ts';
import { type Watch, watchAwsClient, watchedTable } from './steps.ts';

/** Where things rest that outlive a process. Keys are in files in both: reading them changes nothing. */
export type Place =
  | { readonly vault: 'envelope'; readonly folder: string }
  | {
      readonly vault: 'secrets-manager';
      readonly folder: string;
      readonly dynamodb: string;
      readonly secretsManager: string;
    };

/** The broker's entry for a server; plain, so that a process can be told. */
export interface Registration {
  readonly provider: ProviderName;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly endpoints: OAuthEndpoints;
  readonly refreshTokenRotation: 'strict' | 'lenient';
}

export const TABLE_NAME = 'crash';
export const VAULT_PREFIX = 'token-broker/';
export const PUBLIC_URL = 'https://broker.example';

interface Stores {
  readonly table: Table;
  readonly vault: TokenVault;
  close(): void;
}

/** Every adapter is imported only where it is used: a process that lives for a moment shall start in one. */
const storesOf = async (place: Place, watch: Watch | undefined): Promise<Stores> => {
  if (place.vault === 'envelope') {
    const [{ openDatabase }, { sqliteTable }, { envelopeTokenVault }] = await Promise.all([
      import('../../../shared/adapters/sqlite/open-database.ts'),
      import('../../../shared/adapters/sqlite/sqlite-table.ts'),
      import('../../../shared/adapters/envelope/envelope-token-vault.ts'),
    ]);
    const database = openDatabase(join(place.folder, 'broker.sqlite'));
    const table = watch ? watchedTable(sqliteTable(database), watch) : sqliteTable(database);
    const vault = envelopeTokenVault(table, fileKeyRing(join(place.folder, 'vault-keys.json')));
    return { table, vault, close: () => database.close() };
  }
  const [{ DynamoDBClient }, { SecretsManagerClient }, { dynamodbTable }, { secretsManagerTokenVault }] =
    await Promise.all([
      import('@aws-sdk/client-dynamodb'),
      import('@aws-sdk/client-secrets-manager'),
      import('../../../shared/adapters/dynamodb/dynamodb-table.ts'),
      import('../../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts'),
    ]);
  const documents = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: place.dynamodb });
  const secrets = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: place.secretsManager });
  if (watch) for (const client of [documents, secrets]) watchAwsClient(client, watch);
  return {
    table: dynamodbTable(documents, TABLE_NAME),
    vault: secretsManagerTokenVault(secrets, { prefix: VAULT_PREFIX }),
    close: () => {
      documents.destroy();
      secrets.destroy();
    },
  };
};

const providerOf = async ({ provider, clientSecret, ...registration }: Registration): Promise<IdentityProvider> => {
  const config = { ...registration, clientSecrets: [{ value: clientSecret }] } as const;
  if (provider === 'google') {
    const { googleIdentityProvider } = await import('../../../shared/adapters/google/google-identity-provider.ts');
    return googleIdentityProvider(config);
  }
  const { msalIdentityProvider } = await import('../../../shared/adapters/msal/msal-identity-provider.ts');
  return msalIdentityProvider({ ...config, tenant: 'organizations' });
};

/** No mail waits in these tests. */
const unusedQueue = (): WorkQueue => {
  const unused = () => Promise.reject(new Error('no mail waits'));
  return { send: unused, sendAll: unused, depth: unused, receive: unused, done: unused, retryLater: unused };
};

/** The real use cases over the real adapters, as one process has them. */
export const composeBroker = async (
  { place, registration }: { readonly place: Place; readonly registration: Registration },
  { clock, log, watch }: { readonly clock: Clock; readonly log: Log; readonly watch?: Watch },
) => {
  const [{ table, vault, close }, provider] = await Promise.all([storesOf(place, watch), providerOf(registration)]);
  const accessTokenKeys = fileKeyRing(join(place.folder, 'access-token-keys.json'));
  const random = systemRandom;
  const records = brokerRecords(table, accessTokenKeys, clock, random);
  const { grants, signIns } = records;
  const providers = identityProviders({ microsoft: provider, google: provider });
  const common = { records, vault, providers, clock, random, log };
  return {
    records,
    vault,
    clock,
    close,
    refreshGrant: makeRefreshGrant(common),
    beginSignIn: makeBeginSignIn({ signIns, clock, random }),
    adoptSignIn: makeAdoptSignIn({ ...records, vault, clock, random }),
    signOut: makeSignOut({ grants, vault, clock, random }),
    ...signInUseCases({ ...common, mailQueue: unusedQueue(), attemptKeys: accessTokenKeys, publicUrl: PUBLIC_URL }),
  };
};

export type Broker = Awaited<ReturnType<typeof composeBroker>>;
