import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { readSettings } from '../../infra/settings/settings.ts';
import { StatefulStack } from '../../infra/stateful-stack.ts';
import { CONTEXT, EVERYTHING } from '../../scripts/rights/synthesize.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { VAULT_CHOICES } from '../../shared/config/cloud-environment.ts';
import { contentLifeSeconds, retentionSeconds } from '../../shared/domain/retention.ts';
import { UPLOAD_KEPT_SECONDS, UPLOADS_PREFIX } from '../../shared/domain/upload.ts';
import { type Deployment, synthesize } from './deployment.ts';

const deployment = synthesize();
const { stateful } = deployment;

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
      DeletionPolicy: 'RetainExceptOnCreate',
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

  it('keeps a wish for a day, as the sweep repeats it, and mail that nobody could fetch for two weeks', () => {
    const kept = (queue: string) => deployment.data('AWS::SQS::Queue', queue).Properties.MessageRetentionPeriod;
    assert.deepEqual([kept('GrantQueue'), kept('MailQueue')], [86_400, 14 * 86_400]);
  });

  it('has a mail queue in high-throughput mode', () => {
    const { Properties } = deployment.data('AWS::SQS::Queue', 'MailQueue');
    assert.equal(Properties.DeduplicationScope, 'messageGroup');
    assert.equal(Properties.FifoThroughputLimit, 'perMessageGroupId');
  });

  it('generates the admin key, and puts no other secret value into the template', () => {
    const propertiesOf = (name: string) => deployment.data('AWS::SecretsManager::Secret', name).Properties;
    assert.deepEqual(propertiesOf('AdminKey').GenerateSecretString, { PasswordLength: 40, ExcludePunctuation: true });
    for (const name of ['ProviderConfig', 'AccessTokenKeys', 'VaultKeys', 'WebhookKeys']) {
      assert.deepEqual(Object.keys(propertiesOf(name)).sort(), ['Description', 'KmsKeyId', 'Name'], name);
    }
  });
});

describe('what other stacks read of it', () => {
  const everything = synthesize(EVERYTHING);

  it('is exported, whatever is set, and whether they read it or not: no setting takes away what is in use', () => {
    const alone = new StatefulStack(new App({ context: CONTEXT }), 'token-broker-data', readSettings(new App().node));
    const exported = exportsOf(Template.fromStack(alone));
    assert.ok(exported.length > 20);
    const vaults = VAULT_CHOICES.map((vault) => synthesize({ vault, removalPolicy: 'destroy' }));
    for (const one of [deployment, everything, ...vaults]) assert.deepEqual(exportsOf(one.stateful), exported);
  });

  it('is looked up by no weak reference; of those there are few, lest CloudFormation be throttled', () => {
    const weak = ({ stateless }: Deployment) => JSON.stringify(stateless).match(/"Fn::GetStackOutput":\{[^}]*/g) ?? [];
    assert.deepEqual(weak(deployment), []);
    // Four functions, each with two subnets and a group.
    assert.equal(weak(everything).length, 12);
    for (const one of weak(everything)) assert.match(one, /"StackName":"token-broker-egress"/);
  });
});

