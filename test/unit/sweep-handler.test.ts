import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sweepHandler } from '../../shared/adapters/lambda/sweep-handler.ts';
import { memoryLog } from '../fakes/memory-log.ts';

const throttled = async () => {
  throw new Error('RequestThrottled');
};

describe('sweepHandler', () => {
  it('says what each part did', async () => {
    const log = memoryLog();
    const sweep = sweepHandler({ deadLetters: async () => undefined, grants: async () => 3 }, log);
    assert.deepEqual(await sweep(), { deadLetters: undefined, grants: 3 });
    assert.deepEqual(log.lines, []);
  });

  for (const failing of ['deadLetters', 'grants', 'submissions'] as const) {
    it(`runs the other parts when ${failing} fails, says so, and fails in the end`, async () => {
      const log = memoryLog();
      const ran: string[] = [];
      const part = (name: string) => (name === failing ? throttled : async () => ran.push(name));
      const names = ['deadLetters', 'grants', 'submissions'];
      const sweep = sweepHandler(Object.fromEntries(names.map((name) => [name, part(name)])), log);
      await assert.rejects(sweep(), new RegExp(`: ${failing}$`));
      assert.deepEqual(
        ran,
        names.filter((name) => name !== failing),
      );
      const fields = { part: failing, error: 'Error: RequestThrottled' };
      assert.deepEqual(log.lines, [{ level: 'error', event: 'sweep.failed', fields }]);
    });
  }

  it('does not let a part that hangs hold up the others', async () => {
    let swept = false;
    const hanging = () => new Promise<never>(() => undefined);
    const submissions = async () => {
      swept = true;
    };
    void sweepHandler({ grants: hanging, submissions }, memoryLog())();
    await new Promise(setImmediate);
    assert.ok(swept);
  });

  it('names every part that failed', async () => {
    const sweep = sweepHandler({ grants: throttled, submissions: throttled }, memoryLog());
    await assert.rejects(sweep(), /grants, submissions$/);
  });
});
