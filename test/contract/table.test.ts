import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { purgeExpired, sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import type { Item, Table, Value, Write } from '../../shared/ports/table.ts';
import { AwsError, errorReply, type InjectFault, LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { runUntilKilled } from './crash/run-until-killed.ts';
import { during } from './during.ts';

interface Started {
  readonly table: Table;
  close(): Promise<void>;
}

const inMemory = async (): Promise<Started> => {
  const database = openDatabase(':memory:');
  return { table: sqliteTable(database), close: async () => database.close() };
};

const onDisk = async (): Promise<Started> => {
  const folder = await mkdtemp(join(tmpdir(), 'table-'));
  const database = openDatabase(join(folder, 'broker.sqlite'));
  return {
    table: sqliteTable(database),
    async close() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
};

const onDynamodb = async (injectFault: InjectFault = () => undefined): Promise<Started> => {
  const emulator = await startDynamodb({ injectFault });
  await emulator.createTable(tableDefinition('broker'));
  const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: emulator.endpoint });
  return {
    table: dynamodbTable(client, 'broker', { sleep: async () => undefined }),
    async close() {
      client.destroy();
      await emulator.close();
    },
  };
};

const manyTimes = <Outcome>(times: number, act: (n: number) => Promise<Outcome>): Promise<Outcome[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => act(n)));

