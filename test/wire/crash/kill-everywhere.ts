import assert from 'node:assert/strict';
import type { Rotation } from '../../fakes/rotating-oauth.ts';
import type { Orders } from './orders.ts';
import { makeRound, type Operation, type Verdict } from './round.ts';
import { type Ended, runBroker } from './run-broker.ts';
import type { VaultKind, World } from './world.ts';

export interface Case {
  readonly vault: VaultKind;
  readonly rotation: Rotation;
  readonly operation: Operation;
}

/** One broker and its end. */
export interface Killed extends Verdict {
  readonly by: 'itself' | 'another' | 'nobody';
  /** The last step that it said it was at. */
  readonly lastStep: string;
}

/** Two cores are what small machines have. */
const AT_A_TIME = 2;

/** Kills at moments spread over the work: within steps too, and not only between them. */
const KILLS_FROM_OUTSIDE = 8;

/** The earlier sign-in was so long ago that its access token has run out, or, where it matters, its age calls for a store. */
const SIGNED_IN_AGO_SECONDS = { strict: 7200, none: 7200, lenient: 8 * 86_400 } as const satisfies Record<
  Rotation,
  number
>;

const inTurns = async <Value>(count: number, work: (index: number) => Promise<Value>): Promise<readonly Value[]> => {
  const results: Value[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  const lanes = await Promise.allSettled(Array.from({ length: AT_A_TIME }, lane));
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  return results;
};

const momentOf = ({ killed, trail }: Ended): string =>
  killed ? `killed at step ${trail.length} (${trail.at(-1) ?? 'none'})` : 'not killed';

/** Kills a broker at each of its steps, and then at other moments; every time another mailbox, and a fresh broker after it. */
export const killEverywhere = async (world: World, { vault, rotation, operation }: Case) => {
  const setting = world.settingOf(vault, rotation);
  const brokers = {
    earlier: await setting.composed(-SIGNED_IN_AGO_SECONDS[rotation]),
    present: await setting.composed(0),
  };

  const run = async (dying: { readonly dieAtStep?: number; readonly killAfterMs?: number }) => {
    const { place, registration } = setting;
    const round = await makeRound(setting, operation, brokers);
    const { killAfterMs, ...at } = dying;
    const orders: Orders = { place, registration, work: await round.workOf(), ...at };
    const ended = await runBroker(orders, world.program, killAfterMs);
    try {
      return { ended, ...(await round.judge(ended)), lastStep: ended.trail.at(-1) ?? 'none' };
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`${operation}, ${momentOf(ended)}: ${what}`, { cause: error });
    }
  };

  const calm = await run({});
  assert.equal(calm.ended.killed, false);
  const { trail, timed } = calm.ended;
  const lastsMs = (timed.at(-1)?.atMs ?? 0) - (timed[0]?.atMs ?? 0);

  const atEachStep = await inTurns(trail.length, async (index): Promise<Killed> => {
    const { ended, ...verdict } = await run({ dieAtStep: index + 1 });
    assert.ok(ended.killed);
    assert.deepEqual(ended.trail, trail.slice(0, index + 1));
    return { ...verdict, by: 'itself' };
  });
  const fromOutside = await inTurns(KILLS_FROM_OUTSIDE, async (index): Promise<Killed> => {
    const { ended, ...verdict } = await run({ killAfterMs: (index / KILLS_FROM_OUTSIDE) * lastsMs });
    return { ...verdict, by: ended.killed ? 'another' : 'nobody' };
  });
  for (const broker of Object.values(brokers)) broker.close();
  return { trail, lastsMs, calm, atEachStep, fromOutside };
};
