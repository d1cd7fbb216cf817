import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  ScanCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { keyOf, toAttributeValues, toItem } from '../../shared/adapters/dynamodb/attribute-values.ts';
import type { Item, Key } from '../../shared/ports/table.ts';
import { CommandTrouble } from '../cloud/command-trouble.ts';

/** API reference, BatchGetItem and BatchWriteItem. */
const MOST_KEYS = 100;
const MOST_WRITES = 25;

/** What DynamoDB left undone under load is asked again, later each time. */
const PAUSES_MS = [50, 100, 200, 400, 800, 1600, 3200, 6400];

export type Change = { readonly put: Item } | { readonly delete: Key };

export const nameOf = ({ pk, sk }: Key): string => JSON.stringify([pk, sk]);

/** A whole table, page by page and read consistently. */
export async function* pagesOf(client: DynamoDBClient, TableName: string): AsyncGenerator<readonly Item[]> {
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName, ConsistentRead: true, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
    );
    yield (page.Items ?? []).map(toItem);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey !== undefined);
}

/** Sends until nothing is left of it. */
const untilDone = async <Left>(first: Left, send: (left: Left) => Promise<Left | undefined>): Promise<void> => {
  let left: Left | undefined = first;
  for (const pauseMs of [...PAUSES_MS, 0]) {
    left = await send(left);
    if (left === undefined) return;
    await sleep(pauseMs);
  }
  throw new CommandTrouble(
    'DynamoDB goes on leaving work undone.',
    'run the same command again; it goes on from there',
  );
};

/** What is there of these keys, by `nameOf`. */
export const itemsAt = async (
  client: DynamoDBClient,
  table: string,
  wanted: readonly Key[],
): Promise<ReadonlyMap<string, Item>> => {
  const unique = [...new Map(wanted.map((key) => [nameOf(key), key])).values()];
  const found = new Map<string, Item>();
  for (let from = 0; from < unique.length; from += MOST_KEYS) {
    await untilDone(unique.slice(from, from + MOST_KEYS).map(keyOf), async (Keys) => {
      const request = { RequestItems: { [table]: { Keys, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
      for (const item of (Responses?.[table] ?? []).map(toItem)) found.set(nameOf(item), item);
      const left = UnprocessedKeys?.[table]?.Keys ?? [];
      return left.length === 0 ? undefined : left;
    });
  }
  return found;
};

export const carryOut = async (client: DynamoDBClient, table: string, changes: readonly Change[]): Promise<void> => {
  const requests = changes.map(
    (change): WriteRequest =>
      'put' in change
        ? { PutRequest: { Item: toAttributeValues(change.put) } }
        : { DeleteRequest: { Key: keyOf(change.delete) } },
  );
  for (let from = 0; from < requests.length; from += MOST_WRITES) {
    await untilDone(requests.slice(from, from + MOST_WRITES), async (Requests) => {
      const { UnprocessedItems } = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: Requests } }),
      );
      const left = UnprocessedItems?.[table] ?? [];
      return left.length === 0 ? undefined : left;
    });
  }
};