const contract = (start: () => Promise<Started>) => () => {
  let started: Started;
  let table: Table;
  before(async () => {
    started = await start();
    table = started.table;
  });
  after(() => started.close());

  const partition = () => `test#${randomUUID()}`;
  const newKey = () => ({ pk: partition(), sk: 'one' });

  describe('get and getMany', () => {
    it('gives back every kind of value as it was put', async () => {
      const item: Item = {
        ...newKey(),
        text: 'Größe 大きさ 🖨️ \u0000 "\\',
        empty: '',
        numbers: [0, -1, 1.5, 1e-7, 2 ** 53 - 1],
        yes: true,
        no: false,
        nested: { list: [{ deep: ['a', []] }], 'dotted.name': 1, '#odd': 'x', name: 'reserved word' },
      };
      await table.write({ put: item });
      assert.deepEqual(await table.get(item), item);
    });

    it('knows keys of any script apart, byte by byte', async () => {
      const pk = partition();
      const sks = ['é', 'e\u0301', 'É', 'e', "e' OR 1=1", 'e%', 'e_'];
      for (const sk of sks) await table.write({ put: { pk, sk, is: sk } });
      for (const sk of sks) assert.equal((await table.get({ pk, sk }))?.is, sk);
    });

    it('says undefined for what is not there', async () => {
      assert.equal(await table.get(newKey()), undefined);
    });

    it('rejects a key that is longer than it can hold, also when it is only read', async () => {
      await assert.rejects(table.get({ pk: 'x'.repeat(2049), sk: 'k' }));
      await assert.rejects(table.get({ pk: partition(), sk: 'x'.repeat(1025) }));
      await assert.rejects(table.getMany([{ pk: partition(), sk: 'x'.repeat(1025) }]));
    });

    it('gives many in the order asked, with undefined in the gaps', async () => {
      const pk = partition();
      for (const sk of ['a', 'b', 'c']) await table.write({ put: { pk, sk, is: sk } });
      const found = await table.getMany(['c', 'gap', 'a', 'b'].map((sk) => ({ pk, sk })));
      assert.deepEqual(found, [
        { pk, sk: 'c', is: 'c' },
        undefined,
        { pk, sk: 'a', is: 'a' },
        { pk, sk: 'b', is: 'b' },
      ]);
    });

    it('takes none to a hundred keys, all different', async () => {
      const keys = Array.from({ length: 101 }, (_, n) => ({ pk: partition(), sk: `k${n}` }));
      assert.deepEqual(await table.getMany([]), []);
      assert.equal((await table.getMany(keys.slice(1))).length, 100);
      await assert.rejects(table.getMany(keys));
      await assert.rejects(table.getMany([...keys.slice(0, 1), ...keys.slice(0, 1)]));
    });

    it('takes a whole item in place of its key', async () => {
      const item = { ...newKey(), more: 1 };
      await table.write({ put: item });
      assert.deepEqual(await table.getMany([item]), [item]);
      assert.equal(await table.write({ delete: item }), 'written');
    });
  });

  describe('write', () => {
    it('replaces the whole item by a put', async () => {
      const key = newKey();
      await table.write({ put: { ...key, a: 1, b: 2 } });
      await table.write({ put: { ...key, a: 3 } });
      assert.deepEqual(await table.get(key), { ...key, a: 3 });
    });

    it('puts when absent once only', async () => {
      const key = newKey();
      assert.equal(await table.write({ put: { ...key, a: 1 }, when: { absent: true } }), 'written');
      assert.equal(await table.write({ put: { ...key, a: 2 }, when: { absent: true } }), 'refused');
      assert.equal((await table.get(key))?.a, 1);
    });

    it('refuses every condition but "absent" on an item that is not there, and makes nothing', async () => {
      const key = newKey();
      for (const when of [{ present: true }, { equals: { a: 1 } }, { equals: {} }] as const) {
        assert.equal(await table.write({ put: { ...key, a: 1 }, when }), 'refused');
        assert.equal(await table.write({ update: key, changes: { set: { a: 1 } }, when }), 'refused');
        assert.equal(await table.write({ delete: key, when }), 'refused');
        assert.equal(await table.write({ check: key, when }), 'refused');
      }
      assert.equal(await table.write({ check: key, when: { absent: true } }), 'written');
      assert.equal(await table.get(key), undefined);
    });

    it('compares text, numbers and booleans, all of them, without converting', async () => {
      const key = newKey();
      await table.write({ put: { ...key, status: 'on', count: 5, name: true } });
      const holds = (equals: Record<string, string | number | boolean>) =>
        table.write({ check: key, when: { equals } });
      assert.equal(await holds({ status: 'on', count: 5, name: true }), 'written');
      assert.equal(await holds({ pk: key.pk, sk: key.sk }), 'written');
      assert.equal(await holds({}), 'written');
      assert.equal(await holds({ status: 'on', count: 6 }), 'refused');
      assert.equal(await holds({ count: '5' }), 'refused');
      assert.equal(await holds({ name: 'true' }), 'refused');
      assert.equal(await holds({ missing: '' }), 'refused');
    });

    it('makes the item by an update of an absent one', async () => {
      const key = newKey();
      await table.write({ update: key, changes: { set: { a: 'x' }, add: { n: 2 }, remove: ['b'] } });
      assert.deepEqual(await table.get(key), { ...key, a: 'x', n: 2 });
    });

    it('changes by an update what it names, and nothing else', async () => {
      const key = newKey();
      await table.write({ put: { ...key, keep: [1], drop: 'x', n: 40, size: { old: 1 } } });
      const changes = {
        set: { size: { new: 2 }, 'a.b': 'dotted' },
        remove: ['drop', 'never'],
        add: { n: 2.5, fresh: -1 },
      };
      assert.equal(await table.write({ update: key, changes, when: { equals: { n: 40 } } }), 'written');
      const expected = { ...key, keep: [1], n: 42.5, size: { new: 2 }, 'a.b': 'dotted', fresh: -1 };
      assert.deepEqual(await table.get(key), expected);
      assert.equal(await table.write({ update: key, changes, when: { equals: { n: 40 } } }), 'refused');
      assert.deepEqual(await table.get(key), expected);
    });

    it('rejects an update that changes nothing, an attribute twice, the key, or adds to text', async () => {
      const key = newKey();
      await table.write({ put: { ...key, text: 'x' } });
      const wrong = [{}, { set: {} }, { set: { a: 1 }, remove: ['a'] }, { set: { sk: 'two' } }, { add: { text: 1 } }];
      for (const changes of wrong) await assert.rejects(table.write({ update: key, changes }));
      assert.deepEqual(await table.get(key), { ...key, text: 'x' });
    });

    it('rejects what cannot be stored: undefined, NaN, inexact numbers, an empty key, a wrong type in the due index, 401 KB', async () => {
      const key = newKey();
      const wrong: Record<string, unknown>[] = [
        { a: { b: undefined } },
        { a: 2 ** 53 },
        { a: Number.NaN },
        { sk: '' },
        { pk: '' },
        { dueShard: 's', dueAt: '5' },
        { big: 'x'.repeat(401 * 1024) },
      ];
      for (const attributes of wrong) {
        const put = { ...key, ...(attributes as Record<string, Value>) };
        await assert.rejects(table.write({ put }));
      }
      assert.equal(await table.get(key), undefined);
    });

    it('deletes, under a condition or without, and does not mind an absent item', async () => {
      const key = newKey();
      await table.write({ put: { ...key, a: 1 } });
      assert.equal(await table.write({ delete: key, when: { equals: { a: 2 } } }), 'refused');
      assert.equal(await table.write({ delete: key, when: { equals: { a: 1 } } }), 'written');
      assert.equal(await table.write({ delete: key }), 'written');
      assert.equal(await table.get(key), undefined);
    });

    it('keeps an item of 390 KB of text', async () => {
      const item = { ...newKey(), big: '€'.repeat(130 * 1024) };
      await table.write({ put: item });
      assert.deepEqual(await table.get(item), item);
    });
  });

  describe('races', () => {
    it('lets exactly one of 50 parallel puts of an absent item win', async () => {
      const key = newKey();
      const outcomes = await manyTimes(50, (by) => table.write({ put: { ...key, by }, when: { absent: true } }));
      assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1);
      assert.equal((await table.get(key))?.by, outcomes.indexOf('written'));
    });

    it('lets exactly one of 50 parallel updates of one version win', async () => {
      const key = newKey();
      await table.write({ put: { ...key, version: 'v0' } });
      const outcomes = await manyTimes(50, (n) =>
        table.write({
          update: key,
          changes: { set: { version: `v1-${n}` }, add: { wins: 1 } },
          when: { equals: { version: 'v0' } },
        }),
      );
      assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1);
      assert.deepEqual(await table.get(key), { ...key, version: `v1-${outcomes.indexOf('written')}`, wins: 1 });
    });

    it('loses none of 50 parallel adds', async () => {
      const key = newKey();
      await manyTimes(50, () => table.write({ update: key, changes: { add: { n: 1 } } }));
      assert.equal((await table.get(key))?.n, 50);
    });

    it('lets exactly one of 20 parallel transactions win, beside single writes', async () => {
      const [lock, other] = [newKey(), newKey()];
      const outcomes = await manyTimes(20, (by) =>
        table.writeAll([
          { update: other, changes: { add: { transactions: 1 } } },
          { put: { ...lock, by }, when: { absent: true } },
        ]),
      );
      await manyTimes(5, () => table.write({ update: other, changes: { add: { singles: 1 } } }));
      assert.equal(outcomes.filter((outcome) => outcome === 'written').length, 1);
      assert.deepEqual(await table.get(other), { ...other, transactions: 1, singles: 5 });
    });
  });

  describe('writeAll', () => {
    it('carries out every kind of write together', async () => {
      const [put, update, gone, check] = [newKey(), newKey(), newKey(), newKey()];
      await table.write({ put: { ...gone, a: 1 } });
      await table.write({ put: { ...check, a: 1 } });
      const outcome = await table.writeAll([
        { put: { ...put, a: 1 }, when: { absent: true } },
        { update, changes: { set: { a: 2 } } },
        { delete: gone, when: { present: true } },
        { check, when: { equals: { a: 1 } } },
      ]);
      assert.equal(outcome, 'written');
      const found = await table.getMany([put, update, gone, check]);
      assert.deepEqual(
        found.map((item) => item?.a),
        [1, 2, undefined, 1],
      );
    });

    it('refuses the whole for any condition, wherever it stands', async () => {
      const [a, b, c] = [newKey(), newKey(), newKey()];
      await table.write({ put: { ...b, n: 1 } });
      const refusing: Write[] = [
        { put: { ...c, n: 9 }, when: { present: true } },
        { check: c, when: { present: true } },
        { update: c, changes: { add: { n: 1 } }, when: { equals: { n: 5 } } },
        { delete: c, when: { present: true } },
      ];
      for (const one of refusing) {
        const harmless: Write[] = [{ put: { ...a, n: 1 } }, { update: b, changes: { add: { n: 1 } } }];
        assert.equal(await table.writeAll([...harmless, one]), 'refused');
        assert.equal(await table.writeAll([one, ...harmless]), 'refused');
      }
      assert.equal(await table.writeAll([{ delete: b }, { check: a, when: { present: true } }]), 'refused');
      assert.deepEqual(await table.getMany([a, b, c]), [undefined, { ...b, n: 1 }, undefined]);
    });

    it('changes nothing when one of the writes is not possible at all', async () => {
      const [a, b] = [newKey(), newKey()];
      await table.write({ put: { ...b, text: 'x' } });
      const writes: Write[] = [{ put: { ...a, n: 1 } }, { update: b, changes: { add: { text: 1 } } }];
      await assert.rejects(table.writeAll(writes));
      assert.deepEqual(await table.getMany([a, b]), [undefined, { ...b, text: 'x' }]);
    });

    it('takes none to 25 writes, each on its own key', async () => {
      const puts = Array.from({ length: 26 }, (_, n) => ({ put: { ...newKey(), n } }));
      assert.equal(await table.writeAll([]), 'written');
      assert.equal(await table.writeAll(puts.slice(1)), 'written');
      assert.equal((await table.get(puts[25]?.put ?? newKey()))?.n, 25);
      await assert.rejects(table.writeAll(puts));
      await assert.rejects(table.writeAll([...puts.slice(0, 1), ...puts.slice(0, 1)]));
    });
  });

  describe('query', () => {
    // in the order of UTF-8 bytes, which is not that of JavaScript: U+FFFD comes before U+10000
    const ordered = ['A', 'Z', 'a', 'a#1', 'a#10', 'a#2', 'ab', 'b%', 'b_', 'é', '\u{fffd}', '\u{10000}', '\u{10ffff}'];
    let pk: string;
    before(async () => {
      pk = partition();
      for (const sk of ordered.toReversed()) await table.write({ put: { pk, sk, is: sk } });
      await table.write({ put: { pk: `${pk}#`, sk: 'a', is: 'of another partition' } });
    });
    const keys = async (options?: Parameters<Table['query']>[1]) =>
      (await table.query(pk, options)).items.map(({ sk }) => sk);

    it('gives one partition in key order, whole', async () => {
      assert.deepEqual(await keys(), ordered);
      assert.deepEqual((await table.query(pk)).items[0], { pk, sk: 'A', is: 'A' });
      assert.deepEqual(await table.query(partition()), { items: [] });
    });

    it('gives it the other way round', async () => {
      assert.deepEqual(await keys({ descending: true }), ordered.toReversed());
    });

    it('narrows by prefix, taken literally', async () => {
      assert.deepEqual(await keys({ prefix: 'a#' }), ['a#1', 'a#10', 'a#2']);
      assert.deepEqual(await keys({ prefix: 'b_' }), ['b_']);
      assert.deepEqual(await keys({ prefix: '\u{10ffff}' }), ['\u{10ffff}']);
      assert.deepEqual(await keys({ prefix: 'a', descending: true }), ['ab', 'a#2', 'a#10', 'a#1', 'a']);
      assert.deepEqual(await keys({ prefix: 'nothing' }), []);
    });

    it('begins after a key, there or not, in either direction', async () => {
      assert.deepEqual(await keys({ after: 'b_' }), ['é', '\u{fffd}', '\u{10000}', '\u{10ffff}']);
      assert.deepEqual(await keys({ after: 'a#11', prefix: 'a' }), ['a#2', 'ab']);
      assert.deepEqual(await keys({ after: 'a#11', prefix: 'a', descending: true }), ['a#10', 'a#1', 'a']);
      assert.deepEqual(await keys({ after: '\u{10ffff}' }), []);
    });

    it('begins after a key outside the prefix as key order has it', async () => {
      assert.deepEqual(await keys({ prefix: 'a#', after: 'Z' }), ['a#1', 'a#10', 'a#2']);
      assert.deepEqual(await keys({ prefix: 'a#', after: 'b' }), []);
      assert.deepEqual(await keys({ prefix: 'a#', after: 'b', descending: true }), ['a#2', 'a#10', 'a#1']);
      assert.deepEqual(await keys({ prefix: 'a#', after: 'Z', descending: true }), []);
    });

    it('gives pages of `limit`, and a `next` only where more follows', async () => {
      for (const descending of [false, true]) {
        const found: string[] = [];
        let page = await table.query(pk, { limit: 5, descending });
        found.push(...page.items.map(({ sk }) => sk));
        while (page.next !== undefined) {
          assert.equal(page.items.length, 5);
          page = await table.query(pk, { limit: 5, descending, after: page.next });
          found.push(...page.items.map(({ sk }) => sk));
        }
        assert.deepEqual(found, descending ? ordered.toReversed() : ordered);
      }
      assert.equal((await table.query(pk, { limit: ordered.length })).next, undefined);
      assert.equal((await table.query(pk, { limit: ordered.length - 1 })).next, '\u{10000}');
      assert.equal((await table.query(pk, { prefix: 'a#', limit: 3 })).next, undefined);
    });

    it('does not end where DynamoDB ends a page, at 1 MB', async () => {
      const big = partition();
      const sks = Array.from({ length: 12 }, (_, n) => `k${String(n).padStart(2, '0')}`);
      for (const sk of sks) await table.write({ put: { pk: big, sk, text: 'x'.repeat(300_000) } });
      assert.deepEqual(
        (await table.query(big)).items.map(({ sk }) => sk),
        sks,
      );
      const page = await table.query(big, { limit: 11 });
      assert.deepEqual([page.items.length, page.next], [11, 'k10']);
    });
  });

  describe('due', () => {
    it('gives what is due in a shard, oldest first, up to and with the time asked', async () => {
      const [pk, dueShard] = [partition(), randomUUID()];
      const times = { c: 30, a: 10, b: 20, d: 31 };
      for (const [sk, dueAt] of Object.entries(times)) await table.write({ put: { pk, sk, dueShard, dueAt, more: 1 } });
      await table.write({ put: { pk, sk: 'elsewhere', dueShard: `${dueShard}#`, dueAt: 1 } });
      const found = await table.due(dueShard, 30, 10);
      assert.deepEqual(found, [
        { pk, sk: 'a', dueAt: 10 },
        { pk, sk: 'b', dueAt: 20 },
        { pk, sk: 'c', dueAt: 30 },
      ]);
      assert.deepEqual(await table.due(dueShard, 30, 2), found.slice(0, 2));
      assert.deepEqual(await table.due(dueShard, 9, 10), []);
    });

    it('follows every change of `dueAt`, and forgets what has none', async () => {
      const [key, dueShard] = [newKey(), randomUUID()];
      const dueAt = async () => (await table.due(dueShard, 1e10, 10)).map((due) => due.dueAt);
      await table.write({ put: { ...key, dueShard } });
      assert.deepEqual(await dueAt(), []);
      await table.write({ update: key, changes: { set: { dueAt: 1_800_000_000 } } });
      assert.deepEqual(await dueAt(), [1_800_000_000]);
      await table.write({ update: key, changes: { set: { dueAt: 7 } } });
      assert.deepEqual(await dueAt(), [7]);
      await table.write({ update: key, changes: { remove: ['dueAt'] } });
      assert.deepEqual(await dueAt(), []);
      await table.write({ put: { ...key, dueShard, dueAt: 8 } });
      await table.write({ delete: key });
      assert.deepEqual(await dueAt(), []);
    });
  });
};

