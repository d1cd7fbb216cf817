import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { viaSecretsManager } from './rights/key-access.ts';

/** To look after a key, and no more. `CreateGrant` is left out: a grant would let its holder use the key directly. */
const ADMINISTER = [
  'CancelKeyDeletion',
  'CreateAlias',
  'DeleteAlias',
  'DescribeKey',
  'DisableKey',
  'DisableKeyRotation',
  'EnableKey',
  'EnableKeyRotation',
  'GetKeyPolicy',
  'GetKeyRotationStatus',
  'ListGrants',
  'ListKeyPolicies',
  'ListKeyRotations',
  'ListResourceTags',
  'PutKeyPolicy',
  'RevokeGrant',
  'RotateKeyOnDemand',
  'ScheduleKeyDeletion',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateKeyDescription',
].map((action) => `kms:${action}`);

/** `Encrypt` is for a secret that is moved to this key (Secrets Manager User Guide, "Secret encryption and decryption"). */
const USE = ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'];

/** The least that KMS allows: time to notice that it is going. */
const WAITING_DAYS = 7;

/**
 * The key under all of a broker's secrets. Its policy leaves to the account's IAM who may use it, as KMS's own default does,
 * but only ever by way of Secrets Manager: a copied ciphertext opens for nobody, administrators included.
 */
export const secretsKey = (scope: Construct, name: string, removalPolicy: RemovalPolicy): Key => {
  const ofTheAccount = { principals: [new AccountRootPrincipal()], resources: ['*'] };
  const statements = [
    new PolicyStatement({ sid: 'LookAfterTheKey', ...ofTheAccount, actions: ADMINISTER }),
    new PolicyStatement({
      sid: 'UseItForSecrets',
      ...ofTheAccount,
      actions: USE,
      conditions: { StringEquals: viaSecretsManager(Stack.of(scope).region) },
    }),
  ];
  return new Key(scope, 'SecretsKey', {
    alias: `alias/${name}`,
    description: `Encrypts the secrets of ${name}`,
    enableKeyRotation: true,
    policy: new PolicyDocument({ statements }),
    removalPolicy,
    ...(removalPolicy === RemovalPolicy.DESTROY && { pendingWindow: Duration.days(WAITING_DAYS) }),
  });
};
