import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type CreateTableCommandInput, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import { GetPublicAccessBlockCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { hyphened } from '../../infra/rights/table-access.ts';
import { walkJourney } from '../../local/demo/journey.ts';
import { scannedPdf } from '../../local/demo/scan.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { type DeployedBroker, deployBroker, type MadeStack } from './deployed-broker.ts';

const FORBIDDEN = /AccessDenied|not authorized/;

describe('the synthesized stacks, made by the CloudFormation of ministack,', () => {
  let broker: DeployedBroker;
  let adminKey: string;
  before(async () => {
    broker = await deployBroker();
  });
  after(() => broker?.close());

  const made = ({ resources }: MadeStack, type: string, name = '') =>
    resources.filter((one) => one.type === type && one.logicalId.startsWith(name)).map(({ physicalId }) => physicalId);
  const using = async <Client extends { destroy(): void }, Result>(
    client: Client,
    use: (client: Client) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await use(client);
    } finally {
      client.destroy();
    }
  };
  const lambda = <Result>(use: (client: LambdaClient) => Promise<Result>) =>
    using(new LambdaClient(broker.client), use);
  const configurationOf = (name: FunctionName) => {
    const FunctionName = `token-broker-${hyphened(name)}`;
    return lambda((client) => client.send(new GetFunctionConfigurationCommand({ FunctionName })));
  };
  const attributesOf = async (name: string) => {
    const [QueueUrl] = made(broker.data, 'AWS::SQS::Queue', name);
    const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
    return using(new SQSClient(broker.client), async (client) => (await client.send(asked)).Attributes ?? {});
  };

  it('have the table that its adapter expects', async () => {
    const [TableName = ''] = made(broker.data, 'AWS::DynamoDB::Table');
    await using(new DynamoDBClient(broker.client), async (client) => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName }));
      const expected = tableDefinition(TableName);
      assert.deepEqual(Table?.KeySchema, expected.KeySchema);
      const attributes = (all: CreateTableCommandInput['AttributeDefinitions']) =>
        (all ?? []).map(({ AttributeName, AttributeType }) => `${AttributeName} ${AttributeType}`).toSorted();
      assert.deepEqual(attributes(Table?.AttributeDefinitions), attributes(expected.AttributeDefinitions));
      assert.equal(Table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
      const [index, ...others] = Table?.GlobalSecondaryIndexes ?? [];
      const { IndexName, KeySchema, Projection } = index ?? {};
      assert.deepEqual([{ IndexName, KeySchema, Projection }, ...others], expected.GlobalSecondaryIndexes);
      assert.equal(Table?.DeletionProtectionEnabled, true);
    });
  });

  it('have queues that lead to their dead letters, and keep mailboxes apart', async () => {
    for (const [queue, dead] of [
      ['GrantQueue', 'GrantDeadLetters'],
      ['MailQueue', 'MailDeadLetters'],
    ] as const) {
      const { RedrivePolicy = '', VisibilityTimeout } = await attributesOf(queue);
      const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(RedrivePolicy);
      assert.equal(deadLetterTargetArn, (await attributesOf(dead)).QueueArn);
      assert.equal(Number(maxReceiveCount), 5);
      const user = queue === 'GrantQueue' ? 'refresh-grants/worker' : 'relay-mail/send';
      assert.ok(Number(VisibilityTimeout) > Number((await configurationOf(user)).Timeout), 'as long as its function');
    }
    const { FifoQueue, DeduplicationScope, FifoThroughputLimit } = await attributesOf('MailQueue');
    assert.deepEqual(
      [FifoQueue, DeduplicationScope, FifoThroughputLimit],
      ['true', 'messageGroup', 'perMessageGroupId'],
    );
    assert.equal((await attributesOf('MailDeadLetters')).FifoQueue, 'true');
  });

  it('have a bucket that is open to nobody', async () => {
    const [Bucket] = made(broker.data, 'AWS::S3::Bucket', 'Messages');
    await using(new S3Client({ ...broker.client, forcePathStyle: true }), async (client) => {
      const { PublicAccessBlockConfiguration } = await client.send(new GetPublicAccessBlockCommand({ Bucket }));
      assert.deepEqual(Object.values(PublicAccessBlockConfiguration ?? {}), [true, true, true, true]);
    });
  });

  it('have an admin key that nobody made up', async () => {
    const asked = new GetSecretValueCommand({ SecretId: broker.data.outputs.AdminKeySecret });
    const found = await using(new SecretsManagerClient(broker.client), (client) => client.send(asked));
    adminKey = String(found.SecretString);
    assert.match(adminKey, /^[A-Za-z0-9]{40}$/);
  });

  it('give every function its handler, and the names of what was made', async () => {
    const names = [...broker.data.resources, ...broker.rest.resources].map(({ physicalId }) => physicalId);
    for (const name of FUNCTIONS) {
      const { Handler, Runtime, Environment } = await configurationOf(name);
      assert.deepEqual([Handler, Runtime], ['index.handler', 'nodejs24.x']);
      const { BROKER_TABLE = '', BROKER_PUBLIC_URL, ...others } = Environment?.Variables ?? {};
      assert.ok(names.includes(BROKER_TABLE), `${name} has the table ${BROKER_TABLE}`);
      assert.equal(BROKER_PUBLIC_URL, broker.url);
      for (const [variable, value] of Object.entries(others)) {
        if (/_(QUEUE|LETTERS)_URL$|_BUCKET$/.test(variable)) assert.ok(names.includes(value), `${name}: ${variable}`);
        if (/_SECRET$/.test(variable)) assert.match(value, /^arn:aws:secretsmanager:/, `${name}: ${variable}`);
      }
    }
  });

  it('lead each queue to its function, which says what failed', async () => {
    const { EventSourceMappings = [] } = await lambda((client) => client.send(new ListEventSourceMappingsCommand({})));
    const told = EventSourceMappings.map(({ EventSourceArn, FunctionArn, FunctionResponseTypes, BatchSize }) => [
      /(Grant|Mail)Queue/.exec(String(EventSourceArn))?.[0],
      String(FunctionArn).split(':')[6],
      String(FunctionResponseTypes),
      BatchSize,
    ]);
    assert.deepEqual(told.toSorted(), [
      ['GrantQueue', 'token-broker-refresh-grants-worker', 'ReportBatchItemFailures', 10],
      ['MailQueue', 'token-broker-relay-mail-send', 'ReportBatchItemFailures', 1],
    ]);
  });

  it('have an alarm, a dashboard, and a schedule for each that is to run every minute', () => {
    assert.ok(made(broker.rest, 'AWS::CloudWatch::Alarm').length > 0);
    assert.equal(made(broker.rest, 'AWS::CloudWatch::Dashboard').length, 1);
    assert.equal(made(broker.rest, 'AWS::Scheduler::Schedule').length, 2);
  });

  it('are set up by npm run cloud:setup', async () => {
    const own = { AWS_ENDPOINT_URL: broker.endpoint, AWS_REGION: 'us-east-1' };
    const env = { ...process.env, ...own, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const command = ['scripts/cloud-setup.ts', '--config', broker.documentFile];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env });
    assert.equal(stdout.match(/: made a key$/gm)?.length, 3, stdout);
    assert.match(stdout, /^Stored in token-broker\/provider-config/m);
    assert.match(stdout, /^The admin API answers with the key of its secret/m);
  });

  for (const [provider, address] of [
    ['microsoft', 'scanner@contoso.example'],
    ['google', 'scanner@gmail.example'],
  ] as const) {
    it(`take a device and its ${provider} mailbox from nothing to a delivered scan`, async () => {
      const steps: string[] = [];
      const walk = { broker, adminKey, provider, address, pdf: await scannedPdf(1) };
      await walkJourney({ ...walk, tell: (step) => steps.push(step) });
      assert.match(steps.at(-1) ?? '', /byte for byte/);
    });
  }

  it('let the functions of the schedules do their work', async () => {
    for (const name of ['refresh-grants-sweep', 'notify']) {
      const event = { version: '0', 'detail-type': 'Scheduled Event', source: 'aws.scheduler', detail: '{}' };
      const asked = new InvokeCommand({ FunctionName: `token-broker-${name}`, Payload: JSON.stringify(event) });
      const { FunctionError, Payload } = await lambda((client) => client.send(asked));
      const said = Buffer.from(Payload ?? []).toString();
      assert.equal(FunctionError, undefined, `${name}: ${said}`);
      assert.doesNotMatch(said, FORBIDDEN);
    }
  });
});