describe('sqliteTable in memory', contract(inMemory));
describe('sqliteTable on disk', contract(onDisk));
describe('dynamodbTable', contract(onDynamodb));

describe('sqliteTable', () => {
  it('drops what has expired, and only that', async () => {
    const database = openDatabase(':memory:');
    const table = sqliteTable(database);
    await table.write({ put: { pk: 'p', sk: 'old', expiresAt: 99 } });
    await table.write({ put: { pk: 'p', sk: 'now', expiresAt: 100 } });
    await table.write({ put: { pk: 'p', sk: 'never' } });
    assert.equal(purgeExpired(database, 100), 1);
    assert.deepEqual(
      (await table.query('p')).items.map(({ sk }) => sk),
      ['never', 'now'],
    );
  });

  it('keeps every write that resolved before kill -9, and no half of a transaction', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'table-'));
    const path = join(folder, 'broker.sqlite');
    const last = await runUntilKilled('write-items.ts', path, 200);
    const database = openDatabase(path);
    const table = sqliteTable(database);
    const left = (await table.query('left')).items;
    assert.ok(left.length > last);
    assert.equal(left.length, (await table.query('right')).items.length);
    for (let n = 0; n <= last; n++) assert.equal((await table.get({ pk: 'left', sk: String(n) }))?.n, n);
    database.close();
    await rm(folder, { recursive: true });
  });

  it('keeps its files to their owner', { skip: process.platform === 'win32' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'table-'));
    const path = join(folder, 'data', 'broker.sqlite');
    const database = openDatabase(path);
    await sqliteTable(database).write({ put: { pk: 'p', sk: 's' } });
    for (const suffix of ['', '-wal', '-shm']) assert.equal((await stat(path + suffix)).mode & 0o777, 0o600);
    database.close();
    await rm(folder, { recursive: true });
  });

  it('is one table to two connections', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'table-'));
    const databases = [1, 2].map(() => openDatabase(join(folder, 'broker.sqlite')));
    const tables = databases.map(sqliteTable);
    const key = { pk: 'p', sk: 's' };
    const outcomes = await Promise.all(tables.map((table) => table.write({ put: key, when: { absent: true } })));
    assert.deepEqual(outcomes.toSorted(), ['refused', 'written']);
    for (const database of databases) database.close();
    await rm(folder, { recursive: true });
  });
});

