import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { restoreTable } from '../../scripts/cloud-restore/restore.ts';
import { carryOut, pagesOf } from '../../scripts/cloud-restore/table-copy.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import type { Item } from '../../shared/ports/table.ts';
import { keys } from '../../shared/records/items.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';

const [THEN, NOW] = ['then', 'now'];

const half = <Value>(list: readonly Value[] = []): [Value[], Value[]] => [
  list.slice(0, list.length / 2),
  list.slice(list.length / 2),
];

/** As DynamoDB does under load: of each kind of request, the first is done by half, and the rest given back. */
const leavingWorkUndone = (client: DynamoDBClient): { readonly leftOf: Set<string> } => {
  const leftOf = new Set<string>();
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (!/^Batch/.test(commandName) || leftOf.has(commandName)) return next(args);
        leftOf.add(commandName);
        if (commandName === 'BatchGetItemCommand') {
          const { RequestItems = {} } = args.input as BatchGetItemCommandInput;
          const [[table = '', { Keys, ...how } = { Keys: [] }] = []] = Object.entries(RequestItems);
          const [first, rest] = half(Keys);
          const done = await next({ ...args, input: { RequestItems: { [table]: { ...how, Keys: first } } } });
          (done.output as BatchGetItemCommandOutput).UnprocessedKeys = { [table]: { ...how, Keys: rest } };
          return done;
        }
        const { RequestItems = {} } = args.input as BatchWriteItemCommandInput;
        const [[table = '', requests] = []] = Object.entries(RequestItems);
        const [first, rest] = half(requests);
        const done = await next({ ...args, input: { RequestItems: { [table]: first } } });
        (done.output as BatchWriteItemCommandOutput).UnprocessedItems = { [table]: rest };
        return done;
      },
    { step: 'initialize' },
  );
  return { leftOf };
};

describe('a restored table', () => {
  it('is copied whole, and over nothing that is there, where DynamoDB leaves a part undone', async (t) => {
    const dynamodb = await startDynamodb();
    for (const name of [THEN, NOW]) await dynamodb.createTable(tableDefinition(name));
    const plain = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: dynamodb.endpoint });
    const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: dynamodb.endpoint });
    t.after(async () => {
      for (const one of [plain, client]) one.destroy();
      await dynamodb.close();
    });
    const older = Array.from({ length: 60 }, (_, n) => ({
      ...keys.audit('org', String(n).padStart(3, '0')),
      said: 'then',
    }));
    const newer = older.filter((_, n) => n % 3 === 0).map((item) => ({ ...item, said: 'now' }));
    for (const [table, items] of [
      [THEN, older],
      [NOW, newer],
    ] as const) {
      await carryOut(
        plain,
        table,
        items.map((put) => ({ put })),
      );
    }

    const { leftOf } = leavingWorkUndone(client);
    await restoreTable({ client, from: THEN, to: NOW, mode: 'missing', now: 1_800_000_000, dryRun: false });

    assert.deepEqual([...leftOf].toSorted(), ['BatchGetItemCommand', 'BatchWriteItemCommand']);
    const found: Item[] = [];
    for await (const page of pagesOf(plain, NOW)) found.push(...page);
    const wanted = older.map((item, n) => (n % 3 === 0 ? { ...item, said: 'now' } : item));
    assert.deepEqual(
      found.toSorted((a, b) => (a.sk < b.sk ? -1 : 1)),
      wanted,
    );
  });
});
