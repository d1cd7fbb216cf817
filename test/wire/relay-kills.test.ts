import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bundledProgram, type Program } from './crash/program.ts';
import { type AcceptDeath, type AcceptRound, startAcceptRounds } from './relay/accept-rounds.ts';
import {
  type Death,
  type Heir,
  isInTheWindow,
  type Round,
  SERVER_DEATHS,
  startKillRounds,
} from './relay/kill-rounds.ts';
import { startWorld, type World } from './relay/scene.ts';

const HEIRS = ['restart', 'other worker'] as const satisfies readonly Heir[];

/** Between the steps, and within them; half of them for each heir. */
const CHANCE_KILLS = 60;

const nameOf = ({ death, lastStep }: Round): string =>
  death.by === 'server' ? `${death.side} ${death.step}, by the mail server` : lastStep;

const countBy = (rounds: readonly Round[]): string => {
  const counts = new Map<string, number>();
  for (const round of rounds) counts.set(nameOf(round), (counts.get(nameOf(round)) ?? 0) + 1);
  return [...counts].map(([step, count]) => `${count} ${step}`).join('; ');
};

const assertTruth = (round: Round): void => {
  const where = `killed at "${nameOf(round)}": ${JSON.stringify(round.copies)}`;
  const repeats = round.copies.reduce((sum, copies) => sum + copies - 1, 0);
  assert.ok(
    round.copies.every((copies) => copies >= 1),
    `lost, ${where}`,
  );
  if (!isInTheWindow(round)) assert.equal(repeats, 0, `a duplicate outside of the window, ${where}`);
  else if (round.death.by === 'chance') assert.ok(repeats <= 1, `more than one duplicate, ${where}`);
  // The message had been taken for certain.
  else assert.equal(repeats, 1, where);
};

describe('a process that is killed', { concurrency: 3 }, () => {
  let world: World;
  let program: Program;

  before(async () => {
    world = await startWorld();
    program = await bundledProgram(join(import.meta.dirname, 'relay', 'doomed.ts'), world.folder);
  });
  after(() => world.close());

  test('while it takes a message in loses none that it has said it has, and none is doubled by a repeat', async (t) => {
    const rounds = await startAcceptRounds(world, program, 'accepting');
    t.after(() => rounds.close());
    const calm = await rounds.run({ afterMs: 5000 }, false);
    assert.deepEqual([calm.wasAccepted, calm.copies], [true, 1]);
    const deaths: readonly AcceptDeath[] = [
      ...Array.from({ length: calm.steps }, (_, index) => ({ atStep: index + 1 })),
      ...Array.from({ length: CHANCE_KILLS / 4 }, (_, index) => ({ afterMs: index * 2 })),
    ];
    const all: AcceptRound[] = [];
    for (const death of deaths) for (const repeats of [true, false]) all.push(await rounds.run(death, repeats));
    for (const round of all) {
      const where = JSON.stringify(round);
      // Unheard of and not repeated, it may be there or not; never twice.
      assert.ok(round.copies <= 1, `doubled: ${where}`);
      if (round.wasAccepted || round.wasRepeated) assert.equal(round.copies, 1, `lost: ${where}`);
    }
    const unheard = all.filter(({ wasAccepted }) => !wasAccepted);
    assert.ok(unheard.length >= calm.steps, 'hardly anybody was killed in time');
    const steps = all.map(({ lastStep }) => lastStep);
    t.diagnostic(`${all.length} rounds; accepted: ${all.length - unheard.length}, not heard of: ${unheard.length}`);
    t.diagnostic(
      `killed at ${[...new Set(steps)].map((step) => `${steps.filter((one) => one === step).length} ${step}`).join('; ')}`,
    );
  });

  for (const heir of HEIRS) {
    test(`while it sends loses nothing, and sends twice only what may have been taken; then comes ${heir}`, async (t) => {
      const rounds = await startKillRounds(world, program, heir.replace(' ', '-'));
      t.after(() => rounds.close());
      const calm = await rounds.run({ by: 'nobody' }, heir);
      assert.deepEqual([calm.killed, calm.copies], [false, [1, 1]]);
      const [first, last] = [calm.timed[0]?.atMs ?? 0, calm.timed.at(-1)?.atMs ?? 0];
      const deaths: readonly Death[] = [
        ...calm.timed.map((_, index): Death => ({ by: 'itself', atStep: index + 1 })),
        ...SERVER_DEATHS,
        ...Array.from({ length: CHANCE_KILLS / HEIRS.length }, (_, index): Death => {
          return { by: 'chance', afterMs: ((last - first) * index * HEIRS.length) / CHANCE_KILLS };
        }),
      ];
      const all: Round[] = [];
      for (const death of deaths) {
        const round = await rounds.run(death, heir);
        assertTruth(round);
        assert.ok(round.killed || death.by === 'chance', `nobody was killed at ${JSON.stringify(death)}`);
        all.push(round);
      }
      const inTheWindow = all.filter(isInTheWindow);
      const twice = all.filter(({ copies }) => copies.some((count) => count > 1));
      t.diagnostic(`${all.length} rounds, ${all.filter(({ killed }) => killed).length} kills: ${countBy(all)}`);
      t.diagnostic(`in the window: ${inTheWindow.length}; duplicates: ${twice.length} (${countBy(twice)})`);
      t.diagnostic(`contents left behind: ${await rounds.stored()}`);
    });
  }
});
