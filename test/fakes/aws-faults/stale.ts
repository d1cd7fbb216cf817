import { BatchGetItemCommand, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../../../shared/ports/clock.ts';

type Output = object;
type Attributes = Record<string, { readonly S?: string; readonly N?: string }>;

/** Gives, or throws, what was there before. */
type Former = () => Output;

/** What reads that need not be consistent may still give. */
export interface Staleness {
  /** Is told of every call before it is made. */
  before(service: string, operation: string, input: object): Promise<void>;
  /** Undefined: nothing has changed that could be late, or the read is a consistent one. */
  read(
    service: string,
    operation: string,
    input: object,
  ): ((send: () => Promise<Output>) => Promise<Output>) | undefined;
}

interface Options {
  readonly clock: Pick<Clock, 'now'>;
  /** How long after a write a read may be late. */
  readonly lateMs?: number;
  /** Clients that nothing strikes, to look with at what was there before. */
  readonly secrets?: SecretsManagerClient;
  readonly database?: DynamoDBClient;
  /** Of the database its index alone: to look at items ahead of every write costs some time. */
  readonly isIndexAlone?: boolean;
}

const SECRET_WRITES = new Set(['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret']);
const LABELS = ['AWSCURRENT', 'AWSPENDING'] as const;

interface TableInput {
  readonly TableName?: string;
  readonly Key?: Attributes;
  readonly Item?: Attributes;
  readonly ConsistentRead?: boolean;
  readonly IndexName?: string;
  readonly KeyConditionExpression?: string;
  readonly ExpressionAttributeValues?: Attributes;
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: Attributes[]; readonly ConsistentRead?: boolean }>>;
  readonly TransactItems?: readonly Readonly<Record<string, TableInput>>[];
}

const nameOf = (table: string, { pk, sk }: Attributes): string => JSON.stringify([table, pk?.S, sk?.S]);

/** What a write names. */
const written = (input: TableInput): readonly { readonly table: string; readonly key: Attributes }[] => {
  const all = input.TransactItems?.flatMap((item) => Object.values(item)) ?? [input];
  return all.flatMap(({ TableName: table, Key, Item }) => {
    const key = Key ?? Item;
    return table === undefined || key?.pk === undefined || key.sk === undefined
      ? []
      : [{ table, key: { pk: key.pk, sk: key.sk } }];
  });
};

const TABLE_WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']);

/** Remembers, before each write, what was there; and of the due index, what it said the last time. */
export const staleness = ({ clock, lateMs = 2000, secrets, database, isIndexAlone = false }: Options): Staleness => {
  /** Of each name what was there before its writes, and until when. */
  const former = new Map<string, readonly { readonly give: Former; readonly until: number }[]>();
  const shards = new Map<string, readonly Attributes[]>();

  const note = (name: string, give: Former): void => {
    former.set(name, [...(former.get(name) ?? []), { give, until: clock.now() }]);
  };
  /** As late as may be. */
  const recall = (name: string): Former | undefined =>
    former.get(name)?.find(({ until }) => clock.now() - until <= lateMs)?.give;

  const lookAtSecret = async (id: string): Promise<void> => {
    for (const VersionStage of secrets ? LABELS : []) {
      const give = await secrets?.send(new GetSecretValueCommand({ SecretId: id, VersionStage })).then(
        (output) => () => output,
        (error: unknown) => () => {
          throw error;
        },
      );
      if (give) note(`${id}|${VersionStage}`, give);
    }
  };

  const lookAtItems = async (input: TableInput): Promise<void> => {
    for (const { table, key } of database ? written(input) : []) {
      const RequestItems = { [table]: { Keys: [key as never], ConsistentRead: true } };
      const { Responses } = (await database?.send(new BatchGetItemCommand({ RequestItems }))) ?? {};
      const [Item] = Responses?.[table] ?? [];
      note(nameOf(table, key), () => (Item === undefined ? {} : { Item }));
    }
  };

  /** All that the index holds of a shard, whenever it is due. */
  const shardNow = async (input: TableInput): Promise<readonly Attributes[]> => {
    const values = Object.entries(input.ExpressionAttributeValues ?? {}).map(([name, value]) =>
      value.N === undefined ? [name, value] : [name, { N: '99999999999' }],
    );
    const { Limit: _all, ...query } = input as TableInput & { Limit?: number };
    const all = { ...query, ExpressionAttributeValues: Object.fromEntries(values) };
    return ((await database?.send(new QueryCommand(all as never)))?.Items ?? []) as Attributes[];
  };

  const shardOf = ({ TableName, ExpressionAttributeValues = {} }: TableInput): string =>
    `${TableName}|${Object.values(ExpressionAttributeValues).find(({ S }) => S !== undefined)?.S}`;

  /** As the index was when it was last asked; empty where it never was. */
  const lateShard = (input: TableInput): Former => {
    const until = Object.values(input.ExpressionAttributeValues ?? {}).find(({ N }) => N !== undefined)?.N ?? '0';
    const rows = shards.get(shardOf(input)) ?? [];
    return () => ({ Items: rows.filter(({ dueAt }) => Number(dueAt?.N) <= Number(until)) });
  };

  /** Of each table that was not asked for what is consistent, the items as they were. */
  const lateBatch = (output: Output, { RequestItems = {} }: TableInput): Output => {
    const { Responses = {} } = output as { Responses?: Readonly<Record<string, readonly Attributes[]>> };
    const late = Object.entries(RequestItems).map(([table, { Keys, ConsistentRead }]) => {
      const fresh = Responses[table] ?? [];
      if (ConsistentRead) return [table, fresh] as const;
      const items = Keys.flatMap((key) => {
        const give = recall(nameOf(table, key)) as (() => { Item?: Attributes }) | undefined;
        const item = give ? give().Item : fresh.find((one) => nameOf(table, one) === nameOf(table, key));
        return item ?? [];
      });
      return [table, items] as const;
    });
    return { ...output, Responses: Object.fromEntries(late) };
  };

  return {
    async before(service, operation, input) {
      if (service === 'Secrets Manager' && SECRET_WRITES.has(operation)) {
        const { SecretId, Name } = input as { SecretId?: string; Name?: string };
        await lookAtSecret(SecretId ?? Name ?? '');
      }
      if (!isIndexAlone && TABLE_WRITES.has(operation)) await lookAtItems(input as TableInput);
      const query = input as TableInput;
      if (database && operation === 'Query' && query.IndexName !== undefined) {
        shards.set(shardOf(query), await shardNow(query));
      }
    },

    read(service, operation, input) {
      if (service === 'Secrets Manager' && operation === 'GetSecretValue') {
        const { SecretId, VersionStage = 'AWSCURRENT' } = input as { SecretId: string; VersionStage?: string };
        const give = recall(`${SecretId}|${VersionStage}`);
        return give && (async () => give());
      }
      const read = input as TableInput;
      if (operation === 'Query' && read.IndexName !== undefined) {
        const give = lateShard(read);
        return async () => give();
      }
      if (operation === 'GetItem' && !read.ConsistentRead) {
        const give = recall(nameOf(read.TableName ?? '', read.Key ?? {}));
        return give && (async () => give());
      }
      return operation === 'BatchGetItem' ? async (send) => lateBatch(await send(), read) : undefined;
    },
  };
};
