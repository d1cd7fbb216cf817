import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { ROUTES } from '../../functions/routes.ts';
import { BrokerFunction } from '../../infra/broker-function.ts';
import { PARTITIONS, VAULT_PARTITIONS } from '../../infra/table-access.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { contentLifeSeconds, retentionSeconds } from '../../shared/domain/retention.ts';
import { blobKeyOf, SUBMISSIONS_PREFIX } from '../../shared/domain/submission.ts';
import { LEASE_SECONDS, PROVIDER_TIMEOUT_SECONDS, SENDING_SECONDS } from '../../shared/domain/timing.ts';
import { UPLOAD_KEPT_SECONDS, UPLOADS_PREFIX } from '../../shared/domain/upload.ts';
import { keys } from '../../shared/records/items.ts';
import { type Deployment, type Statement, synthesize } from './deployment.ts';

const deployment = synthesize();
const envelopes = synthesize({ vault: 'envelope' });
const toEnvelopes = synthesize({ vault: 'secrets-manager-to-envelope' });
const toSecrets = synthesize({ vault: 'envelope-to-secrets-manager' });

const { stateful, stateless } = deployment;

describe('what must survive', () => {
  it('has the table that the adapter needs', () => {
    const { TableName: _given, ...definition } = tableDefinition('any');
    stateful.hasResourceProperties('AWS::DynamoDB::Table', definition);
  });

  it('keeps the table encrypted, recoverable to any second, and safe from deletion', () => {
    stateful.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    });
  });

  it('keeps messages encrypted, closed to the public, over TLS only, and not for ever', () => {
    const { logicalId } = deployment.data('AWS::S3::Bucket', 'Messages');
    stateful.hasResource('AWS::S3::Bucket', {
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        LifecycleConfiguration: {
          Rules: [
            Match.objectLike({
              ExpirationInDays: contentLifeSeconds(retentionSeconds(30)) / 86_400,
              Status: 'Enabled',
            }),
            { ExpirationInDays: UPLOAD_KEPT_SECONDS / 86_400, Prefix: UPLOADS_PREFIX, Status: 'Enabled' },
          ],
        },
      },
      DeletionPolicy: 'Retain',
    });
    stateful.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: logicalId },
      PolicyDocument: { Statement: Match.arrayWith([tlsOnly('s3:*')]) },
    });
  });

  it('has queues that are encrypted and take TLS only', () => {
    const queues = stateful.findResources('AWS::SQS::Queue');
    assert.equal(Object.keys(queues).length, 4);
    for (const [logicalId, { Properties }] of Object.entries(queues)) {
      assert.equal(Properties.SqsManagedSseEnabled, true, logicalId);
      stateful.hasResourceProperties('AWS::SQS::QueuePolicy', {
        Queues: [{ Ref: logicalId }],
        PolicyDocument: { Statement: [tlsOnly('sqs:*')] },
      });
    }
  });

  it('puts what fails again and again to the dead letters, FIFO to FIFO, for two weeks', () => {
    for (const [queue, deadLetters, fifo] of [
      ['GrantQueue', 'GrantDeadLetters', undefined],
      ['MailQueue', 'MailDeadLetters', true],
    ] as const) {
      const dead = deployment.data('AWS::SQS::Queue', deadLetters);
      const { Properties } = deployment.data('AWS::SQS::Queue', queue);
      assert.deepEqual(Properties.RedrivePolicy, {
        deadLetterTargetArn: { 'Fn::GetAtt': [dead.logicalId, 'Arn'] },
        maxReceiveCount: 5,
      });
      assert.equal(Properties.FifoQueue, fifo);
      assert.equal(dead.Properties.FifoQueue, fifo);
      assert.equal(dead.Properties.MessageRetentionPeriod, 14 * 86_400);
    }
  });

  it('has a mail queue in high-throughput mode', () => {
    const { Properties } = deployment.data('AWS::SQS::Queue', 'MailQueue');
    assert.equal(Properties.DeduplicationScope, 'messageGroup');
    assert.equal(Properties.FifoThroughputLimit, 'perMessageGroupId');
  });

  it('generates the admin key, and puts no other secret value into the template', () => {
    const propertiesOf = (name: string) => deployment.data('AWS::SecretsManager::Secret', name).Properties;
    assert.deepEqual(propertiesOf('AdminKey').GenerateSecretString, { PasswordLength: 40, ExcludePunctuation: true });
    assert.equal(propertiesOf('ProviderConfig').SecretString, '{}');
    for (const ring of ['AccessTokenKeys', 'VaultKeys', 'WebhookKeys']) {
      assert.deepEqual(Object.keys(propertiesOf(ring)).sort(), ['Description', 'Name'], ring);
    }
    for (const { DeletionPolicy } of Object.values(stateful.findResources('AWS::SecretsManager::Secret'))) {
      assert.equal(DeletionPolicy, 'Retain');
    }
  });
});

