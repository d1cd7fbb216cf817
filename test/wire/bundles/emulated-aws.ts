import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Emulator, type InjectFault, LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { createQueueWithDeadLetters, type QueueSettings } from '../../fakes/create-queue.ts';
import { startDynamodb } from '../../fakes/dynamodb.ts';
import { FOREIGN_EMULATORS, type ForeignEmulator, startEmulatorProcess } from '../../fakes/emulator-process.ts';
import { type FauxqsRequest, startFauxqs } from '../../fakes/fauxqs.ts';
import { proxyAwsJson } from '../../fakes/forward-aws-json.ts';
import { startSecretsManager } from '../../fakes/secrets-manager.ts';
import { accessKeyOf } from './permissions.ts';

/** Whose implementations of AWS the bundles meet: ours, or somebody else's (`npm run test:aws`). */
export type EmulatorChoice = 'own' | ForeignEmulator;

const chosen = (): EmulatorChoice => {
  const given = process.env.AWS_EMULATOR ?? 'own';
  const found = (['own', ...FOREIGN_EMULATORS] as const).find((one) => one === given);
  if (found === undefined) throw new Error(`AWS_EMULATOR is ${given}; expected own, ${FOREIGN_EMULATORS.join(' or ')}`);
  return found;
};

export interface Faults {
  readonly dynamodb: InjectFault;
  readonly secretsManager: InjectFault;
  /** To S3 and SQS; asked by our own emulators alone. */
  readonly isDenied?: (request: FauxqsRequest) => boolean;
}

interface Endpoints {
  readonly dynamodb: string;
  readonly secretsManager: string;
  readonly sqs: string;
  readonly s3: string;
}

/** DynamoDB and Secrets Manager answer only what `faults` lets through. */
export interface EmulatedAws extends Endpoints {
  createTable(definition: CreateTableCommandInput): Promise<void>;
  /** With a dead-letter queue of its own; gives the address by which functions and tests reach it. */
  createQueue(name: string, settings: QueueSettings): Promise<string>;
  createBucket(name: string): Promise<void>;
  close(): Promise<void>;
}

const startOwn = async (faults: Faults): Promise<Endpoints & { readonly parts: readonly Emulator[] }> => {
  const [dynamodb, secretsManager, fauxqs] = await Promise.all([
    startDynamodb({ injectFault: faults.dynamodb }),
    startSecretsManager({ injectFault: faults.secretsManager }),
    startFauxqs(faults.isDenied),
  ]);
  return {
    dynamodb: dynamodb.endpoint,
    secretsManager: secretsManager.endpoint,
    sqs: fauxqs.endpoint,
    s3: fauxqs.endpoint,
    parts: [dynamodb, secretsManager, fauxqs],
  };
};

/** Of every function; nobody checks it but ministack, at a link to S3. */
export const FUNCTION_SECRET = { AWS_SECRET_ACCESS_KEY: 'made-up', AWS_SESSION_TOKEN: 'made-up' };

/** ministack looks whether a link to S3 was signed with a key that it knows; these variables name the one it does. */
const WHO_SIGNS_LINKS = { AWS_ACCESS_KEY_ID: accessKeyOf('relay-mail/accept'), ...FUNCTION_SECRET };

/**
 * Keeps the secrets beside whatever keeps the rest. ministack 1.5.33 gives a version that CreateSecret makes an id of its own
 * instead of the ClientRequestToken, and lets PutSecretValue replace a value under the same one (API reference): the vault
 * builds on both.
 */
const SECRETS_KEEPER = 'moto';

const startForeign = async (
  emulator: ForeignEmulator,
  faults: Faults,
): Promise<Endpoints & { readonly parts: readonly Emulator[] }> => {
  const [foreign, keeper] = await Promise.all([
    startEmulatorProcess(emulator, WHO_SIGNS_LINKS),
    ...(emulator === SECRETS_KEEPER ? [] : [startEmulatorProcess(SECRETS_KEEPER)]),
  ]);
  const { endpoint } = foreign;
  const secrets = keeper?.endpoint ?? endpoint;
  const dynamodb = await proxyAwsJson(endpoint, 'application/x-amz-json-1.0', faults.dynamodb);
  const secretsManager = await proxyAwsJson(secrets, 'application/x-amz-json-1.1', faults.secretsManager);
  return {
    dynamodb: dynamodb.endpoint,
    secretsManager: secretsManager.endpoint,
    sqs: endpoint,
    s3: endpoint,
    parts: [dynamodb, secretsManager, foreign, ...(keeper === undefined ? [] : [keeper])],
  };
};

export const startEmulatedAws = async (faults: Faults): Promise<EmulatedAws> => {
  const emulator = chosen();
  const { parts, ...endpoints } = await (emulator === 'own' ? startOwn(faults) : startForeign(emulator, faults));
  const sqs = new SQSClient({ ...LOOPBACK_CLIENT, endpoint: endpoints.sqs });
  return {
    ...endpoints,
    async createTable(definition) {
      const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: endpoints.dynamodb });
      await client.send(new CreateTableCommand(definition));
      client.destroy();
    },
    async createQueue(name, settings) {
      const { queueUrl } = await createQueueWithDeadLetters(sqs, name, settings);
      // Clients go by a queue URL's host, and emulators name ones that only they know.
      return `${endpoints.sqs}${new URL(queueUrl).pathname}`;
    },
    async createBucket(name) {
      const client = new S3Client({ ...LOOPBACK_CLIENT, endpoint: endpoints.s3, forcePathStyle: true });
      await client.send(new CreateBucketCommand({ Bucket: name }));
      client.destroy();
    },
    async close() {
      sqs.destroy();
      for (const part of parts) await part.close();
    },
  };
};
