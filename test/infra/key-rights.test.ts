import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { type Deployment, type Statement, synthesize } from './deployment.ts';

const VAULTS = ['secrets-manager', 'envelope', 'secrets-manager-to-envelope', 'envelope-to-secrets-manager'] as const;

const CONTEXT = 'kms:EncryptionContext:SecretARN';
const GRANTS = 'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:token-broker/grant/*';

const WRITES = ['secretsmanager:CreateSecret', 'secretsmanager:PutSecretValue'];
const OPENS = ['secretsmanager:GetSecretValue', ...WRITES];

/** The secrets on which a function may do one of these. */
const secretsFor = (rights: readonly Statement[], actions: readonly string[]): string[] =>
  sorted(
    rights
      .filter((right) => right.actions.some((action) => actions.includes(action)))
      .flatMap(({ resources }) => resources),
  );

/** The secrets for which the key does this for it. */
const contextsFor = (rights: readonly Statement[], action: string): string[] =>
  sorted(
    rights
      .filter(({ actions }) => actions.includes(action))
      .flatMap(({ conditions }) => Object.values(conditions).flatMap((keys) => keys[CONTEXT] ?? [])),
  );

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort();

const rightsToTheKey = (deployed: Deployment, name: FunctionName): readonly Statement[] =>
  deployed.rightsOf(name).filter(({ actions }) => actions.some((action) => action.startsWith('kms:')));

for (const vault of VAULTS) {
  const deployed = synthesize({ vault });
  const key = deployed.arnOf('AWS::KMS::Key', 'SecretsKey');

  describe(`rights to the key of the secrets, with the ${vault} vault`, () => {
    it('open it for just those secrets that a function reads or writes, and make data keys for those it writes', () => {
      for (const name of FUNCTIONS) {
        const rights = deployed.rightsOf(name);
        assert.deepEqual(contextsFor(rights, 'kms:Decrypt'), secretsFor(rights, OPENS), name);
        assert.deepEqual(contextsFor(rights, 'kms:GenerateDataKey'), secretsFor(rights, WRITES), name);
      }
    });

    it('hold only by way of Secrets Manager, to one key, and to nothing else of KMS', () => {
      for (const name of FUNCTIONS) {
        for (const { effect, actions, resources, conditions } of rightsToTheKey(deployed, name)) {
          assert.equal(effect, 'Allow');
          assert.deepEqual(resources, [key], name);
          assert.ok(actions.every((action) => ['kms:Decrypt', 'kms:GenerateDataKey'].includes(action)));
          const via = { 'kms:ViaService': ['secretsmanager.<AWS::Region>.amazonaws.com'] };
          const { [CONTEXT]: secrets, ...others } = conditions.StringEquals ?? {};
          assert.deepEqual(others, via, name);
          if (secrets === undefined) assert.deepEqual(conditions.StringLike, { [CONTEXT]: [GRANTS] }, name);
          else assert.equal(conditions.StringLike, undefined, name);
          assert.ok(secrets?.every((secret) => /^<\w+>$/.test(secret)) ?? true, 'whole ARNs, no patterns');
        }
      }
    });

    it('let nobody make a secret under another key', () => {
      for (const name of FUNCTIONS) {
        for (const right of deployed.rightsOf(name)) {
          if (!right.actions.includes('secretsmanager:CreateSecret')) continue;
          assert.deepEqual(right.actions, ['secretsmanager:CreateSecret']);
          assert.deepEqual(right.conditions, { StringEquals: { 'secretsmanager:KmsKeyArn': [key] } });
        }
        const { BROKER_VAULT_KMS_KEY: told } = deployed.environmentOf(name);
        const makes = secretsFor(deployed.rightsOf(name), ['secretsmanager:CreateSecret']).length > 0;
        assert.equal(told, makes ? key : undefined, name);
      }
    });
  });
}
