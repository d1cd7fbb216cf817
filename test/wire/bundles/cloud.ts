import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { hyphened } from '../../../infra/rights/table-access.ts';
import { bundlePath, FUNCTIONS, type FunctionName } from '../../../scripts/build.ts';
import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import { type HttpReply, type HttpRequest, startApiGateway } from '../../fakes/api-gateway.ts';
import type { AwsRequest, Fault, InjectFault } from '../../fakes/aws-json.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { startBothProviders } from '../../fakes/both-providers.ts';
import { type LambdaFunction, lambdaFunction } from '../../fakes/lambda-function.ts';
import { startLambdaInvoke } from '../../fakes/lambda-invoke.ts';
import { sqsEventSource } from '../../fakes/sqs-event-source.ts';
import { ensureBuilt } from './built.ts';
import { FUNCTION_SECRET, startEmulatedAws } from './emulated-aws.ts';
import {
  accessKeyOf,
  callerOf,
  SECRETS_KEY,
  type SeenRequest,
  secretRefusal,
  tableRefusal,
  type Vault,
} from './permissions.ts';
import { type Asked, askedOf, maySo } from './service-rights.ts';

export const TABLE = 'token-broker';
export const BUCKET = 'token-broker-messages';
export const ADMIN_KEY = 'the-admin-key-of-the-emulated-cloud';
const VAULT_PREFIX = 'token-broker/grant/';
const REFRESHER = 'token-broker-refresh-grants-worker';
const TESTER = 'token-broker-relay-mail-test';

/** What a function left in the queue comes back after this. Short enough to be waited for. */
export const VISIBILITY_SECONDS = 2;

const SECRETS = {
  access: 'token-broker/access-token-keys',
  vault: 'token-broker/vault-keys',
  webhooks: 'token-broker/webhook-keys',
  config: 'token-broker/provider-config',
  admin: 'token-broker/admin-key',
} as const;

const MOVED_CLOCK = new URL('../../fakes/moved-clock.ts', import.meta.url).href;

const keyRing = (): string => JSON.stringify({ current: 'k1', keys: { k1: randomBytes(32).toString('base64') } });

interface ClientEntry {
  readonly client_id: string;
  readonly client_secret: string;
}

/** As far as tests change it. */
export interface ProviderDocument {
  readonly providers: Readonly<Record<'microsoft' | 'google', ClientEntry>>;
  readonly organizations?: Readonly<Record<string, { readonly providers: { readonly microsoft: ClientEntry } }>>;
}

export interface Addresses {
  readonly publicUrl: string;
  readonly grantQueueUrl: string;
  readonly mailQueueUrl: string;
  /** As JSON. */
  readonly mailServers: string;
}

/** What each function is given, as in infra/stateless-stack.ts. */
export const brokerVariables = (addresses: Addresses, vault: Vault): Record<FunctionName, Record<string, string>> => {
  const common = { BROKER_NAME: 'token-broker', BROKER_PUBLIC_URL: addresses.publicUrl, BROKER_TABLE: TABLE };
  const keys = { BROKER_ACCESS_KEYS_SECRET: SECRETS.access };
  const refresher = { BROKER_GRANT_QUEUE_URL: addresses.grantQueueUrl, BROKER_REFRESH_FUNCTION: REFRESHER };
  const mailQueue = { BROKER_MAIL_QUEUE_URL: addresses.mailQueueUrl };
  const mailServers = { BROKER_MAIL_SERVERS: addresses.mailServers };
  const blobs = { BROKER_BLOB_BUCKET: BUCKET };
  const config = { BROKER_CONFIG_SECRET: SECRETS.config };
  const tokens: Record<string, string> =
    vault === 'envelope'
      ? { BROKER_VAULT: vault, BROKER_VAULT_KEYS_SECRET: SECRETS.vault }
      : { BROKER_VAULT: vault, BROKER_VAULT_PREFIX: VAULT_PREFIX };
  return {
    'fetch-token': { ...common, ...keys, ...mailServers, ...refresher },
    'register-device': common,
    'sign-in': {
      ...{ ...common, ...keys, ...config, ...mailQueue, ...tokens },
      ...(vault === 'secrets-manager' && { BROKER_VAULT_KMS_KEY: SECRETS_KEY }),
    },
    'refresh-grants/sweep': {
      ...{ ...common, BROKER_GRANT_QUEUE_URL: addresses.grantQueueUrl, ...mailQueue, ...blobs },
      BROKER_GRANT_DEAD_LETTERS_URL: `${addresses.grantQueueUrl}-dead`,
      BROKER_MAIL_DEAD_LETTERS_URL: addresses.mailQueueUrl.replace(/\.fifo$/, '-dead.fifo'),
    },
    'refresh-grants/worker': { ...common, ...keys, ...config, ...tokens },
    'relay-mail/accept': { ...common, ...blobs, ...mailQueue },
    'relay-mail/send': { ...common, ...keys, ...blobs, ...mailServers, ...refresher },
    'relay-mail/test': { ...common, ...keys, ...mailServers, ...refresher },
    'relay-mail/gateway': { ...common, ...keys, ...blobs, ...mailServers, ...refresher, ...mailQueue },
    admin: {
      ...{ ...common, ...refresher, ...tokens, ...blobs, ...mailQueue },
      BROKER_ADMIN_KEY_SECRET: SECRETS.admin,
      BROKER_WEBHOOK_KEYS_SECRET: SECRETS.webhooks,
      BROKER_TEST_FUNCTION: TESTER,
    },
    notify: {
      ...{ ...common, ...blobs, ...mailQueue },
      BROKER_WEBHOOK_KEYS_SECRET: SECRETS.webhooks,
      BROKER_NOTICE_MAILBOX: 'none',
      BROKER_PRIVATE_WEBHOOKS: 'allow',
    },
  };
};

