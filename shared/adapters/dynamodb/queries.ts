import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Due, Item, Page, Table, Value } from '../../ports/table.ts';
import { placeholders } from './expressions.ts';
import { DUE_INDEX } from './table-definition.ts';

type QueryOptions = NonNullable<Parameters<Table['query']>[1]>;

/** All pages of a query until `limit` items; one answer of DynamoDB ends at 1 MB (API reference, Query). */
const queryItems = async (
  documents: DynamoDBDocumentClient,
  input: QueryCommandInput,
  limit: number,
): Promise<Record<string, unknown>[]> => {
  const items: Record<string, unknown>[] = [];
  let start = input.ExclusiveStartKey;
  do {
    const wanted = Number.isFinite(limit) ? { Limit: limit - items.length } : {};
    const page = await documents.send(new QueryCommand({ ...input, ...wanted, ExclusiveStartKey: start }));
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined && items.length < limit);
  return items;
};

/** Asks for one item more than wanted, to know whether there is a next page. */
export const queryPartition = async (
  documents: DynamoDBDocumentClient,
  tableName: string,
  pk: string,
  { prefix = '', after = '', limit = Number.POSITIVE_INFINITY, descending = false }: QueryOptions,
): Promise<Page> => {
  const start = startOf(prefix, after, descending);
  if (start === 'beyond_the_end') return { items: [] };
  const { name, value, maps } = placeholders();
  const inPartition = `${name('pk')} = ${value(pk)}`;
  const found = await queryItems(
    documents,
    {
      TableName: tableName,
      KeyConditionExpression:
        prefix === '' ? inPartition : `${inPartition} AND begins_with(${name('sk')}, ${value(prefix)})`,
      ...maps(),
      ConsistentRead: true,
      ScanIndexForward: !descending,
      ...(start === 'after' && { ExclusiveStartKey: { pk, sk: after } }),
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
  documents: DynamoDBDocumentClient,
  tableName: string,
  shard: string,
  until: number,
  limit: number,
): Promise<readonly Due[]> => {
  const { name, value, maps } = placeholders();
  const found = await queryItems(
    documents,
    {
      TableName: tableName,
      IndexName: DUE_INDEX,
      KeyConditionExpression: `${name('dueShard')} = ${value(shard)} AND ${name('dueAt')} <= ${value(until)}`,
      ...maps(),
    },
    limit,
  );
  return found.map((row) => ({ ...keyIn(row), dueAt: numberIn(row, 'dueAt') }));
};

/** What the document client gives is typed loosely; everything in the table was written through the port. */
export const toItem = (attributes: Record<string, unknown>): Item => ({
  ...(attributes as Record<string, Value>),
  ...keyIn(attributes),
});

const keyIn = ({ pk, sk }: Record<string, unknown>) => {
  if (typeof pk !== 'string' || typeof sk !== 'string') throw new Error('DynamoDB sent an item without its key');
  return { pk, sk };
};

const numberIn = (attributes: Record<string, unknown>, name: string): number => {
  const value = attributes[name];
  if (typeof value !== 'number') throw new Error(`DynamoDB sent an item whose ${name} is not a number`);
  return value;
};
