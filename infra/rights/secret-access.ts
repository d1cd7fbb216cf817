import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { BrokerFunction } from '../functions/broker-function.ts';
import { forSecrets, keyActionsFor, viaSecretsManager } from './key-access.ts';
import type { VaultRights } from './vault-access.ts';

/** Where the secrets are, and the key that encrypts them. */
export interface SecretPlace {
  readonly region: string;
  readonly keyArn: string;
}

/**
 * Lets a function read these secrets and no others: the value, and the key for as long as Secrets Manager asks it for the
 * value of one of them. Either right without the other opens nothing.
 */
export const letReadSecrets = (reader: BrokerFunction, place: SecretPlace, ...arns: readonly string[]): void => {
  const read = ['secretsmanager:GetSecretValue'] as const;
  allow(reader, read, arns);
  const conditions = { StringEquals: { ...viaSecretsManager(place.region), ...forSecrets(arns) } };
  allow(reader, keyActionsFor(read), [place.keyArn], conditions);
};

/** The same for the secrets of grants, which are known by the beginning of their names alone. */
export const letUseGrantSecrets = (
  user: BrokerFunction,
  place: SecretPlace,
  { pattern, actions }: { readonly pattern: string; readonly actions: VaultRights['secretActions'] },
): void => {
  const create = 'secretsmanager:CreateSecret';
  allow(
    user,
    actions.filter((action) => action !== create),
    [pattern],
  );
  // No grant under a key that somebody else could be given.
  const underItsKey = { StringEquals: { 'secretsmanager:KmsKeyArn': place.keyArn } };
  if (actions.includes(create)) allow(user, [create], [pattern], underItsKey);
  const keyActions = keyActionsFor(actions);
  const conditions = { StringEquals: viaSecretsManager(place.region), StringLike: forSecrets([pattern]) };
  if (keyActions.length > 0) allow(user, keyActions, [place.keyArn], conditions);
};

type Conditions = { readonly [operator: string]: { readonly [key: string]: string | string[] } };

const allow = (
  user: BrokerFunction,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Conditions = {},
): void => {
  user.lambda.addToRolePolicy(
    new PolicyStatement({ actions: [...actions], resources: [...resources], conditions: { ...conditions } }),
  );
};