describe('functions', () => {
  it('are those that are built, on Node 24 and arm64, each with a log of its own that ends', () => {
    stateless.resourceCountIs('AWS::Lambda::Function', FUNCTIONS.length);
    for (const name of FUNCTIONS) {
      const { properties } = deployment.lambdaOf(name);
      assert.equal(properties.Runtime, 'nodejs24.x');
      assert.deepEqual(properties.Architectures, ['arm64']);
      assert.equal(properties.Handler, 'index.handler');
      assert.equal(properties.MemorySize, 512);
      const log = deployment.resolved(properties.LoggingConfig.LogGroup).slice(1, -1);
      const group = stateless.findResources('AWS::Logs::LogGroup')[log];
      assert.equal(group?.Properties.LogGroupName, `/aws/lambda/${properties.FunctionName}`);
      assert.equal(group?.Properties.RetentionInDays, 30);
    }
  });

  for (const [vault, deployed] of Object.entries({
    'secrets-manager': deployment,
    envelope: envelopes,
    'secrets-manager-to-envelope': toEnvelopes,
    'envelope-to-secrets-manager': toSecrets,
  })) {
    it(`have just the variables that their handlers need, with the ${vault} vault`, () => {
      for (const name of FUNCTIONS) {
        const environment = deployed.environmentOf(name);
        assert.deepEqual(Object.keys(environment).sort(), neededBy(name, vault), name);
        for (const [variable, value] of Object.entries(environment)) assert.notEqual(value, '', variable);
      }
    });
  }

  it('answer before API Gateway hangs up, but for a sign-in, which must not lose what the provider has given', () => {
    const timeoutOf = (name: FunctionName) => Number(deployment.lambdaOf(name).properties.Timeout);
    for (const name of Object.keys(ROUTES) as (keyof typeof ROUTES)[]) {
      if (name !== 'sign-in') assert.ok(timeoutOf(name) < 30, name);
    }
    assert.ok(timeoutOf('sign-in') >= timeoutOf('refresh-grants/worker'));
    assert.ok(timeoutOf('sign-in') > 2 * PROVIDER_TIMEOUT_SECONDS + LEASE_SECONDS);
  });

  it('are told the address of the API, or the one that was chosen', () => {
    assert.match(deployment.environmentOf('sign-in').BROKER_PUBLIC_URL ?? '', /^<Api\w+\.ApiEndpoint>$/);
    const chosen = synthesize({ publicUrl: 'https://mail.example.com' });
    for (const name of FUNCTIONS) {
      assert.equal(chosen.environmentOf(name).BROKER_PUBLIC_URL, 'https://mail.example.com');
    }
  });
});

