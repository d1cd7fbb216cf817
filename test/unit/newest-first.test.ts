import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { newestFirst, type ReadStretch } from '../../shared/usecases/administration/newest-first.ts';

interface Entry {
  readonly id: string;
  readonly isWanted: boolean;
}

const entryOf = (at: number, isWanted: boolean): Entry => ({ id: `sub_${String(at).padStart(9, '0')}`, isWanted });

/** As the table has a list: newest first, so many at once. `exact`: says that there is more only where there is. */
const listOf = (entries: readonly Entry[], isExact: boolean) => {
  const sorted = entries.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const looks = { count: 0 };
  const read: ReadStretch<Entry> = async (limit, before) => {
    looks.count += limit;
    const left = sorted.filter(({ id }) => before === undefined || id < before);
    const seen = left.slice(0, limit);
    const hasMore = isExact ? left.length > limit : seen.length === limit;
    return { entries: seen.filter(({ isWanted }) => isWanted), next: hasMore ? seen.at(-1)?.id : undefined };
  };
  return { read, looks };
};

const idOf = ({ id }: Entry): string => id;

describe('a page of several lists', () => {
  const lists = fc
    .uniqueArray(fc.nat(5000), { maxLength: 120, size: 'max' })
    .chain((times) =>
      fc.tuple(
        fc.constant(times),
        fc.array(fc.nat(3), { minLength: times.length, maxLength: times.length }),
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: times.length, maxLength: times.length }),
      ),
    );

  it('shows everything wanted once, newest first, whatever is left out and wherever a page ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 10 }),
        async ([times, owners, dice], limit, stretch, isExact, rarity) => {
          const entries = times.map((at, index) => entryOf(at, (dice[index] ?? 0) >= rarity));
          const reads = [0, 1, 2, 3].map(
            (owner) =>
              listOf(
                entries.filter((_, index) => owners[index] === owner),
                isExact,
              ).read,
          );
          const shown: string[] = [];
          let cursor: string | undefined;
          let pages = 0;
          do {
            const page = await newestFirst(reads, idOf, { cursor, limit, stretch });
            assert.ok(page.entries.length <= limit);
            shown.push(...page.entries.map(idOf));
            assert.ok(page.cursor === undefined || cursor === undefined || page.cursor < cursor, 'gets nowhere');
            cursor = page.cursor;
            assert.ok(++pages < 2000);
          } while (cursor !== undefined);
          const wanted = entries.filter(({ isWanted }) => isWanted).map(idOf);
          assert.deepEqual(shown, wanted.toSorted().reverse());
        },
      ),
      { numRuns: 300 },
    );
  });

  it('looks at so many and no more, where little is wanted, and goes on from there', async () => {
    const { read, looks } = listOf(
      Array.from({ length: 5000 }, (_, at) => entryOf(at, at === 10)),
      true,
    );
    const first = await newestFirst([read], idOf, { cursor: undefined, limit: 25, stretch: 100 });
    assert.deepEqual([first.entries, first.cursor, looks.count], [[], 'sub_000004000', 1000]);
    let { cursor } = first;
    for (let pages = 0; pages < 4; pages++) {
      const page = await newestFirst([read], idOf, { cursor, limit: 25, stretch: 100 });
      assert.deepEqual(page.entries.map(idOf), pages === 3 ? ['sub_000000010'] : []);
      cursor = page.cursor;
    }
    assert.equal(cursor, undefined);
  });

  it('ends without a further page where the last one is full', async () => {
    const { read } = listOf(
      Array.from({ length: 25 }, (_, at) => entryOf(at, true)),
      true,
    );
    const { entries, cursor } = await newestFirst([read], idOf, { cursor: undefined, limit: 25, stretch: 26 });
    assert.deepEqual([entries.length, cursor], [25, undefined]);
  });
});
