import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support.ts';
import { type StoreKind, startProcess, startScene } from './start.ts';

const STORES = {
  aws: 'DynamoDB and Secrets Manager',
  sqlite: 'one SQLite file and sealed envelopes',
} as const satisfies Record<StoreKind, string>;

const during = async (t: TestContext, kind: StoreKind, options: { speed?: number } = {}) => {
  const scene = await startScene(kind, options);
  t.after(() => scene.close());
  const start = async (count: number) => {
    const processes = await Promise.all(Array.from({ length: count }, () => startProcess(scene.place)));
    for (const one of processes) t.after(() => one.kill());
    return processes;
  };
  return { scene, start };
};

/** What a device is told that shall come back: HTTP 503 with Retry-After. */
const isWait = ({ kind, retryAfterSeconds }: { kind: string; retryAfterSeconds?: number }): boolean =>
  kind === 'provider_unavailable' && retryAfterSeconds !== undefined;

for (const kind of ['aws', 'sqlite'] as const) {
  describe(`500 fetches at once over four processes, on one expired grant in ${STORES[kind]}`, () => {
    it('cost one call to a provider that ends a sign-in at any reuse, and all get its token', async (t) => {
      const { scene, start } = await during(t, kind);
      const processes = await start(4);
      // Long enough for the others to come while it is under way.
      scene.identity.setFault('token', { kind: 'delay', milliseconds: 400 });
      const calls = scene.refreshCalls();
      const answers = await Promise.all(processes.map((one) => one.order(scene.fetches(125))));

      assert.equal(scene.refreshCalls() - calls, 1);
      const tokens = answers.flatMap((answer) => answer.tokens);
      assert.deepEqual(
        answers.flatMap(({ failures }) => failures),
        [],
      );
      assert.equal(tokens.length, 500);
      assert.equal(new Set(tokens).size, 1);
      assert.deepEqual(await scene.refreshOnceMore(), { outcome: 'fresh' });
      assert.equal(scene.refreshCalls() - calls, 2);
    });
  });

  describe(`when the process that asks the provider is killed, with ${STORES[kind]},`, () => {
    /** Ten seconds of the broker's are one of ours: a lease is over after three. */
    const SPEED = 10;
    const LEASE_MS = 30_000 / SPEED;

    it('the others take over when its lease is over, and the grant lives, where the provider had done nothing', async (t) => {
      const { scene, start } = await during(t, kind, { speed: SPEED });
      const [holder, ...others] = await start(4);
      assert.ok(holder);
      scene.identity.setFault('token', { kind: 'hang' }, 1);
      const calls = scene.refreshCalls();
      holder.order(scene.fetches(125)).catch(() => undefined); // nobody hears of it
      await eventually('the provider is asked', () => (scene.refreshCalls() > calls ? true : undefined));
      await holder.kill();

      // Some come at once and may be told to wait, the last when the lease is nearly over.
      const answering = others.map(async (one, index) => {
        await sleep((index * LEASE_MS) / 3);
        return one.order(scene.fetches(125));
      });
      const answers = await Promise.all(answering);
      const failures = answers.flatMap((answer) => answer.failures);
      assert.deepEqual(
        failures.filter((failure) => !isWait(failure)),
        [],
      );
      assert.equal(answers.at(-1)?.tokens.length, 125);
      assert.equal(answers.flatMap(({ tokens }) => tokens).length + failures.length, 375);
      assert.equal(scene.refreshCalls() - calls, 2);

      const again = await Promise.all(others.map((one) => one.order(scene.fetches(125))));
      const tokens = again.flatMap((answer) => answer.tokens);
      assert.equal(tokens.length, 375);
      assert.equal(new Set(tokens).size, 1);
      assert.deepEqual(await scene.refreshOnceMore(), { outcome: 'fresh' });
      assert.equal(scene.refreshCalls() - calls, 3);
    });

    it('it is said that somebody must sign in again, where the provider had retired the token by then', async (t) => {
      const { scene, start } = await during(t, kind, { speed: SPEED });
      const [holder, ...others] = await start(4);
      assert.ok(holder);
      scene.identity.setFault('token', { kind: 'lose_reply' }, 1);
      const calls = scene.refreshCalls();
      // The answer never arrives; the process is killed before it can have learnt so.
      const order = holder.order(scene.fetches(125)).catch(() => undefined);
      await eventually('the provider is asked', () => (scene.refreshCalls() > calls ? true : undefined));
      await holder.kill();
      await order;
      await sleep(LEASE_MS);
      const answers = await Promise.all(others.map((one) => one.order(scene.fetches(125))));
      const kinds = answers.flatMap(({ failures }) => failures.map((failure) => failure.kind));
      assert.deepEqual(kinds, Array(375).fill('sign_in_lapsed'));
      assert.equal((await scene.grant()).state, 'invalid');
      // The token before is tried besides, and nothing after that.
      assert.ok(scene.refreshCalls() - calls <= 3, `${scene.refreshCalls() - calls} calls`);
    });
  });
}
