import { randomUUID } from 'node:crypto';
import { AwsError, type JsonObject } from './aws-json.ts';

interface Version {
  readonly value: string;
  readonly createdAt: number;
  readonly labels: Set<string>;
}

interface Secret {
  readonly name: string;
  readonly arn: string;
  /** Undefined: the account's `aws/secretsmanager`, which Secrets Manager does not name. */
  readonly kmsKeyId: unknown;
  readonly versions: Map<string, Version>;
  /** When the name is free again. */
  deletedUntil?: number;
  /** Set by a forced deletion: requests until it is carried out. */
  forcedIn?: number;
}

const DAY_MS = 86_400_000;
/** API reference, PutSecretValue and CreateSecret. */
const MOST_BYTES = 65_536;
/** User guide, quotas: versions made in 24 h cannot be dropped, and a secret keeps about a hundred. */
const MOST_VERSIONS_IN_A_DAY = 100;

const notFound = (what = 'the specified secret.') =>
  new AwsError('ResourceNotFoundException', `Secrets Manager can't find ${what}`);
const invalidRequest = (message: string) => new AwsError('InvalidRequestException', message);
const invalidParameter = (message: string) => new AwsError('InvalidParameterException', message);

/** The secrets, and the operations on them by name. */
export const makeSecretsManagerState = ({
  now,
  forcedDeletionRequests,
}: {
  now: () => number;
  forcedDeletionRequests: number;
}) => {
  const secrets = new Map<string, Secret>();

  const find = (id: unknown): Secret | undefined => {
    const secret = [...secrets.values()].find(({ name, arn }) => name === id || arn === id);
    if (secret === undefined) return undefined;
    const isForcedNow = secret.forcedIn !== undefined && secret.forcedIn-- <= 0;
    const isOver = secret.deletedUntil !== undefined && secret.deletedUntil <= now();
    if (!isForcedNow && !isOver) return secret;
    secrets.delete(secret.name);
    return undefined;
  };

  const findUsable = (id: unknown): Secret => {
    const secret = find(id);
    if (secret === undefined) throw notFound();
    if (secret.deletedUntil !== undefined) {
      throw invalidRequest("You can't perform this operation on the secret because it was marked for deletion.");
    }
    return secret;
  };

  const operations: Record<string, (input: JsonObject) => JsonObject> = {
    CreateSecret(input) {
      const name = String(input.Name);
      if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) throw invalidParameter('Invalid name.');
      const existing = find(name);
      if (existing?.deletedUntil !== undefined) {
        throw invalidRequest(
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
      }
      const token = tokenOf(input);
      if (existing !== undefined) {
        const same = existing.versions.get(token)?.value === textOf(input);
        if (same) return { ARN: existing.arn, Name: name, VersionId: token };
        throw new AwsError(
          'ResourceExistsException',
          `The operation failed because the secret ${name} already exists.`,
        );
      }
      const arn = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${randomUUID().slice(0, 6)}`;
      const secret: Secret = { name, arn, kmsKeyId: input.KmsKeyId, versions: new Map() };
      addVersion(secret, token, textOf(input), ['AWSCURRENT'], now());
      secrets.set(name, secret);
      return { ARN: arn, Name: name, VersionId: token };
    },

    PutSecretValue(input) {
      const secret = findUsable(input.SecretId);
      const token = tokenOf(input);
      const labels = Array.isArray(input.VersionStages) ? input.VersionStages.map(String) : ['AWSCURRENT'];
      addVersion(secret, token, textOf(input), labels, now());
      return reply(secret, token);
    },

    UpdateSecretVersionStage(input) {
      const secret = findUsable(input.SecretId);
      const label = String(input.VersionStage);
      const { MoveToVersionId: to, RemoveFromVersionId: from } = input;
      if (to !== undefined) versionOf(secret, to);
      const holder = holderOf(secret, label);
      if (from !== undefined && from !== holder) {
        throw invalidParameter(
          `Staging label ${label} is not currently attached to version ${from}, named in RemoveFromVersionId.`,
        );
      }
      if (holder !== undefined && holder !== to && from === undefined) {
        throw invalidParameter(
          `The parameter RemoveFromVersionId can't be empty. Staging label ${label} is currently attached to version ` +
            `${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
        );
      }
      if (to === undefined && label === 'AWSCURRENT') {
        throw invalidParameter(`You can only move staging label ${label} to a different secret version.`);
      }
      if (to === undefined && holder !== undefined) versionOf(secret, holder).labels.delete(label);
      if (to !== undefined) attach(secret, label, String(to));
      return { ARN: secret.arn, Name: secret.name };
    },

    GetSecretValue(input) {
      const secret = findUsable(input.SecretId);
      const label = String(input.VersionStage ?? 'AWSCURRENT');
      const id = input.VersionId ?? holderOf(secret, label);
      if (id === undefined) throw notFound(`the specified secret value for staging label: ${label}`);
      return { ...reply(secret, String(id)), SecretString: versionOf(secret, id).value };
    },

    DescribeSecret(input) {
      const secret = find(input.SecretId);
      if (secret === undefined) throw notFound();
      const labelled = [...secret.versions].filter(([, { labels }]) => labels.size > 0);
      return {
        ARN: secret.arn,
        Name: secret.name,
        ...(secret.kmsKeyId !== undefined && { KmsKeyId: secret.kmsKeyId }),
        VersionIdsToStages: Object.fromEntries(labelled.map(([id, { labels }]) => [id, [...labels]])),
        ...(secret.deletedUntil !== undefined && { DeletedDate: secret.deletedUntil / 1000 }),
      };
    },

    DeleteSecret(input) {
      const isForced = input.ForceDeleteWithoutRecovery === true;
      const days = Number(input.RecoveryWindowInDays ?? 30);
      if (isForced && input.RecoveryWindowInDays !== undefined) {
        throw invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
      }
      if (days < 7 || days > 30)
        throw invalidParameter('The RecoveryWindowInDays value must be between 7 and 30 days.');
      // "if you forcibly delete an already deleted or nonexistent secret, the operation does not return an error"
      const secret = isForced ? find(input.SecretId) : findUsable(input.SecretId);
      if (secret === undefined) return { Name: input.SecretId, DeletionDate: now() / 1000 };
      secret.deletedUntil = now() + days * DAY_MS;
      if (isForced && forcedDeletionRequests === 0) secrets.delete(secret.name);
      if (isForced) secret.forcedIn ??= forcedDeletionRequests;
      return { ARN: secret.arn, Name: secret.name, DeletionDate: secret.deletedUntil / 1000 };
    },

    RestoreSecret(input) {
      const secret = find(input.SecretId);
      if (secret === undefined || secret.forcedIn !== undefined) throw notFound();
      delete secret.deletedUntil;
      return { ARN: secret.arn, Name: secret.name };
    },
  };

  return {
    run(operation: string, input: JsonObject): JsonObject {
      const carryOut = operations[operation];
      if (carryOut === undefined) throw new AwsError('UnknownOperationException', operation);
      return carryOut(input);
    },
  };
};

const tokenOf = ({ ClientRequestToken: token }: JsonObject): string => {
  if (typeof token !== 'string' || token.length < 32 || token.length > 64) {
    throw invalidParameter('ClientRequestToken must have 32 to 64 characters.');
  }
  return token;
};

const textOf = ({ SecretString: value }: JsonObject): string => {
  if (typeof value !== 'string') throw invalidParameter('You must provide either SecretString or SecretBinary.');
  if (Buffer.byteLength(value) > MOST_BYTES) {
    throw new AwsError('ValidationException', `SecretString must have length less than or equal to ${MOST_BYTES}`);
  }
  return value;
};

const versionOf = (secret: Secret, id: unknown): Version => {
  const version = secret.versions.get(String(id));
  if (version === undefined) throw notFound(`the specified secret value for VersionId: ${id}`);
  return version;
};

const holderOf = ({ versions }: Secret, label: string): string | undefined =>
  [...versions].find(([, { labels }]) => labels.has(label))?.[0];

/** The same token with the same value is a repeat, and changes nothing, not even labels. */
const addVersion = (secret: Secret, token: string, value: string, labels: readonly string[], now: number): void => {
  const existing = secret.versions.get(token);
  if (existing?.value === value) return;
  if (existing !== undefined) {
    throw new AwsError('ResourceExistsException', `A version ${token} with another value exists already.`);
  }
  const fresh = [...secret.versions.values()].filter(({ createdAt }) => createdAt > now - DAY_MS);
  if (fresh.length >= MOST_VERSIONS_IN_A_DAY) {
    throw new AwsError('LimitExceededException', 'The request failed because it would exceed one of the quotas.');
  }
  secret.versions.set(token, { value, createdAt: now, labels: new Set() });
  for (const label of labels) attach(secret, label, token);
};

/** A label is on one version at a time; AWSPREVIOUS follows AWSCURRENT. */
const attach = (secret: Secret, label: string, id: string): void => {
  const holder = holderOf(secret, label);
  if (holder === id) return;
  if (holder !== undefined) {
    versionOf(secret, holder).labels.delete(label);
    if (label === 'AWSCURRENT') attach(secret, 'AWSPREVIOUS', holder);
  }
  versionOf(secret, id).labels.add(label);
};

const reply = ({ arn, name, versions }: Secret, id: string): JsonObject => ({
  ARN: arn,
  Name: name,
  VersionId: id,
  VersionStages: [...(versions.get(id)?.labels ?? [])],
});
