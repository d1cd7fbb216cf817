import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Item, Key, Table, Write } from '../../ports/table.ts';
import { systemRandom } from '../system/system-random.ts';
import { keyOf, toItem } from './attribute-values.ts';
import { deleteInput, putInput, transactItem, updateInput } from './expressions.ts';
import { outcomeOf, type Pauses } from './outcomes.ts';
import { queryDue, queryPartition } from './queries.ts';

/** BatchGetItem may leave keys unanswered under load; the caller is a device that waits, so this stays below a second. */
const UNPROCESSED_PAUSES_MS = [20, 50, 100, 200, 400];
/** API reference, BatchGetItem. */
const MOST_KEYS = 100;
/** The port's own limit; DynamoDB would take a hundred. */
const MOST_WRITES = 25;

/**
 * The table of `tableDefinition`. The client's own retries repeat a write whose answer was lost: within `writeAll` that
 * is harmless (request token); a lone conditional write may then say `refused` though it was written, never the other
 * way round, and a lone unconditional `add` may count twice. Where that matters, use `writeAll`.
 */
export const dynamodbTable = (
  client: DynamoDBClient,
  tableName: string,
  { sleep = setTimeout, fraction = systemRandom.fraction }: Partial<Pauses> = {},
): Table => {
  const pauses = { sleep, fraction };

  const writeOne = (write: Write): Promise<unknown> => {
    if ('put' in write) return client.send(new PutItemCommand(putInput(tableName, write)));
    if ('update' in write) return client.send(new UpdateItemCommand(updateInput(tableName, write)));
    if ('delete' in write) return client.send(new DeleteItemCommand(deleteInput(tableName, write)));
    return writeTogether([write])();
  };

  /** One request token for every try, so that none is carried out twice (API reference, TransactWriteItems). */
  const writeTogether = (writes: readonly Write[]): (() => Promise<unknown>) => {
    const command = new TransactWriteItemsCommand({
      ClientRequestToken: randomUUID(),
      TransactItems: writes.map((write) => transactItem(tableName, write)),
    });
    return () => client.send(command);
  };

  const getSome = async (keys: readonly Key[]): Promise<Item[]> => {
    const found: Item[] = [];
    let asked = keys.map(keyOf);
    for (const pauseMs of [...UNPROCESSED_PAUSES_MS, 0]) {
      const { Responses, UnprocessedKeys } = await client.send(
        new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: asked, ConsistentRead: true } } }),
      );
      found.push(...(Responses?.[tableName] ?? []).map(toItem));
      asked = UnprocessedKeys?.[tableName]?.Keys ?? [];
      if (asked.length === 0) return found;
      await sleep(pauseMs);
    }
    const left = new Error(`DynamoDB left ${asked.length} keys of ${keys.length} unanswered`);
    // The one reason there is (API reference, BatchGetItem).
    throw Object.assign(left, { name: 'ProvisionedThroughputExceededException' });
  };

  return {
    async get(key) {
      const sent = new GetItemCommand({ TableName: tableName, Key: keyOf(key), ConsistentRead: true });
      const { Item } = await client.send(sent);
      return Item && toItem(Item);
    },

    async getMany(keys) {
      if (keys.length > MOST_KEYS) throw new RangeError(`at most ${MOST_KEYS} keys at once`);
      if (keys.length === 0) return [];
      const found = new Map((await getSome(keys)).map((item) => [nameOf(item), item]));
      return keys.map((key) => found.get(nameOf(key)));
    },

    write: (write) => outcomeOf(() => writeOne(write), pauses),

    async writeAll(writes) {
      if (writes.length > MOST_WRITES) throw new RangeError(`at most ${MOST_WRITES} writes at once`);
      return writes.length === 0 ? 'written' : outcomeOf(writeTogether(writes), pauses);
    },

    query: (pk, options = {}) => queryPartition(client, tableName, pk, options),
    due: (shard, until, limit) => queryDue(client, tableName, shard, until, limit),
  };
};

const nameOf = ({ pk, sk }: Key): string => JSON.stringify([pk, sk]);