describe('what sets functions going', () => {
  for (const [name, patterns] of Object.entries(ROUTES) as [keyof typeof ROUTES, readonly string[]][]) {
    for (const pattern of patterns) {
      it(`brings ${pattern} to ${name}`, () => {
        const route = findRoute(deployment, pattern);
        const arn = `<${deployment.lambdaOf(name).logicalId}.Arn>`;
        assert.equal(route.integration.PayloadFormatVersion, '2.0');
        assert.equal(deployment.resolved(route.integration.IntegrationUri), arn);
        const permission = Object.values(stateless.findResources('AWS::Lambda::Permission')).find(
          ({ Properties }) =>
            deployment.resolved(Properties.FunctionName) === arn &&
            deployment.resolved(Properties.SourceArn).endsWith(route.permittedSource),
        );
        assert.equal(permission?.Properties.Principal, 'apigateway.amazonaws.com');
      });
    }
  }

  it('has no other routes', () => {
    stateless.resourceCountIs('AWS::ApiGatewayV2::Route', Object.values(ROUTES).flat().length);
  });

  it('sweeps every minute', () => {
    const { logicalId } = deployment.lambdaOf('refresh-grants/sweep');
    stateless.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Arn: { 'Fn::GetAtt': [logicalId, 'Arn'] } },
    });
  });

  it('feeds the workers from their queues, and a failed message alone comes back', () => {
    const grants = eventSourceOf('refresh-grants/worker');
    assert.equal(deployment.resolved(grants.EventSourceArn), arnOf('AWS::SQS::Queue', 'GrantQueue'));
    assert.equal(grants.BatchSize, 10);
    assert.deepEqual(grants.ScalingConfig, { MaximumConcurrency: 40 });
    const mail = eventSourceOf('relay-mail/send');
    assert.equal(deployment.resolved(mail.EventSourceArn), arnOf('AWS::SQS::Queue', 'MailQueue'));
    assert.equal(mail.BatchSize, 1);
    for (const source of [grants, mail]) {
      assert.deepEqual(source.FunctionResponseTypes, ['ReportBatchItemFailures']);
    }
  });

  it('hides a message for as long as a worker may work on it', () => {
    const hidden = (queue: string) => Number(deployment.data('AWS::SQS::Queue', queue).Properties.VisibilityTimeout);
    assert.ok(hidden('GrantQueue') >= 6 * deployment.lambdaOf('refresh-grants/worker').properties.Timeout);
    const sending = deployment.lambdaOf('relay-mail/send').properties.Timeout;
    assert.ok(hidden('MailQueue') > sending);
    assert.ok(sending > SENDING_SECONDS);
  });
});

