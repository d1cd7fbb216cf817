import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { Due, Page, Table } from '../../ports/table.ts';
import { type AttributeValues, keyOf, toItem } from './attribute-values.ts';
import { placeholders } from './expressions.ts';
import { DUE_INDEX } from './table-definition.ts';

type QueryOptions = NonNullable<Parameters<Table['query']>[1]>;

/** All pages of a query until `limit` items; one answer of DynamoDB ends at 1 MB (API reference, Query). */
const queryItems = async (
  client: DynamoDBClient,
  input: QueryCommandInput,
  limit: number,
): Promise<AttributeValues[]> => {
  const items: AttributeValues[] = [];
  let start = input.ExclusiveStartKey;
  do {
    const wanted = Number.isFinite(limit) ? { Limit: limit - items.length } : {};
    const page = await client.send(new QueryCommand({ ...input, ...wanted, ExclusiveStartKey: start }));
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined && items.length < limit);
  return items;
};

/** Asks for one item more than wanted, to know whether there is a next page. */
export const queryPartition = async (
  client: DynamoDBClient,
  tableName: string,
  pk: string,
  { prefix = '', after = '', limit = Number.POSITIVE_INFINITY, descending = false }: QueryOptions,
): Promise<Page> => {
  const start = startOf(prefix, after, descending);
  if (start === 'beyond_the_end') return { items: [] };
  const { name, value, maps } = placeholders();
  const inPartition = `${name('pk')} = ${value(pk)}`;
  const found = await queryItems(
    client,
    {
      TableName: tableName,
      KeyConditionExpression:
        prefix === '' ? inPartition : `${inPartition} AND begins_with(${name('sk')}, ${value(prefix)})`,
      ...maps(),
      ConsistentRead: true,
      ScanIndexForward: !descending,
      ...(start === 'after' && { ExclusiveStartKey: keyOf({ pk, sk: after }) }),
    },
    limit + 1,
  );
  const items = found.slice(0, limit).map(toItem);
  const last = items.at(-1);
  return last !== undefined && found.length > limit ? { items, next: last.sk } : { items };
};

/** DynamoDB refuses a starting key outside the prefix; there it either changes nothing or leaves nothing. */
const startOf = (prefix: string, after: string, descending: boolean): 'first' | 'after' | 'beyond_the_end' => {
  if (after === '') return 'first';
  if (after.startsWith(prefix)) return 'after';
  const isBefore = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) < 0;
  return isBefore === descending ? 'beyond_the_end' : 'first';
};

export const queryDue = async (
  client: DynamoDBClient,
  tableName: string,
  shard: string,
  until: number,
  limit: number,
): Promise<readonly Due[]> => {
  const { name, value, maps } = placeholders();
  const found = await queryItems(
    client,
    {
      TableName: tableName,
      IndexName: DUE_INDEX,
      KeyConditionExpression: `${name('dueShard')} = ${value(shard)} AND ${name('dueAt')} <= ${value(until)}`,
      ...maps(),
    },
    limit,
  );
  return found.map(toDue);
};

/** What the index holds: keys, and the due time. */
const toDue = (row: AttributeValues): Due => {
  const { pk, sk, dueAt } = toItem(row);
  if (typeof dueAt !== 'number') throw new Error('DynamoDB sent a due item whose time is no number');
  return { pk, sk, dueAt };
};
