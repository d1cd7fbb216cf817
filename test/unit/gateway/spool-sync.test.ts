import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { sharedFolderSync } from '../../../gateway/spool/folder-sync.ts';

const turns = async (): Promise<void> => {
  for (let count = 0; count < 3; count++) await new Promise(setImmediate);
};

describe('a shared sync of a folder', () => {
  /** Syncs that have begun, each to be ended by the test. */
  let begun: { end(): void; fail(): void }[];
  let sync: () => Promise<void>;
  const { open } = fs;

  beforeEach(() => {
    begun = [];
    fs.open = (async () => ({
      sync: () =>
        new Promise<void>((end, reject) => {
          begun.push({ end, fail: () => reject(new Error('EIO')) });
        }),
      close: async () => undefined,
    })) as unknown as typeof fs.open;
    syncBuiltinESMExports();
    sync = sharedFolderSync('/spool');
  });
  afterEach(() => {
    fs.open = open;
    syncBuiltinESMExports();
  });

  /** Who waits, by name; the names of those who have been told. */
  const waits = () => {
    const told: string[] = [];
    return {
      told,
      wait: (name: string) =>
        void sync().then(
          () => told.push(name),
          () => told.push(`${name} failed`),
        ),
    };
  };
  const end = async (which: number): Promise<void> => {
    begun[which]?.end();
    await turns();
  };

  it('does not count for a name that was given after it had begun', async () => {
    const { told, wait } = waits();
    wait('first');
    await turns();
    wait('second');
    wait('third');
    await turns();
    assert.equal(begun.length, 1);
    await end(0);
    assert.deepEqual(told, ['first']);
    assert.equal(begun.length, 2, 'one for the two');
    wait('fourth');
    await end(1);
    assert.deepEqual(told, ['first', 'second', 'third']);
    await end(2);
    assert.deepEqual(told, ['first', 'second', 'third', 'fourth']);
    assert.equal(begun.length, 3);
  });

  it('that fails is told to those who waited for it, and to nobody else', async () => {
    const { told, wait } = waits();
    wait('first');
    await turns();
    wait('second');
    begun[0]?.fail();
    await turns();
    assert.deepEqual(told, ['first failed']);
    await end(1);
    assert.deepEqual(told, ['first failed', 'second']);
  });

  it('begins at once where none is under way', async () => {
    const { told, wait } = waits();
    for (let count = 0; count < 3; count++) {
      wait(`${count}`);
      await turns();
      await end(count);
    }
    assert.deepEqual(told, ['0', '1', '2']);
  });

  it('has begun after each who is told came, in any order of coming and ending', async () => {
    let random = 7;
    const draw = (below: number): number => {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      return random % below;
    };
    let ended = 0;
    for (let count = 0; count < 500; count++) {
      const others = begun.length;
      if (draw(3) > 0) {
        const tellsOf = others;
        void sync().then(() => assert.ok(ended > tellsOf, 'told of a sync that had begun before'));
      }
      for (let ticks = draw(6); ticks > 0; ticks--) await Promise.resolve();
      if (draw(2) === 0 && ended < begun.length) begun[ended++]?.end();
      for (let ticks = draw(6); ticks > 0; ticks--) await Promise.resolve();
    }
    for (; ended < begun.length; await turns()) begun[ended++]?.end();
    assert.ok(begun.length > 50);
  });
});
