import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../shared/adapters/system/system-clock.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import { manualClock } from '../fakes/manual-clock.ts';

/** A clock, and how to let its time pass. */
interface Started {
  readonly clock: Clock;
  pass(milliseconds: number): Promise<void>;
}

const contract = (start: () => Started) => () => {
  it('counts milliseconds of this century, and never backwards', async () => {
    const { clock, pass } = start();
    assert.ok(clock.now() > Date.UTC(2026, 0, 1) && clock.now() < Date.UTC(2100, 0, 1));
    const before = clock.now();
    await pass(5);
    assert.ok(clock.now() >= before + 4);
    assert.equal(epochSeconds(clock), Math.floor(clock.now() / 1000));
  });

  it('wakes a sleeper when the time has passed, and not before', async () => {
    const { clock, pass } = start();
    let awake = false;
    const slept = clock.sleep(300).then(() => {
      awake = true;
    });
    await pass(1);
    assert.equal(awake, false);
    await pass(300);
    await slept;
    assert.equal(awake, true);
  });

  it('wakes sleepers in the order of their times', async () => {
    const { clock, pass } = start();
    const order: number[] = [];
    const sleepers = [60, 0, 20].map((milliseconds) => clock.sleep(milliseconds).then(() => order.push(milliseconds)));
    await pass(25);
    await pass(60);
    await Promise.all(sleepers);
    assert.deepEqual(order, [0, 20, 60]);
  });
};

describe(
  'systemClock as Clock',
  contract(() => ({ clock: systemClock, pass: (milliseconds) => systemClock.sleep(milliseconds) })),
);

describe(
  'manualClock as Clock',
  contract(() => {
    const clock = manualClock();
    return { clock, pass: clock.advance };
  }),
);
