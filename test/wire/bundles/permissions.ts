import {
  type FunctionName,
  TABLE_ACCESS,
  type TableAccess,
  VAULT_PARTITIONS,
} from '../../../infra/rights/table-access.ts';
import { VAULT_ACCESS, type VaultRights } from '../../../infra/rights/vault-access.ts';
import { AwsError, type AwsReply, type AwsRequest, errorReply } from '../../fakes/aws-json.ts';

export type Vault = 'secrets-manager' | 'envelope';

/** Stands for the key of the secrets. */
export const SECRETS_KEY = 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000';

/** One request of a function to an emulator. */
export interface SeenRequest {
  readonly by: string;
  readonly service: 'dynamodb' | 'secretsmanager';
  readonly operation: string;
  readonly body: string;
}

/** Access key ids are no secret, and tell the emulators who calls. */
export const accessKeyOf = (name: FunctionName): string => `TEST.${name.replace('/', '.')}`;

/** From the signature (Signature Version 4), in the header or in a link: `Credential=<access key id>/<date>/…`. */
export const callerOf = ({ headers, url = '' }: Pick<AwsRequest, 'headers'> & { readonly url?: string }): string => {
  const keyId = /Credential=([^/]+)\//.exec(headers.authorization ?? decodeURIComponent(url))?.[1] ?? '';
  return keyId.startsWith('TEST.') ? keyId.slice('TEST.'.length).replace('.', '/') : 'test';
};

interface Wanted {
  readonly action: string;
  readonly partition: string;
}

type Attributes = { readonly [name: string]: { readonly S?: string } };
const partitionOf = (key: unknown): string => (key as Attributes | undefined)?.pk?.S ?? '';

const TRANSACTION_ACTIONS = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

/** What a request does, and in which partitions. */
const wantedBy = ({ operation, input }: AwsRequest): Wanted[] => {
  if (operation === 'BatchGetItem') {
    const tables = Object.values(input.RequestItems as Record<string, { Keys: unknown[] }>);
    return tables.flatMap(({ Keys }) => Keys.map((key) => ({ action: operation, partition: partitionOf(key) })));
  }
  if (operation === 'TransactWriteItems') {
    const items = input.TransactItems as Record<string, { Item?: unknown; Key?: unknown }>[];
    return items.flatMap((item) =>
      Object.entries(TRANSACTION_ACTIONS).flatMap(([kind, action]) => {
        const part = item[kind];
        return part === undefined ? [] : [{ action, partition: partitionOf(part.Item ?? part.Key) }];
      }),
    );
  }
  if (operation === 'Query') {
    const values = input.ExpressionAttributeValues as Attributes;
    return [
      { action: input.IndexName === undefined ? 'Query' : 'Query of the index', partition: values[':v0']?.S ?? '' },
    ];
  }
  return [{ action: operation, partition: partitionOf(input.Item ?? input.Key) }];
};

/** `ForAllValues:StringLike` on `dynamodb:LeadingKeys`. */
const isLike = (partition: string, pattern: string): boolean =>
  pattern.endsWith('*') ? partition.startsWith(pattern.slice(0, -1)) : partition === pattern;

const vaultRights = (name: string, vault: Vault): VaultRights =>
  VAULT_ACCESS[name as FunctionName]?.[vault] ?? { secretActions: [], tableActions: [] };

const mayUseTable = (name: FunctionName, vault: Vault, { action, partition }: Wanted): boolean => {
  if (action === 'Query of the index') return name === 'refresh-grants/sweep' || name === 'notify';
  const access: { readonly [action: string]: TableAccess[keyof TableAccess] } = TABLE_ACCESS[name];
  const { tableActions } = vaultRights(name, vault);
  const patterns = [
    ...(access[action] ?? []),
    ...(tableActions.some((allowed) => allowed === action) ? VAULT_PARTITIONS : []),
  ];
  return patterns.some((pattern) => isLike(partition, pattern));
};

const accessDenied = (what: string): AwsReply =>
  errorReply(new AwsError('AccessDeniedException', `User is not authorized to perform: ${what}`));

/** The answer to a request that the function's role in the deployed stack would not allow. */
export const tableRefusal = (request: AwsRequest, vault: Vault): AwsReply | undefined => {
  const name = callerOf(request);
  if (name === 'test') return undefined;
  const refused = wantedBy(request).find((wanted) => !mayUseTable(name as FunctionName, vault, wanted));
  return refused && accessDenied(`dynamodb:${refused.action} in ${refused.partition} by ${name}`);
};

/** `readable`: the secrets that are named in the function's environment. */
export const secretRefusal = (
  request: AwsRequest,
  vault: Vault,
  { prefix, readable }: { readonly prefix: string; readonly readable: (name: string) => readonly string[] },
): AwsReply | undefined => {
  const { operation, input } = request;
  const name = callerOf(request);
  const secret = String(input.SecretId ?? input.Name);
  if (name === 'test' || (operation === 'GetSecretValue' && readable(name).includes(secret))) return undefined;
  const { secretActions } = vaultRights(name, vault);
  // `secretsmanager:KmsKeyArn`
  const isUnderTheKey = operation !== 'CreateSecret' || input.KmsKeyId === SECRETS_KEY;
  const isAllowed = secret.startsWith(prefix) && secretActions.includes(`secretsmanager:${operation}`);
  if (isAllowed && isUnderTheKey) return undefined;
  return accessDenied(`secretsmanager:${operation} on ${secret} by ${name}`);
};
