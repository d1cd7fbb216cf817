import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startIdentityStandIn } from '../../../local/stand-ins/identity/server.ts';
import { dynamodbTable } from '../../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import { unconfiguredIdentityProvider } from '../../../shared/adapters/identity-providers/unconfigured.ts';
import { fileKeyRing } from '../../../shared/adapters/key-ring/file-key-ring.ts';
import { msalIdentityProvider } from '../../../shared/adapters/msal/msal-identity-provider.ts';
import { secretsManagerTokenVault } from '../../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteWorkQueue } from '../../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { sqsWorkQueue } from '../../../shared/adapters/sqs/sqs-work-queue.ts';
import { inProcessRefresher } from '../../../shared/adapters/system/in-process-refresher.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { ROOT_AUTHORITY } from '../../../shared/domain/authority.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import { noMailboxTester } from '../../../shared/ports/mailbox-tester.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeAdministrationFor } from '../../../shared/usecases/administration/index.ts';
import type { DeviceCredential } from '../../../shared/usecases/devices/authenticate-device.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { makeMaintainGrant } from '../../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { makeSweepGrants } from '../../../shared/usecases/grants/sweep-grants.ts';
import { signInUseCases } from '../../../shared/usecases/sign-in/sign-in-use-cases.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { startDynamodb } from '../../fakes/dynamodb.ts';
import { startFauxqs } from '../../fakes/fauxqs.ts';
import { identityProviders } from '../../fakes/identity-providers.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { noMail } from '../../fakes/no-mail.ts';
import { startSecretsManager } from '../../fakes/secrets-manager.ts';
import { PUBLIC_URL } from '../herd/compose.ts';
import { signIn, value } from '../herd/start.ts';
import { startFaultyProvider } from './faulty-provider.ts';
import {
  staleIndex,
  unreliableDynamodb,
  unreliableQueue,
  unreliableSecretsManager,
  type Weather,
} from './unreliable.ts';

const TABLE = 'broker';
const CLIENT = { clientId: 'broker-at-the-stand-in', clientSecret: 'stand-in-client-secret' };

/** Far below the real one, as a provider that never answers is met often; on a busy machine still enough for one that does. */
const PROVIDER_TIMEOUT_MS = 3000;

/** The SDK's own retries take their time; with few of them more throttles reach the broker. */
const MAX_ATTEMPTS = 2;

/** What a worker left comes back after this. */
const VISIBILITY_SECONDS = 1;

/** Sign-ins by real pages, some side by side. */
const SIGN_INS_AT_ONCE = 5;

export interface Used {
  readonly mailbox: Mailbox;
  readonly device: DeviceCredential;
}