describe('the key of the secrets', () => {
  const { logicalId, Properties } = deployment.data('AWS::KMS::Key', 'SecretsKey');
  const policy = deployment.reader.statementsOf(Properties.KeyPolicy);
  const root = 'arn:<AWS::Partition>:iam::<AWS::AccountId>:root';

  it('encrypts every one of them, is replaced every year, and goes by the name of the broker', () => {
    const secrets = Object.values(stateful.findResources('AWS::SecretsManager::Secret'));
    assert.equal(secrets.length, 5);
    for (const secret of secrets) assert.equal(deployment.resolved(secret.Properties.KmsKeyId), `<${logicalId}.Arn>`);
    assert.equal(Properties.EnableKeyRotation, true);
    stateful.hasResourceProperties('AWS::KMS::Alias', { AliasName: 'alias/token-broker' });
  });

  it('is left to the IAM of this account, and of no other', () => {
    stateful.resourceCountIs('AWS::KMS::Key', 1);
    for (const statement of statementsIn(Properties.KeyPolicy)) {
      assert.deepEqual(Object.keys(statement.Principal), ['AWS']);
      assert.equal(deployment.resolved(statement.Principal.AWS), root);
    }
  });

  it('opens nothing but by way of Secrets Manager, not even for who administers it', () => {
    const using = policy.filter(({ actions }) => actions.some(usesTheKey));
    assert.equal(using.length, 1);
    const viaSecretsManager = { 'kms:ViaService': ['secretsmanager.<AWS::Region>.amazonaws.com'] };
    for (const { conditions } of using) assert.deepEqual(conditions, { StringEquals: viaSecretsManager });
    for (const { actions } of policy) {
      for (const action of actions) assert.match(action, /^kms:[A-Za-z]+$/, 'no wildcard');
      assert.ok(!actions.includes('kms:CreateGrant'), 'a grant would be a way around the condition');
    }
  });

  it('can always be administered, so that nobody locks themselves out', () => {
    const always = policy.filter(({ conditions }) => Object.keys(conditions).length === 0);
    const actions = always.flatMap((statement) => statement.actions);
    for (const action of ['kms:PutKeyPolicy', 'kms:CancelKeyDeletion', 'kms:EnableKey']) {
      assert.ok(actions.includes(action), action);
    }
  });
});

describe('removalPolicy', () => {
  const WITH_THE_STACK = ['AWS::KMS::Alias', 'AWS::SQS::Queue', 'AWS::SQS::QueuePolicy'];
  const trial = synthesize({ removalPolicy: 'destroy' });

  it('keeps everything unless it says otherwise, but for queues and the name of the key', () => {
    assert.equal(deployment.stacks.stateful.terminationProtection, true);
    for (const [id, { Type, DeletionPolicy, UpdateReplacePolicy }] of resourcesOf(deployment)) {
      if (WITH_THE_STACK.includes(Type)) continue;
      // What a first deployment made that failed would be in the way of the next one, by its name.
      const kept = Type === 'AWS::DynamoDB::Table' ? 'Retain' : 'RetainExceptOnCreate';
      assert.deepEqual([DeletionPolicy, UpdateReplacePolicy], [kept, 'Retain'], id);
    }
  });

  it('lets go of everything with "destroy", and of the key after a week', () => {
    assert.equal(trial.stacks.stateful.terminationProtection, false);
    for (const [id, { DeletionPolicy = '' }] of resourcesOf(trial)) assert.doesNotMatch(DeletionPolicy, /Retain/, id);
    trial.stateful.hasResourceProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: false });
    trial.stateful.hasResourceProperties('AWS::KMS::Key', { PendingWindowInDays: 7 });
  });

  it('brings no function that could empty the bucket', () => {
    for (const { stateful: data } of [deployment, trial]) {
      for (const type of ['AWS::Lambda::Function', 'AWS::IAM::Role', 'Custom::S3AutoDeleteObjects']) {
        data.resourceCountIs(type, 0);
      }
    }
  });
});

/** By name, with what they export. */
const exportsOf = (template: Template): [string, string][] => {
  const outputs: Record<string, { Value: unknown; Export?: { Name: string } }> = template.toJSON().Outputs;
  return Object.values(outputs)
    .flatMap(({ Value, Export }): [string, string][] => (Export ? [[Export.Name, JSON.stringify(Value)]] : []))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
};

const usesTheKey = (action: string): boolean =>
  /^kms:(Decrypt|Encrypt|ReEncrypt|GenerateDataKey|GenerateMac)/.test(action);

const statementsIn = (policy: unknown): readonly { readonly Principal: { readonly AWS: unknown } }[] =>
  (policy as { Statement: { Principal: { AWS: unknown } }[] }).Statement;

interface Declared {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

const resourcesOf = ({ stateful: data }: Deployment): [string, Declared][] => Object.entries(data.toJSON().Resources);

const tlsOnly = (Action: string) =>
  Match.objectLike({ Action, Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