describe('rights', () => {
  it('name their actions and their resources, without wildcards for either', () => {
    for (const { allStatements } of [deployment, envelopes]) {
      assert.ok(allStatements.length > 20);
      for (const { effect, actions, resources } of allStatements) {
        assert.equal(effect, 'Allow');
        for (const action of actions) assert.match(action, /^[a-z0-9]+:[A-Za-z]+$/);
        for (const resource of resources) assert.ok(!resource.includes('*') || isNarrow(resource), resource);
      }
    }
  });

  it('come from no managed policy', () => {
    for (const { Properties } of Object.values(stateless.findResources('AWS::IAM::Role'))) {
      assert.equal(Properties.ManagedPolicyArns, undefined);
    }
  });

  it('hold every function to partitions of the table, and none to scanning it', () => {
    for (const { allStatements } of [deployment, envelopes]) {
      for (const { actions, resources, partitions } of allStatements) {
        if (!actions.some((action) => action.startsWith('dynamodb:'))) continue;
        assert.ok(!actions.includes('dynamodb:Scan'));
        if (resources.every((resource) => resource.endsWith('/index/due'))) continue;
        assert.ok(partitions !== undefined && partitions.length > 0, actions.join());
      }
    }
  });

  it('know the partitions that the records have, and no other', () => {
    const used = Object.values(keys).map((key) => (typeof key === 'function' ? key('x', 'admin', 'x') : key).pk);
    const prefixes = used.map((pk) => pk.replace(/#x$/, '#*'));
    assert.deepEqual([...PARTITIONS].sort(), [...new Set(prefixes)].sort());
  });

  for (const name of ['fetch-token', 'relay-mail/send', 'relay-mail/test', 'relay-mail/gateway'] as const) {
    it(`keep ${name} from refresh tokens and from the keys that protect them (design rule 4)`, () => {
      assertNoWayToTheVault(deployment, name);
      assertNoWayToTheVault(envelopes, name);
      assertNoWayToTheVault(toEnvelopes, name);
      assertNoWayToTheVault(toSecrets, name);
    });
  }

  it('would be found out if fetch-token were given the vault, its keys, or its partitions', () => {
    const grant = (actions: string[], resource: (data: Stacks['stateful']) => string) => (stacks: Stacks) =>
      fetchTokenOf(stacks).may(actions, resource(stacks.stateful));
    const leaks: ((stacks: Stacks) => unknown)[] = [
      grant(['secretsmanager:GetSecretValue'], ({ vaultKeys }) => vaultKeys.secretArn),
      grant(
        ['secretsmanager:GetSecretValue'],
        (data) => `arn:aws:secretsmanager:${data.region}:1:secret:token-broker/grant/*`,
      ),
      grant(['secretsmanager:BatchGetSecretValue'], ({ accessTokenKeys }) => accessTokenKeys.secretArn),
      grant(['secretsmanager:*'], ({ accessTokenKeys }) => accessTokenKeys.secretArn),
      grant(['dynamodb:GetItem'], ({ table }) => table.tableArn),
      (stacks) =>
        fetchTokenOf(stacks).mayInPartitions('dynamodb:GetItem', stacks.stateful.table.tableArn, VAULT_PARTITIONS),
      (stacks) => fetchTokenOf(stacks).mayInPartitions('dynamodb:GetItem', stacks.stateful.table.tableArn, ['*']),
      grant(['kms:Decrypt'], () => '*'),
      grant(['sts:AssumeRole'], () => '*'),
    ];
    for (const leak of leaks) {
      const leaky = synthesize({}, leak);
      assert.throws(() => assertNoWayToTheVault(leaky, 'fetch-token'), assert.AssertionError, leak.toString());
    }
  });

  it('let the console delete refresh tokens, not read them', () => {
    const vault = secretRights(deployment, 'admin').filter(({ resources }) => resources.some(isVaultSecret));
    assert.deepEqual(
      vault.flatMap(({ actions }) => actions),
      ['secretsmanager:DeleteSecret'],
    );
    const inTable = envelopes.rightsOf('admin').filter(({ partitions }) => partitions?.includes(VAULT_PARTITIONS[0]));
    assert.deepEqual(
      inTable.flatMap(({ actions }) => actions),
      ['dynamodb:DeleteItem'],
    );
    // Its own key, and what seals the secrets of webhooks.
    const own = ['AdminKey', 'WebhookKeys'].map((name) => arnOf('AWS::SecretsManager::Secret', name));
    assert.deepEqual(secretsRead(envelopes, 'admin'), own);
  });

  it('let the console have a refresh and a test made, and see no access token itself', () => {
    const invoked = deployment.rightsOf('admin').filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    const functions = ['refresh-grants/worker', 'relay-mail/test'] as const;
    assert.deepEqual(
      invoked.flatMap(({ resources }) => resources),
      functions.map((name) => `<${deployment.lambdaOf(name).logicalId}.Arn>`),
    );
    const ring = arnOf('AWS::SecretsManager::Secret', 'AccessTokenKeys');
    for (const deployed of [deployment, envelopes]) assert.ok(!secretsRead(deployed, 'admin').includes(ring));
  });

  it('let a test write nothing but the pace of the mailbox', () => {
    const writes = deployment
      .rightsOf('relay-mail/test')
      .filter(({ actions }) => actions.some((action) => /^dynamodb:(Put|Update|Delete)/.test(action)));
    assert.deepEqual(
      writes.map(({ actions, partitions }) => [actions, partitions]),
      [[['dynamodb:PutItem'], ['outbox#*']]],
    );
  });

  it('let sign-in and the worker alone open the vault', () => {
    const readers = FUNCTIONS.filter((name) => secretsRead(deployment, name).some(isVaultSecret));
    assert.deepEqual(readers, ['sign-in', 'refresh-grants/worker']);
    const vaultKeys = arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
    const keyReaders = FUNCTIONS.filter((name) => secretsRead(envelopes, name).includes(vaultKeys));
    assert.deepEqual(keyReaders, ['sign-in', 'refresh-grants/worker']);
    assert.ok(!FUNCTIONS.some((name) => secretsRead(deployment, name).includes(vaultKeys)));
  });

  it('take no more from a vault that tokens leave than reading takes, and may fill the one they go to', () => {
    const secretActions = (deployed: Deployment, name: FunctionName) =>
      secretRights(deployed, name)
        .filter(({ resources }) => resources.some(isVaultSecret))
        .flatMap(({ actions }) => actions.map((action) => action.replace('secretsmanager:', '')));
    const tableActions = (deployed: Deployment, name: FunctionName) =>
      deployed
        .rightsOf(name)
        .filter(({ partitions }) => partitions?.includes(VAULT_PARTITIONS[0]))
        .flatMap(({ actions }) => actions.map((action) => action.replace('dynamodb:', '')));
    const replace = ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'];
    const store = ['CreateSecret', 'DeleteSecret', ...replace, 'RestoreSecret'].sort();
    assert.deepEqual(secretActions(deployment, 'refresh-grants/worker').sort(), ['DeleteSecret', ...replace]);
    assert.deepEqual(secretActions(deployment, 'sign-in').sort(), store);
    for (const name of ['sign-in', 'refresh-grants/worker'] as const) {
      const leaving = ['DeleteSecret', 'GetSecretValue', 'UpdateSecretVersionStage'];
      assert.deepEqual(secretActions(toEnvelopes, name).sort(), leaving);
      assert.deepEqual(tableActions(toEnvelopes, name).sort(), ['DeleteItem', 'GetItem', 'PutItem']);
      assert.deepEqual(secretActions(toSecrets, name).sort(), store);
      assert.deepEqual(tableActions(toSecrets, name).sort(), ['DeleteItem', 'GetItem']);
      const vaultKeys = arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
      for (const deployed of [toEnvelopes, toSecrets]) assert.ok(secretsRead(deployed, name).includes(vaultKeys));
    }
    for (const deployed of [toEnvelopes, toSecrets]) {
      assert.deepEqual(secretActions(deployed, 'admin'), ['DeleteSecret']);
      assert.deepEqual(tableActions(deployed, 'admin'), ['DeleteItem']);
      const users = FUNCTIONS.filter((name) => secretActions(deployed, name).length > 0);
      assert.deepEqual(users, ['sign-in', 'refresh-grants/worker', 'admin']);
    }
  });

  it('name the command that moves the tokens, while they are to be moved', () => {
    const commandOf = ({ stateless: stack, resolved }: Deployment): string =>
      resolved(stack.toJSON().Outputs.VaultMigration?.Value ?? '');
    const keys = arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
    const { logicalId: table } = deployment.data('AWS::DynamoDB::Table', 'Table');
    const variables = `BROKER_TABLE=<${table}> BROKER_VAULT_PREFIX=token-broker/grant/ BROKER_VAULT_KEYS_SECRET=${keys}`;
    assert.equal(commandOf(toEnvelopes), `${variables} npm run vault:migrate -- --from secrets-manager --to envelope`);
    assert.equal(commandOf(toSecrets), `${variables} npm run vault:migrate -- --from envelope --to secrets-manager`);
    assert.equal(commandOf(deployment), '');
  });

  it('give register-device, relay-mail/accept and the sweep no secret at all', () => {
    for (const name of ['register-device', 'relay-mail/accept', 'refresh-grants/sweep'] as const) {
      assert.deepEqual(secretRights(deployment, name), [], name);
    }
  });

  it('let who tells people put a mail into an outbox, and read no secret but what seals those of webhooks', () => {
    assert.deepEqual(secretsRead(deployment, 'notify'), [arnOf('AWS::SecretsManager::Secret', 'WebhookKeys')]);
    const objects = `${arnOf('AWS::S3::Bucket', 'Messages')}/submissions/*`;
    const others = deployment.rightsOf('notify').filter(({ actions }) => /^(s3|sqs|lambda):/.test(actions[0] ?? ''));
    assert.deepEqual(others.map(rights), [
      [['s3:PutObject'], [objects]],
      [['sqs:SendMessage'], [arnOf('AWS::SQS::Queue', 'MailQueue')]],
    ]);
    const { logicalId } = deployment.lambdaOf('notify');
    stateless.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Target: { Arn: { 'Fn::GetAtt': [logicalId, 'Arn'] } },
    });
  });

  it('let who administers, and who forgets, remove messages, and read none', () => {
    const objects = `${arnOf('AWS::S3::Bucket', 'Messages')}/${SUBMISSIONS_PREFIX}*`;
    for (const name of ['admin', 'refresh-grants/sweep'] as const) {
      const ofMessages = deployment
        .rightsOf(name)
        .filter(({ actions }) => actions.some((one) => one.startsWith('s3:')));
      assert.deepEqual(ofMessages.map(rights), [[['s3:DeleteObject'], [objects]]], name);
    }
    const sending = deployment.rightsOf('admin').filter(({ actions }) => actions.includes('sqs:SendMessage'));
    const queues = ['GrantQueue', 'MailQueue'].map((name) => arnOf('AWS::SQS::Queue', name));
    assert.deepEqual(sending.flatMap(({ resources }) => resources).sort(), queues.sort());
  });

  it('let the relay put messages and the sender take them, under the key they have', () => {
    const messages = (name: 'relay-mail/accept' | 'relay-mail/gateway' | 'relay-mail/send') =>
      deployment.rightsOf(name).filter(({ actions }) => actions.some((action) => action.startsWith('s3:')));
    const folder = blobKeyOf('*').replace(/\*.*$/, '*');
    const objects = `${arnOf('AWS::S3::Bucket', 'Messages')}/${folder}`;
    const uploads = `${arnOf('AWS::S3::Bucket', 'Messages')}/${UPLOADS_PREFIX}*`;
    assert.deepEqual(messages('relay-mail/accept').map(rights), [
      [['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'], [objects]],
      [['s3:DeleteObject', 's3:GetObject', 's3:PutObject'], [uploads]],
      [['s3:ListBucket'], [arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
    // It signs no links, so it puts nothing among the uploads.
    assert.deepEqual(messages('relay-mail/gateway').map(rights), [
      [['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'], [objects]],
      [['s3:DeleteObject', 's3:GetObject'], [uploads]],
      [['s3:ListBucket'], [arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
    assert.deepEqual(messages('relay-mail/send').map(rights), [
      [['s3:DeleteObject', 's3:GetObject'], [objects]],
      [['s3:ListBucket'], [arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
  });
});

describe('settings', () => {
  it('keep what was sent for as many days as they say, and every content for long enough', () => {
    const longer = synthesize({ retentionDays: '365' });
    const keeping = ['relay-mail/accept', 'relay-mail/gateway', 'relay-mail/send', 'refresh-grants/sweep'] as const;
    for (const name of [...keeping, 'admin', 'notify'] as const) {
      assert.equal(deployment.environmentOf(name).BROKER_RETENTION_DAYS, '30', name);
      assert.equal(longer.environmentOf(name).BROKER_RETENTION_DAYS, '365', name);
    }
    longer.stateful.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ ExpirationInDays: contentLifeSeconds(retentionSeconds(365)) / 86_400 }),
        ]),
      },
    });
  });

  for (const [settings, message] of [
    [{ publicUrl: 'http://mail.example.com' }, /publicUrl must be https/],
    [{ publicUrl: 'https://mail.example.com/' }, /publicUrl must be https/],
    [{ publicUrl: 'https://mail.example.com/broker' }, /publicUrl must be https/],
    [{ publicUrl: '' }, /publicUrl must be https/],
    [{ name: 'Token Broker' }, /name must be/],
    [{ vault: 'table' }, /vault must be secrets-manager or envelope/],
    [{ retentionDays: '0' }, /retentionDays must be a whole number from 1 to 365/],
    [{ retentionDays: '366' }, /retentionDays must be a whole number from 1 to 365/],
    [{ retentionDays: 'a week' }, /retentionDays must be a whole number from 1 to 365/],
    [{ noticeMailbox: 'it@contoso.example' }, /noticeMailbox must be the id of a mailbox/],
    [{ privateWebhooks: 'yes' }, /privateWebhooks must be allow or refuse/],
  ] as const) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      assert.throws(() => synthesize(settings), { name: 'DeploymentError', message });
    });
  }
});

type Stacks = Parameters<NonNullable<Parameters<typeof synthesize>[1]>>[0];

const fetchTokenOf = ({ stateless: stack }: Stacks): BrokerFunction => {
  const found = stack.node.findChild('fetch-token');
  assert.ok(found instanceof BrokerFunction);
  return found;
};

const tlsOnly = (Action: string) =>
  Match.objectLike({ Action, Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });

const arnOf = (type: string, construct: string): string => {
  const { logicalId } = deployment.data(type, construct);
  return type === 'AWS::SecretsManager::Secret' ? `<${logicalId}>` : `<${logicalId}.Arn>`;
};

/** What the handler's source asks of its environment, and what `cloudTokenVault` takes beside. */
const neededBy = (name: FunctionName, vault: string): string[] => {
  const source = readFileSync(new URL(`../../functions/${name}/handler.ts`, import.meta.url), 'utf8');
  const named = source.match(/\bBROKER_[A-Z_]+\b/g) ?? [];
  const besides = [
    ...(vault === 'secrets-manager' ? [] : ['BROKER_VAULT_KEYS_SECRET']),
    ...(vault === 'envelope' ? [] : ['BROKER_VAULT_PREFIX']),
  ];
  const usesVault = source.includes('cloudTokenVault(');
  return [...new Set(['BROKER_PUBLIC_URL', 'BROKER_TABLE', ...named, ...(usesVault ? besides : [])])].sort();
};

/** The route of a pattern of `ROUTES`, with its integration, and how the ARN ends that may call the function for it. */
const findRoute = ({ resolved }: Deployment, pattern: string) => {
  const path = pattern.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{proxy+}');
  const key = pattern === '/*' ? '$default' : `ANY ${path}`;
  const routes = Object.values(stateless.findResources('AWS::ApiGatewayV2::Route'));
  const route = routes.find(({ Properties }) => Properties.RouteKey === key);
  assert.ok(route, `no route ${key}`);
  const integrationId = /<(\w+)>/.exec(resolved(route.Properties.Target))?.[1] ?? '';
  const integration = stateless.findResources('AWS::ApiGatewayV2::Integration')[integrationId];
  assert.ok(integration, `no integration ${integrationId}`);
  return { integration: integration.Properties, permittedSource: pattern === '/*' ? '/*/*' : `/*/*${path}` };
};

const eventSourceOf = (name: FunctionName) => {
  const { logicalId } = deployment.lambdaOf(name);
  const sources = Object.values(stateless.findResources('AWS::Lambda::EventSourceMapping'));
  const source = sources.find(({ Properties }) => deployment.resolved(Properties.FunctionName) === `<${logicalId}>`);
  assert.ok(source, `nothing feeds ${name}`);
  return source.Properties;
};

const rights = ({ actions, resources }: Statement) => [actions, resources];

/** A folder of one bucket, the secrets of one vault, and the versions of one function: AWS names those no other way. */
const isNarrow = (resource: string): boolean =>
  isVaultSecret(resource) || /^<\w+\.Arn>(\/(?:submissions|uploads)\/\*|:\*)$/.test(resource);

const isVaultSecret = (resource: string): boolean => resource.endsWith(':secret:token-broker/grant/*');

const secretRights = (deployed: Deployment, name: FunctionName): readonly Statement[] =>
  deployed
    .rightsOf(name)
    .filter(({ actions }) => actions.some((action) => !/^(dynamodb|logs|sqs|s3|lambda):/.test(action)));

const secretsRead = (deployed: Deployment, name: FunctionName): readonly string[] =>
  secretRights(deployed, name)
    .filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'))
    .flatMap(({ resources }) => resources);

/** Beside tables, logs, queues, messages and functions, its role reads the access tokens' keys, and nothing else. */
const assertNoWayToTheVault = (deployed: Deployment, name: FunctionName): void => {
  const ring = arnOf('AWS::SecretsManager::Secret', 'AccessTokenKeys');
  assert.deepEqual(secretRights(deployed, name).map(rights), [[['secretsmanager:GetSecretValue'], [ring]]]);
  for (const { actions, partitions } of deployed.rightsOf(name)) {
    if (!actions.some((action) => action.startsWith('dynamodb:'))) continue;
    assert.ok(
      partitions?.every((partition) => (PARTITIONS as readonly string[]).includes(partition)),
      actions.join(),
    );
  }
};
