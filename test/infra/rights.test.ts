import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { BrokerFunction } from '../../infra/functions/broker-function.ts';
import { PARTITIONS, VAULT_PARTITIONS } from '../../infra/rights/table-access.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { EVERYTHING } from '../../scripts/rights/synthesize.ts';
import { blobKeyOf, SUBMISSIONS_PREFIX } from '../../shared/domain/submission.ts';
import { UPLOADS_PREFIX } from '../../shared/domain/upload.ts';
import { keys } from '../../shared/records/items.ts';
import { type Deployment, type Stacks, type Statement, synthesize } from './deployment.ts';

const deployment = synthesize();
const envelopes = synthesize({ vault: 'envelope' });
const toEnvelopes = synthesize({ vault: 'secrets-manager-to-envelope' });
const toSecrets = synthesize({ vault: 'envelope-to-secrets-manager' });

const { stateless } = deployment;

const SECRETS_KEY = deployment.arnOf('AWS::KMS::Key', 'SecretsKey');
/** Whoever serves devices, or sends for them: they see access tokens, and never a refresh token. */
const KEPT_AWAY = ['fetch-token', 'relay-mail/send', 'relay-mail/test', 'relay-mail/gateway'] as const;
const VIA_SECRETS_MANAGER = ['secretsmanager.<AWS::Region>.amazonaws.com'];

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

  it('take everything as a resource only where AWS has no name for it, whatever is switched on', () => {
    const { roles } = synthesize(EVERYTHING);
    const stacks = new Set(roles.map(({ role }) => role.stack));
    assert.ok(stacks.size >= 3, [...stacks].join());
    for (const { role, statements } of roles) {
      for (const { effect, actions, resources } of statements) {
        for (const action of actions) assert.match(action, /^[a-z0-9]+:[A-Za-z]+$/, role.logicalId);
        if (effect === 'Deny' || !resources.includes('*')) continue;
        for (const action of actions) assert.ok(HAVE_NO_RESOURCE.test(action), `${role.logicalId}: ${action}`);
      }
    }
  });

  it('belong to a role for each function, which Lambda alone may take', () => {
    const taken = FUNCTIONS.map((name) => deployment.roleOf(name));
    assert.equal(new Set(taken.map(({ role }) => role.logicalId)).size, FUNCTIONS.length);
    for (const { trusts } of taken) assert.deepEqual(trusts, ['lambda.amazonaws.com']);
    const lambdas = deployment.roles.filter(({ trusts }) => trusts.includes('lambda.amazonaws.com'));
    assert.equal(lambdas.length, FUNCTIONS.length);
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

  for (const name of KEPT_AWAY) {
    it(`keep ${name} from refresh tokens and from the keys that protect them (design rule 4)`, () => {
      assertNoWayToTheVault(deployment, name);
      assertNoWayToTheVault(envelopes, name);
      assertNoWayToTheVault(toEnvelopes, name);
      assertNoWayToTheVault(toSecrets, name);
    });
  }

  it('would be found out if one of these were given the vault, its keys, its partitions, or more of the key of the secrets', () => {
    const grants = (region: string) => `arn:aws:secretsmanager:${region}:1:secret:token-broker/grant/*`;
    const leaks: Leak[] = [
      (one, { vaultKeys }) => one.may(['secretsmanager:GetSecretValue'], vaultKeys.secretArn),
      (one, { region }) => one.may(['secretsmanager:GetSecretValue'], grants(region)),
      (one, { accessTokenKeys }) => one.may(['secretsmanager:BatchGetSecretValue'], accessTokenKeys.secretArn),
      (one, { accessTokenKeys }) => one.may(['secretsmanager:*'], accessTokenKeys.secretArn),
      (one, { table }) => one.may(['dynamodb:GetItem'], table.tableArn),
      (one, { table }) => one.mayInPartitions('dynamodb:GetItem', table.tableArn, VAULT_PARTITIONS),
      (one, { table }) => one.mayInPartitions('dynamodb:GetItem', table.tableArn, ['*']),
      (one) => one.may(['sts:AssumeRole'], '*'),
      (one) => one.may(['kms:Decrypt'], '*'),
      (one, { secretsKey }) => one.may(['kms:Decrypt'], secretsKey.keyArn),
      (one, { secretsKey }) => one.may(['kms:CreateGrant'], secretsKey.keyArn),
      decryptIf(() => ({ StringEquals: { 'kms:ViaService': VIA } })),
      decryptIf(({ accessTokenKeys }) => ({ StringEquals: { [CONTEXT]: accessTokenKeys.secretArn } })),
      decryptIf(({ accessTokenKeys, vaultKeys }) => ({
        StringEquals: { 'kms:ViaService': VIA, [CONTEXT]: [accessTokenKeys.secretArn, vaultKeys.secretArn] },
      })),
      decryptIf(({ accessTokenKeys }) => ({
        StringEqualsIfExists: { 'kms:ViaService': VIA, [CONTEXT]: accessTokenKeys.secretArn },
      })),
      decryptIf(({ accessTokenKeys }) => ({
        StringLike: { 'kms:ViaService': 'secretsmanager.*.amazonaws.com', [CONTEXT]: accessTokenKeys.secretArn },
      })),
      decryptIf(() => ({
        StringEquals: { 'kms:ViaService': VIA },
        StringLike: { [CONTEXT]: 'arn:aws:secretsmanager:*:*:secret:token-broker/*' },
      })),
    ];
    for (let first = 0; first < leaks.length; first += KEPT_AWAY.length) {
      // One for each of the functions: making the templates takes the time.
      const tried = KEPT_AWAY.flatMap((name, place) => {
        const leak = leaks[first + place];
        return leak === undefined ? [] : [{ name, leak, place: first + place }];
      });
      const leaky = synthesize({}, ({ stateful, stateless: stack }) => {
        for (const { name, leak } of tried) leak(stack.functions.byName[name], stateful);
      });
      for (const { name, leak, place } of tried) {
        assert.throws(() => assertNoWayToTheVault(leaky, name), assert.AssertionError, `leak ${place}: ${leak}`);
      }
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
    const own = ['AdminKey', 'WebhookKeys'].map((name) => deployment.arnOf('AWS::SecretsManager::Secret', name));
    assert.deepEqual(secretsRead(envelopes, 'admin'), own);
  });

  it('let the console have a refresh and a test made, and see no access token itself', () => {
    const invoked = deployment.rightsOf('admin').filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    const functions = ['refresh-grants/worker', 'relay-mail/test'] as const;
    assert.deepEqual(
      invoked.flatMap(({ resources }) => resources),
      functions.map((name) => `<${deployment.lambdaOf(name).logicalId}.Arn>`),
    );
    const ring = deployment.arnOf('AWS::SecretsManager::Secret', 'AccessTokenKeys');
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
    const vaultKeys = deployment.arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
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
      const vaultKeys = deployment.arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
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
    const commandOf = ({ stateful: stack, resolved }: Deployment): string =>
      resolved(stack.toJSON().Outputs.VaultMigration?.Value ?? '');
    const keys = deployment.arnOf('AWS::SecretsManager::Secret', 'VaultKeys');
    const { logicalId: table } = deployment.data('AWS::DynamoDB::Table', 'Table');
    const secrets = `BROKER_VAULT_KMS_KEY=${SECRETS_KEY} BROKER_VAULT_KEYS_SECRET=${keys}`;
    const variables = `AWS_REGION=<AWS::Region> BROKER_TABLE=<${table}> BROKER_VAULT_PREFIX=token-broker/grant/ ${secrets}`;
    assert.equal(commandOf(toEnvelopes), `${variables} npm run vault:migrate -- --from secrets-manager --to envelope`);
    assert.equal(commandOf(toSecrets), `${variables} npm run vault:migrate -- --from envelope --to secrets-manager`);
    assert.equal(commandOf(deployment), '');
  });

  it('name the command that shows the keys, with all that it asks for', () => {
    const [access, vault, webhook] = ['AccessTokenKeys', 'VaultKeys', 'WebhookKeys'].map((name) =>
      deployment.arnOf('AWS::SecretsManager::Secret', name),
    );
    const { logicalId: table } = deployment.data('AWS::DynamoDB::Table', 'Table');
    const command = deployment.resolved(deployment.stateful.toJSON().Outputs.KeyRings.Value);
    const [given = '', run] = command.split(' npm run ');
    assert.equal(run, 'keys -- status');
    assert.deepEqual(given.split(' ').sort(), [
      'AWS_REGION=<AWS::Region>',
      `BROKER_ACCESS_KEYS_SECRET=${access}`,
      `BROKER_TABLE=<${table}>`,
      `BROKER_VAULT_KEYS_SECRET=${vault}`,
      `BROKER_WEBHOOK_KEYS_SECRET=${webhook}`,
    ]);
    const asked = readFileSync(new URL('../../scripts/keys.ts', import.meta.url), 'utf8').match(/\bBROKER_[A-Z_]+/g);
    for (const variable of new Set(asked)) {
      if (variable !== 'BROKER_DATA_DIR') assert.ok(given.includes(`${variable}=`), variable);
    }
  });

  it('let who sends write nothing of a mailbox, whose grant and tokens lie there', () => {
    const writes = deployment
      .rightsOf('relay-mail/send')
      .filter(({ actions }) => actions.some((action) => /^dynamodb:(Put|Update|Delete)/.test(action)));
    assert.ok(writes.length > 0);
    for (const { partitions } of writes) assert.ok(!partitions?.includes('mailbox#*'), partitions?.join());
  });

  it('give register-device, relay-mail/accept and the sweep no secret at all', () => {
    for (const name of ['register-device', 'relay-mail/accept', 'refresh-grants/sweep'] as const) {
      assert.deepEqual(secretRights(deployment, name), [], name);
    }
  });

  it('let who tells people put a mail into an outbox, and read no secret but what seals those of webhooks', () => {
    assert.deepEqual(secretsRead(deployment, 'notify'), [
      deployment.arnOf('AWS::SecretsManager::Secret', 'WebhookKeys'),
    ]);
    const objects = `${deployment.arnOf('AWS::S3::Bucket', 'Messages')}/submissions/*`;
    const others = deployment.rightsOf('notify').filter(({ actions }) => /^(s3|sqs|lambda):/.test(actions[0] ?? ''));
    assert.deepEqual(others.map(rights), [
      [['s3:PutObject'], [objects]],
      [['sqs:SendMessage'], [deployment.arnOf('AWS::SQS::Queue', 'MailQueue')]],
    ]);
    const { logicalId } = deployment.lambdaOf('notify');
    stateless.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Target: { Arn: { 'Fn::GetAtt': [logicalId, 'Arn'] } },
    });
  });

  it('let who administers, and who forgets, remove messages, and read none', () => {
    const objects = `${deployment.arnOf('AWS::S3::Bucket', 'Messages')}/${SUBMISSIONS_PREFIX}*`;
    for (const name of ['admin', 'refresh-grants/sweep'] as const) {
      const ofMessages = deployment
        .rightsOf(name)
        .filter(({ actions }) => actions.some((one) => one.startsWith('s3:')));
      assert.deepEqual(ofMessages.map(rights), [[['s3:DeleteObject'], [objects]]], name);
    }
    const sending = deployment.rightsOf('admin').filter(({ actions }) => actions.includes('sqs:SendMessage'));
    const queues = ['GrantQueue', 'MailQueue'].map((name) => deployment.arnOf('AWS::SQS::Queue', name));
    assert.deepEqual(sending.flatMap(({ resources }) => resources).sort(), queues.sort());
  });

  it('let the relay put messages and the sender take them, under the key they have', () => {
    const messages = (name: 'relay-mail/accept' | 'relay-mail/gateway' | 'relay-mail/send') =>
      deployment.rightsOf(name).filter(({ actions }) => actions.some((action) => action.startsWith('s3:')));
    const folder = blobKeyOf('*').replace(/\*.*$/, '*');
    const objects = `${deployment.arnOf('AWS::S3::Bucket', 'Messages')}/${folder}`;
    const uploads = `${deployment.arnOf('AWS::S3::Bucket', 'Messages')}/${UPLOADS_PREFIX}*`;
    assert.deepEqual(messages('relay-mail/accept').map(rights), [
      [['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'], [objects]],
      [['s3:DeleteObject', 's3:GetObject', 's3:PutObject'], [uploads]],
      [['s3:ListBucket'], [deployment.arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
    // It signs no links, so it puts nothing among the uploads.
    assert.deepEqual(messages('relay-mail/gateway').map(rights), [
      [['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:PutObject'], [objects]],
      [['s3:DeleteObject', 's3:GetObject'], [uploads]],
      [['s3:ListBucket'], [deployment.arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
    assert.deepEqual(messages('relay-mail/send').map(rights), [
      [['s3:DeleteObject', 's3:GetObject'], [objects]],
      [['s3:ListBucket'], [deployment.arnOf('AWS::S3::Bucket', 'Messages')]],
    ]);
  });
});

const rights = ({ actions, resources }: Statement) => [actions, resources];

/**
 * Service Authorization Reference: traces, alarms by their state, signing in to the registry of images; and network interfaces,
 * which have no name before Lambda makes them.
 */
const HAVE_NO_RESOURCE =
  /^(xray:Put\w+|cloudwatch:DescribeAlarms|ecr:GetAuthorizationToken|ec2:\w*(NetworkInterfaces?|PrivateIpAddresses|Subnets))$/;

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

const VIA = 'secretsmanager.us-east-1.amazonaws.com';
const CONTEXT = 'kms:EncryptionContext:SecretARN';

type Leak = (function_: BrokerFunction, data: Stacks['stateful']) => unknown;
type Conditions = Record<string, Record<string, string | string[]>>;

/** The key of the secrets, under conditions that are too wide. */
const decryptIf =
  (conditions: (data: Stacks['stateful']) => Conditions): Leak =>
  (function_, data) =>
    function_.lambda.addToRolePolicy(
      new PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [data.secretsKey.keyArn],
        conditions: conditions(data),
      }),
    );

/** Beside tables, logs, queues, messages and functions, its role reads the access tokens' keys, and nothing else. */
const assertNoWayToTheVault = (deployed: Deployment, name: FunctionName): void => {
  const ring = deployment.arnOf('AWS::SecretsManager::Secret', 'AccessTokenKeys');
  const forTheRing = { StringEquals: { 'kms:ViaService': VIA_SECRETS_MANAGER, [CONTEXT]: [ring] } };
  assert.deepEqual(
    secretRights(deployed, name).map((right) => [...rights(right), right.conditions]),
    [
      [['secretsmanager:GetSecretValue'], [ring], {}],
      [['kms:Decrypt'], [SECRETS_KEY], forTheRing],
    ],
  );
  for (const { actions, partitions } of deployed.rightsOf(name)) {
    if (!actions.some((action) => action.startsWith('dynamodb:'))) continue;
    assert.ok(
      partitions?.every((partition) => (PARTITIONS as readonly string[]).includes(partition)),
      actions.join(),
    );
  }
};