const startCloud = async (weather: Weather, count: (fault: string) => void) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-soak-'));
  const dynamodb = await startDynamodb({ injectFault: unreliableDynamodb(weather, count) });
  await dynamodb.createTable(tableDefinition(TABLE));
  const secretsManager = await startSecretsManager({ injectFault: unreliableSecretsManager(weather, count) });
  const fauxqs = await startFauxqs();
  const queue = await fauxqs.createQueue('grants', {
    ...{ fifo: false, visibilitySeconds: VISIBILITY_SECONDS, maxReceives: 1000 },
  });
  const identity = await startIdentityStandIn({
    provider: 'microsoft',
    databasePath: join(folder, 'identity.db'),
    clients: [{ ...CLIENT, redirectUris: [`${PUBLIC_URL}/oauth/callback/microsoft`] }],
    rotate: 'strict',
    host: '127.0.0.1',
    port: 0,
  });
  const provider = await startFaultyProvider(identity.endpoints.token_endpoint, weather, count);
  return {
    ...{ folder, dynamodb, secretsManager, fauxqs, queue, identity, provider },
    async close() {
      const running = [dynamodb, secretsManager, fauxqs, identity, provider];
      await Promise.all(running.map((one) => one.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
};

type Cloud = Awaited<ReturnType<typeof startCloud>>;

/** The system's clock, which the test sets forward while nothing is under way. */
const skippingClock = () => {
  let skippedMs = 0;
  const clock: Clock = { now: () => systemClock.now() + skippedMs, sleep: systemClock.sleep };
  return {
    clock,
    skip: (seconds: number): void => {
      skippedMs += seconds * 1000;
    },
  };
};

/** One process of the broker, as far as it has to do with grants. */
const composeWorker = (cloud: Cloud, clock: Clock, weather: Weather, count: (fault: string) => void) => {
  const client = (endpoint: string) => ({ ...LOOPBACK_CLIENT, endpoint, maxAttempts: MAX_ATTEMPTS });
  const table = dynamodbTable(new DynamoDBClient(client(cloud.dynamodb.endpoint)), TABLE);
  const secrets = new SecretsManagerClient(client(cloud.secretsManager.endpoint));
  const sqs = new SQSClient(client(cloud.fauxqs.endpoint));
  const here = (url: string): string => `${cloud.fauxqs.endpoint}${new URL(url).pathname}`;
  const { queueUrl, deadLettersUrl } = cloud.queue;
  const reliable = sqsWorkQueue(sqs, {
    ...{ queueUrl: here(queueUrl), deadLettersUrl: here(deadLettersUrl), fifo: false },
  });
  const queue = unreliableQueue(reliable, weather, count);
  const vault = secretsManagerTokenVault(secrets, { prefix: 'token-broker/grant/' });
  const accessKeys = fileKeyRing(join(cloud.folder, 'access-keys.json'));
  const records = brokerRecords(table, accessKeys, clock, random);
  const microsoft = msalIdentityProvider({
    clientId: CLIENT.clientId,
    clientSecrets: [{ value: CLIENT.clientSecret }],
    tenant: 'common',
    endpoints: { ...cloud.identity.endpoints, token_endpoint: cloud.provider.url },
    timeoutMs: PROVIDER_TIMEOUT_MS,
  });
  const google = unconfiguredIdentityProvider({ provider: 'google' });
  const providers = identityProviders({ microsoft, google });
  const log = memoryLog();
  const serverFor = () => undefined;
  const common = { table, vault, records, providers, scopeFor, serverFor, clock, random, log, publicUrl: PUBLIC_URL };
  const refreshGrant = makeRefreshGrant(common);
  const refresher = inProcessRefresher(refreshGrant, queue);
  const mailQueue = sqliteWorkQueue(openDatabase(':memory:'), {
    ...{ name: 'mail', fifo: true, visibilitySeconds: 900, maxReceives: 5, clock },
  });
  return {
    ...common,
    queue,
    refreshGrant,
    maintainGrant: makeMaintainGrant({ ...common, refreshGrant }),
    sweepGrants: makeSweepGrants({
      ...common,
      table: staleIndex(table, weather, count),
      coolDowns: records.coolDowns,
      queue,
      // What it lets through is to be had at once: a round of the soak is a minute of the broker's.
      pace: { periodSeconds: 1, grantsPerSecond: 500 },
    }),
    ...deviceUseCases({ ...common, refresher }),
    ...signInUseCases({ ...common, mailQueue, attemptKeys: accessKeys }),
    administration: makeAdministrationFor({ ...common, refresher, mailboxTester: noMailboxTester, ...noMail })(
      ROOT_AUTHORITY,
    ),
  };
};

export type Worker = ReturnType<typeof composeWorker>;

/** Each a device with a mailbox of its own, signed in. */
const furnish = async (worker: Worker, count: number): Promise<readonly Used[]> => {
  const { organizations, mailboxes, devices } = worker.administration;
  const { id } = await organizations.create('Contoso', 'en');
  const one = async (index: number): Promise<Used> => {
    const address = `scanner${index}@contoso.example`;
    const { mailbox } = value(await mailboxes.create(id, { provider: 'microsoft', address, aliases: [] }));
    const { device, clientSecret } = value(await devices.create(id, { clientName: `Printer ${index}` }));
    value(await devices.bind(device.clientId, 'scan', mailbox.id));
    await signIn(worker, mailbox);
    return { mailbox, device: { clientId: device.clientId, clientSecret, place: '192.0.2.1' } };
  };
  const fleet: Used[] = [];
  for (let index = 0; index < count; index += SIGN_INS_AT_ONCE) {
    const next = Array.from({ length: Math.min(SIGN_INS_AT_ONCE, count - index) }, (_, place) => one(index + place));
    fleet.push(...(await Promise.all(next)));
  }
  return fleet;
};

/** Several processes over one cloud, and a fleet in use. The weather is fair at first. */
export const startFleet = async (
  weather: Weather,
  { mailboxes, workers: workerCount }: Readonly<Record<'mailboxes' | 'workers', number>>,
) => {
  const faults = new Map<string, number>();
  const count = (fault: string): void => {
    faults.set(fault, (faults.get(fault) ?? 0) + 1);
  };
  const cloud = await startCloud(weather, count);
  const { clock, skip } = skippingClock();
  const workers = Array.from({ length: workerCount }, () => composeWorker(cloud, clock, weather, count));
  const [first] = workers;
  if (first === undefined) throw new Error('there must be somebody');
  const fleet = await furnish(first, mailboxes);
  return { ...{ workers, first, fleet, faults, clock, skip }, provider: cloud.provider, close: () => cloud.close() };
};