describe('dynamodbTable, when DynamoDB is not at its best,', () => {
  /** A table whose first `times` requests of an operation meet the fault. */
  const withFault = async (operation: string, times: number, fault: ReturnType<InjectFault>) => {
    const seen: string[] = [];
    const started = await onDynamodb((request) => {
      if (request.operation !== operation) return undefined;
      return seen.push(request.body.toString()) <= times ? fault : undefined;
    });
    return { ...started, seen };
  };
  const key = { pk: 'p', sk: 's' };

  it('counts a transaction once whose answer was lost', async (t) => {
    const { table, seen } = during(t, await withFault('TransactWriteItems', 1, 'lose_answer'));
    assert.equal(await table.writeAll([{ update: key, changes: { add: { n: 1 } } }]), 'written');
    assert.deepEqual([(await table.get(key))?.n, seen.length], [1, 2]);
  });

  it('tries again when another transaction is in the way, with the same token', async (t) => {
    const reasons = { CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }] };
    const conflict = errorReply(new AwsError('TransactionCanceledException', 'cancelled', reasons));
    const { table, seen } = during(t, await withFault('TransactWriteItems', 3, conflict));
    assert.equal(await table.writeAll([{ put: key }, { put: { ...key, sk: 't' } }]), 'written');
    assert.equal(seen.length, 4);
    assert.equal(new Set(seen).size, 1);
  });

  it('tries a single write again when a transaction is in the way, and gives up at last', async (t) => {
    const conflict = errorReply(new AwsError('TransactionConflictException', 'ongoing transaction'));
    const passing = during(t, await withFault('PutItem', 3, conflict));
    assert.equal(await passing.table.write({ put: key, when: { absent: true } }), 'written');
    const lasting = during(t, await withFault('PutItem', 1000, conflict));
    await assert.rejects(lasting.table.write({ put: key }), { name: 'TransactionConflictException' });
  });

  it('refuses when a condition fails beside a conflict', async (t) => {
    const reasons = { CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'ConditionalCheckFailed' }] };
    const both = errorReply(new AwsError('TransactionCanceledException', 'cancelled', reasons));
    const { table, seen } = during(t, await withFault('TransactWriteItems', 1000, both));
    assert.equal(await table.writeAll([{ put: key }]), 'refused');
    assert.equal(seen.length, 1);
  });

  it('asks again for the keys that were left unanswered, and throws if they stay so', async (t) => {
    const unanswered = {
      status: 200,
      body: {
        Responses: {},
        UnprocessedKeys: { broker: { Keys: [{ pk: { S: 'p' }, sk: { S: 's' } }], ConsistentRead: true } },
      },
    };
    const passing = during(t, await withFault('BatchGetItem', 2, unanswered));
    await passing.table.write({ put: { ...key, n: 1 } });
    assert.deepEqual(await passing.table.getMany([key]), [{ ...key, n: 1 }]);
    assert.ok(passing.seen.every((body) => JSON.parse(body).RequestItems.broker.ConsistentRead));
    const lasting = during(t, await withFault('BatchGetItem', 1000, unanswered));
    await assert.rejects(lasting.table.getMany([key]), /left 1 keys of 1 unanswered/);
  });
});