/**
 * The deployed broker on this machine: the built bundles, each in processes of its own, over emulated AWS and the
 * stand-ins. The emulators refuse what a function's role would not allow.
 */
export const startCloud = async ({
  vault = 'secrets-manager',
  concurrency = 1,
  movesClock = false,
}: {
  readonly vault?: Vault;
  readonly concurrency?: number;
  /** Whether `moveClock` can be used. */
  readonly movesClock?: boolean;
} = {}) => {
  await ensureBuilt();
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-cloud-'));
  const functions = new Map<FunctionName, LambdaFunction>();
  const invocable = new Map<string, LambdaFunction>();
  const requests: SeenRequest[] = [];
  const exchanges: { readonly request: HttpRequest; readonly reply: HttpReply }[] = [];
  /** Set by tests; asked before anything else happens to a request. */
  const faults: { secretsManager?: InjectFault; dynamodb?: InjectFault; losesInvocation?: () => boolean } = {};
  const denied: string[] = [];

  const functionOf = (name: FunctionName): LambdaFunction => {
    const found = functions.get(name);
    if (found === undefined) throw new Error(`${name} is not there yet`);
    return found;
  };

  const watch = (service: SeenRequest['service'], refusal: InjectFault, injected: InjectFault) => {
    return (request: AwsRequest): Fault | undefined => {
      const by = callerOf(request);
      requests.push({ by, service, operation: request.operation, body: request.body.toString() });
      const refused = refusal(request);
      if (refused !== undefined) denied.push(`${by}: ${JSON.stringify(refused)}`);
      return refused ?? injected(request);
    };
  };

  /** `test` is nobody's role. */
  const isDenied = (by: string, asked: Asked): boolean => {
    if (by === 'test' || maySo(by, asked)) return false;
    denied.push(`${by}: ${asked.action} on ${asked.on}`);
    return true;
  };
  const invokes = (name: string): Asked => {
    const called = FUNCTIONS.find((one) => functions.get(one)?.name === name) ?? name;
    return { action: 'lambda:InvokeFunction', on: `function \`${called}\`` };
  };

  const gateway = await startApiGateway(
    (name, event) => functionOf(name).invoke(event),
    (request, reply) => exchanges.push({ request, reply }),
  );
  const standIns = await startBothProviders(folder, gateway.url);
  const clockFile = join(folder, 'clock-ahead-ms');
  await writeFile(clockFile, '0');

  const lambda = await startLambdaInvoke(invocable, {
    isDenied: (name, request) => isDenied(callerOf(request), invokes(name)),
    losesAnswer: () => faults.losesInvocation?.() ?? false,
  });
  const aws = await startEmulatedAws({
    isDenied: (request) => isDenied(callerOf(request), askedOf(request)),
    dynamodb: watch(
      'dynamodb',
      (request) => tableRefusal(request, vault),
      (request) => faults.dynamodb?.(request),
    ),
    secretsManager: watch(
      'secretsmanager',
      (request) => secretRefusal(request, vault, { prefix: VAULT_PREFIX, readable: (name) => readable(name) }),
      (request) => faults.secretsManager?.(request),
    ),
  });
  const limits = { visibilitySeconds: VISIBILITY_SECONDS, maxReceives: 5 };
  const grantQueueUrl = await aws.createQueue('grants', { fifo: false, ...limits });
  const mailQueueUrl = await aws.createQueue('mail', { fifo: true, ...limits });
  await aws.createBucket(BUCKET);
  await aws.createTable(tableDefinition(TABLE));

  const variables = brokerVariables(
    {
      publicUrl: gateway.url,
      grantQueueUrl,
      mailQueueUrl,
      mailServers: standIns.mailServers,
    },
    vault,
  );
  const readable = (name: string): string[] =>
    Object.entries(variables[name as FunctionName] ?? {}).flatMap(([key, value]) =>
      key.endsWith('_SECRET') ? value : [],
    );

  const client = (endpoint: string) => ({ ...LOOPBACK_CLIENT, endpoint });
  const database = new DynamoDBClient(client(aws.dynamodb));
  const documents = DynamoDBDocumentClient.from(database);
  const secrets = new SecretsManagerClient(client(aws.secretsManager));
  const sqs = new SQSClient(client(aws.sqs));
  const s3 = new S3Client({ ...client(aws.s3), forcePathStyle: true });
  const values = {
    [SECRETS.access]: keyRing(),
    [SECRETS.vault]: keyRing(),
    [SECRETS.webhooks]: keyRing(),
    [SECRETS.config]: standIns.document,
    [SECRETS.admin]: ADMIN_KEY,
  };
  for (const [Name, SecretString] of Object.entries(values)) {
    await secrets.send(new CreateSecretCommand({ Name, SecretString }));
  }

  for (const name of FUNCTIONS) {
    const made = lambdaFunction({
      name: `token-broker-${hyphened(name)}`,
      bundle: bundlePath(name),
      concurrency,
      environment: {
        ...variables[name],
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: accessKeyOf(name),
        ...FUNCTION_SECRET,
        AWS_ENDPOINT_URL_DYNAMODB: aws.dynamodb,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.secretsManager,
        AWS_ENDPOINT_URL_SQS: aws.sqs,
        AWS_ENDPOINT_URL_S3: aws.s3,
        AWS_ENDPOINT_URL_LAMBDA: lambda.endpoint,
        ...(/^relay-mail\/(send|test)$/.test(name) && { NODE_EXTRA_CA_CERTS: standIns.authorityFile }),
        ...(movesClock && { NODE_OPTIONS: `--import=${MOVED_CLOCK}`, MOVED_CLOCK_FILE: clockFile }),
      },
    });
    functions.set(name, made);
    invocable.set(made.name, made);
  }
  const source = (queueUrl: string, target: FunctionName) =>
    sqsEventSource({ client: sqs, queueUrl, batchSize: 10, target: functionOf(target) });
  const grantSource = source(grantQueueUrl, 'refresh-grants/worker');
  const mailSource = source(mailQueueUrl, 'relay-mail/send');

  return {
    url: gateway.url,
    inbox: standIns.inboxUrl,
    folder,
    standIns,
    functionOf,
    grantQueueUrl,
    mailQueueUrl,
    grantSource,
    mailSource,
    documents,
    secrets,
    sqs,
    s3,
    faults,
    requests,
    exchanges,
    /** Requests that the function's role would not allow. */
    denied: (): readonly string[] => denied,
    /** Every function's time is so far ahead from now on, of processes that run already too. */
    moveClock: (aheadSeconds: number) => writeFile(clockFile, String(aheadSeconds * 1000)),
    /** Replaces the provider configuration by what `change` makes of it. */
    async configure(change: (config: ProviderDocument) => ProviderDocument): Promise<void> {
      const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: SECRETS.config }));
      const changed = JSON.stringify(change(JSON.parse(SecretString)));
      await secrets.send(new PutSecretValueCommand({ SecretId: SECRETS.config, SecretString: changed }));
    },
    logs: () => [...functions.values()].map((one) => one.logs()).join('\n'),
    async close() {
      await Promise.all([grantSource.stop(), mailSource.stop()]);
      await Promise.all([...functions.values()].map((one) => one.close()));
      for (const one of [database, secrets, sqs, s3]) one.destroy();
      await Promise.all([gateway.close(), standIns.close(), lambda.close(), aws.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export type Cloud = Awaited<ReturnType<typeof startCloud>>;
