import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { bundleGateway, GATEWAY_BUNDLE } from '../../../scripts/build-gateway.ts';
import type { GatewayWay } from '../../../shared/domain/gateway.ts';
import { type Site, startSite } from './site.ts';
import { type Death, type StepLane, type StepRound, startStepLane } from './step-kills.ts';

/** More than is held in memory while it comes in. */
const LARGE = 3_000_000;

/** What is left after a step is what is left before the next: so each stands for the end of the one before it. */
const MOMENTS = process.env.GATEWAY_KILL_ROUNDS ? /^(before|after) / : /^before /;

/**
 * Whether a process that signs in and fetches its token takes these steps depends on what it did before; and when it reports,
 * which it does beside the sending, on how fast that goes.
 */
const SOMETIMES = /gateway\/(?:devices|tokens|reports)/;

/** From here to there the message has been taken, and nothing says so: then, and only then, it goes out twice. */
const WINDOW = { from: 'before create entry #3', to: 'before rename entry #3' } as const;

const SERVER_DEATHS: readonly Death[] = (['AUTH', 'MAIL', 'RCPT', 'DATA', '.'] as const)
  .flatMap((step) => (['before', 'after'] as const).map((side): Death => ({ by: 'server', step, side })))
  .concat({ by: 'server', step: 'content', side: 'before' });

const LANES_EACH = { direct: 3, relay: 2 } as const satisfies Record<GatewayWay, number>;

const nameOf = (death: Death): string =>
  death.by === 'itself' ? death.step : `${death.side} ${death.step}, by server`;

describe('a gateway that is killed at a step', { concurrency: 2 }, () => {
  let site: Site;
  let script: string;
  let compileCache: string;

  before(async () => {
    site = await startSite();
    const folder = join(site.world.folder, 'program');
    await bundleGateway(folder);
    script = join(folder, GATEWAY_BUNDLE);
    compileCache = join(site.world.folder, 'compiled');
  });
  after(() => site.close());

  const openLanes = async (way: GatewayWay, t: TestContext): Promise<readonly StepLane[]> => {
    const names = Array.from({ length: LANES_EACH[way] }, (_, index) => `${way}-${index}`);
    const lanes = await Promise.all(names.map((name) => startStepLane(site, { name, way, script, compileCache })));
    t.after(() => Promise.all(lanes.map((lane) => lane.close())));
    return lanes;
  };

  /** All steps of a small message, and those that only a large one takes. */
  const deathsFor = (small: readonly string[], large: readonly string[]): readonly Death[] => {
    const more = large.filter((step) => !small.includes(step));
    const deaths = [
      ...small.map((step) => ({ step, sizeBytes: 0 })),
      ...more.map((step) => ({ step, sizeBytes: LARGE })),
    ];
    return deaths
      .filter(({ step }) => MOMENTS.test(step) && !SOMETIMES.test(step))
      .map((one) => ({ by: 'itself', ...one }));
  };

  const runAll = async (lanes: readonly StepLane[], deaths: readonly Death[]): Promise<readonly StepRound[]> => {
    const left = [...deaths];
    const rounds: StepRound[] = [];
    const missed = new Map<Death, number>();
    const work = async (lane: StepLane): Promise<void> => {
      for (let death = left.shift(); death !== undefined; death = left.shift()) {
        const round = await lane.round(death);
        rounds.push(round);
        if (round.wasReached) continue;
        // Steps of two things at the same time may come in another order.
        missed.set(death, (missed.get(death) ?? 0) + 1);
        assert.ok((missed.get(death) ?? 0) < 3, `it never comes to ${nameOf(death)}`);
        left.push(death);
      }
    };
    await Promise.all(lanes.map(work));
    return rounds;
  };

  const tell = (t: TestContext, rounds: readonly StepRound[]): void => {
    const doubled = rounds.filter(({ copies }) => copies.some((count) => count > 1));
    t.diagnostic(`${rounds.length} kills at ${new Set(rounds.map(({ death }) => nameOf(death))).size} steps; lost: 0`);
    t.diagnostic(`doubled: ${doubled.length} (${doubled.map(({ death }) => nameOf(death)).join('; ')})`);
    for (const { copies, outcome } of rounds) assert.ok(copies.length > 0 || outcome !== 'accepted');
    const late = rounds.filter(({ wasReached }) => !wasReached).map(({ death }) => nameOf(death));
    t.diagnostic(`come to only later: ${late.join('; ') || 'none'}`);
    const unheard = rounds.filter(({ outcome }) => outcome !== 'accepted');
    t.diagnostic(
      `no 250: ${unheard.length}, of them handed in again: ${unheard.filter((one) => one.wasRepeated).length}`,
    );
  };

  /** What a kill cannot show, as the system still has what was not synced: in this order a power cut loses nothing either. */
  const assertDurable = (steps: readonly string[]): void => {
    for (const order of [
      ['after sync content #1', 'before rename entry #1'],
      ['after sync entry #1', 'before rename entry #1', 'after rename entry #1', 'before sync spool folder #1'],
      ['after sync spool folder #1', 'before say 250 #1'],
      ['after sync spool folder #3', 'before remove content #1'],
    ]) {
      const found = order.map((step) => steps.indexOf(step));
      assert.ok(!found.includes(-1), `${order} in ${steps.join('\n')}`);
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
        order.join(', '),
      );
    }
  };

  const assertTruth = ({ death, outcome, wasRepeated, copies }: StepRound, perMessage: number): void => {
    const where = `killed ${nameOf(death)}: ${JSON.stringify({ outcome, wasRepeated, copies })}`;
    const promised = outcome === 'accepted' || wasRepeated ? 1 : 0;
    assert.ok(copies.length >= promised, `lost, ${where}`);
    // What was not heard of may be there all the same.
    assert.ok(copies.length <= 1 || (wasRepeated && copies.length === 2), `doubled, ${where}`);
    for (const count of copies) assert.equal(count, perMessage, where);
  };

  test('sends twice only what the server had taken and it had not written down, and loses nothing', async (t) => {
    const lanes = await openLanes('direct', t);
    const [first] = lanes as [StepLane];
    const [small, large] = [await first.calm(0), await first.calm(LARGE)];
    for (const steps of [small, large]) assertDurable(steps);
    const own = deathsFor(small, large);
    const rounds = await runAll(lanes, [...own, ...SERVER_DEATHS]);
    const [from, to] = [small.indexOf(WINDOW.from), small.indexOf(WINDOW.to)];
    assert.ok(from > 0 && to > from);
    for (const round of rounds.filter(({ wasReached }) => wasReached)) {
      const { death } = round;
      const at = death.by === 'itself' ? small.indexOf(death.step) : -1;
      const isInWindow = death.by === 'itself' ? at >= from && at <= to : death.step === '.' && death.side === 'after';
      assertTruth(round, isInWindow ? 2 : 1);
    }
    tell(t, rounds);
  });

  test('hands over to the relay once what it has accepted once', async (t) => {
    const lanes = await openLanes('relay', t);
    const [first] = lanes as [StepLane];
    const [small, large] = [await first.calm(0), await first.calm(LARGE)];
    for (const steps of [small, large]) assertDurable(steps);
    const rounds = await runAll(lanes, deathsFor(small, large));
    for (const round of rounds.filter(({ wasReached }) => wasReached)) assertTruth(round, 1);
    tell(t, rounds);
  });
});
