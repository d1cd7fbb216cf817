import { randomBytes, randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { s3BlobStore } from '../../shared/adapters/s3/s3-blob-store.ts';
import { secretsManagerKeyRing } from '../../shared/adapters/secrets-manager/secrets-manager-key-ring.ts';
import { secretsManagerTokenVault } from '../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { sqsWorkQueue } from '../../shared/adapters/sqs/sqs-work-queue.ts';
import { type AwsFaults, awsFaults } from '../fakes/aws-faults/aws-faults.ts';
import { quickRetries } from '../fakes/aws-faults/quick-retries.ts';
import { staleness } from '../fakes/aws-faults/stale.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { startFauxqs } from '../fakes/fauxqs.ts';
import { networkClock } from '../fakes/network-clock.ts';
import { scriptedProvider } from '../fakes/scripted-provider.ts';
import { startSecretsManager } from '../fakes/secrets-manager.ts';
import type { StepClock } from '../fakes/step-clock.ts';
import { makeWorld, type Process, startProcess, type World } from '../unit/support.ts';

/** As the functions' clients have them (dynamodb-client.ts and its siblings). */
const ATTEMPTS = { dynamodb: 3, secrets: 2, sqs: 2, s3: 3 } as const;

const VAULT_PREFIX = 'broker/grant/';

/** What a failed delivery stays hidden for; the emulator's clock is the real one. */
const HIDDEN_SECONDS = 1;

/** All that AWS has for the broker, on this machine; worlds on it share nothing. */
export const startEmulators = async () => {
  /** Refresh tokens that have arrived at Secrets Manager to be stored. */
  const arrived = new Set<string>();
  const [dynamodb, secretsManager, fauxqs] = await Promise.all([
    startDynamodb(),
    startSecretsManager({
      injectFault({ operation, input }) {
        const text = String(input.SecretString ?? '{}');
        if (/^(Create|Put)Secret/.test(operation)) arrived.add(JSON.parse(text).refreshToken);
        return undefined;
      },
    }),
    startFauxqs(),
  ]);
  return {
    dynamodb,
    secretsManager,
    fauxqs,
    hasArrived: (refreshToken: string): boolean => arrived.has(refreshToken),
    async close() {
      await Promise.all([dynamodb.close(), secretsManager.close(), fauxqs.close()]);
    },
  };
};

export type Emulators = Awaited<ReturnType<typeof startEmulators>>;

export interface FaultyWorld extends World {
  readonly clock: StepClock;
}

export interface FaultyCloud {
  readonly world: FaultyWorld;
  readonly clock: StepClock;
  readonly faults: AwsFaults;
  /** A process with clients of its own, which faults strike. */
  start(): Process;
  /** One that nothing strikes, to look with. */
  readonly calm: Process;
  /** The queues as nothing strikes them. */
  readonly calmQueues: {
    readonly grants: ReturnType<typeof sqsWorkQueue>;
    readonly mail: ReturnType<typeof sqsWorkQueue>;
  };
  close(): void;
}

interface FaultyCloudOptions {
  readonly seed: string;
  /** Which reads may be stale; what was there before is looked at ahead of every write, which costs some time. */
  readonly late?: 'all' | 'index';
  readonly maxReceives?: number;
}

/** A world whose table, vault, keys, queues and blobs are AWS's, by the adapters of the cloud. */
export const openFaultyCloud = async (
  { dynamodb, secretsManager, fauxqs }: Emulators,
  { seed, late, maxReceives = 100 }: FaultyCloudOptions,
): Promise<FaultyCloud> => {
  const name = randomUUID();
  const prefix = `${VAULT_PREFIX}${name}/`;
  const keysSecret = `${name}/access-token-keys`;
  await dynamodb.createTable(tableDefinition(name));
  await fauxqs.createBucket(name);
  const limits = { visibilitySeconds: HIDDEN_SECONDS, maxReceives };
  const here = (queueUrl: string): string => `${fauxqs.endpoint}${new URL(queueUrl).pathname}`;
  const grantsUrl = here((await fauxqs.createQueue(`grants-${name}`, { fifo: false, ...limits })).queueUrl);
  const mailUrl = here((await fauxqs.createQueue(`mail-${name}`, { fifo: true, ...limits })).queueUrl);

  const opened: { destroy(): void }[] = [];
  const at = (endpoint: string, attempts: number) => ({ ...LOOPBACK_CLIENT, endpoint, ...quickRetries(attempts) });
  const clients = () => {
    const made = {
      database: new DynamoDBClient(at(dynamodb.endpoint, ATTEMPTS.dynamodb)),
      secrets: new SecretsManagerClient(at(secretsManager.endpoint, ATTEMPTS.secrets)),
      sqs: new SQSClient(at(fauxqs.endpoint, ATTEMPTS.sqs)),
      s3: new S3Client({ ...at(fauxqs.endpoint, ATTEMPTS.s3), forcePathStyle: true }),
    };
    opened.push(...Object.values(made));
    return made;
  };
  type Clients = ReturnType<typeof clients>;

  const plain = clients();
  const keys = { current: 'k1', keys: { k1: randomBytes(32).toString('base64') } };
  await plain.secrets.send(new CreateSecretCommand({ Name: keysSecret, SecretString: JSON.stringify(keys) }));

  // Each needs the other: the clock stands still while requests are under way, and a time-out takes its time on it.
  const counted = { underWay: (): number => 0 };
  const clock = networkClock(() => counted.underWay());
  const looking = { clock, database: plain.database, ...(late === 'all' && { secrets: plain.secrets }) };
  const stale = late && { staleness: staleness({ ...looking, isIndexAlone: late === 'index' }) };
  const faults = awsFaults({ seed, clock, ...stale });
  const watching = awsFaults();
  counted.underWay = () => faults.underWay + watching.underWay;

  const base = makeWorld();
  const adapters = ({ database, secrets, sqs, s3 }: Clients) => ({
    table: dynamodbTable(database, name, { sleep: clock.sleep }),
    vault: secretsManagerTokenVault(secrets, { prefix, sleep: clock.sleep }),
    keys: secretsManagerKeyRing(secrets, { secretId: keysSecret, clock }),
    grantQueue: sqsWorkQueue(sqs, { queueUrl: grantsUrl, fifo: false }),
    mailQueue: sqsWorkQueue(sqs, { queueUrl: mailUrl, fifo: true }),
    blobs: s3BlobStore(s3, { bucket: name }),
  });

  const composed = (by: AwsFaults, called: string) => {
    const own = clients();
    for (const client of Object.values(own)) by.on(client, called);
    const { vault, keys: ring, ...stores } = adapters(own);
    // Ids are drawn from a process's number: no two may have one.
    const processes = world.processes++;
    const keyRing = { ...world.accessTokenKeys, ...ring };
    const blobs = { ...world.blobs, ...stores.blobs };
    const seen: World = { ...world, ...stores, blobs, accessTokenKeys: keyRing, attemptKeys: keyRing, processes };
    return { process: startProcess(seen, { vault }), ...stores };
  };

  const microsoft = scriptedProvider('microsoft', clock);
  const google = scriptedProvider('google', clock);
  const world: FaultyWorld = { ...base, clock, microsoft, google };
  const calm = composed(watching, 'calm');
  let started = 0;
  return {
    world,
    clock,
    faults,
    start: () => composed(faults, `process ${++started}`).process,
    calm: calm.process,
    calmQueues: { grants: calm.grantQueue, mail: calm.mailQueue },
    close() {
      for (const client of opened) client.destroy();
      base.database.close();
    },
  };
};
