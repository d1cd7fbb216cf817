import { type StepClock, stepClock } from './step-clock.ts';

/** What comes over a socket takes more than one turn of the event loop: so many in which nothing is under way count as rest. */
const TURNS_OF_REST = 4;

/** Longer than a turn takes on a machine with ten times the work that it can do. */
const LONGEST_REQUEST_MS = 90_000;

/** A step clock for work over real sockets: it stands still while requests are under way, and jumps on when all are answered. */
export const networkClock = (underWay: () => number): StepClock =>
  stepClock(undefined, async () => {
    const startedAt = Date.now();
    for (let turns = 0; turns < TURNS_OF_REST; turns++) {
      await new Promise(setImmediate);
      if (underWay() === 0) continue;
      turns = -1;
      if (Date.now() - startedAt > LONGEST_REQUEST_MS) throw new Error('a request is never answered');
    }
  });
