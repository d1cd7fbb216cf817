/**
 * How long another client secret than the first is begun with before the first is looked at again. Waiting costs nothing:
 * should the other be refused meanwhile, the first is tried in the same call. A look costs one refused request, and lets a
 * new secret that had not reached all of the provider's data centres come into use.
 */
const LOOK_AGAIN_MS = 3_600_000;

interface Turns {
  /** Positions in the order in which one call tries them. */
  order(): readonly [number, ...number[]];
  /** What came of one call: the positions it found refused, the last one it tried, and whether the provider answered that. */
  settle(outcome: { readonly refused: readonly number[]; readonly last: number; readonly answered: boolean }): void;
}

/** Remembers, as long as the process lives, with which of `count` client secrets to begin. `now`: milliseconds. */
export const secretsInTurn = (count: number, now: () => number): Turns => {
  let preferred = 0;
  let lookedMs = 0;

  return {
    order: () => {
      let begin = preferred;
      if (preferred !== 0 && now() - lookedMs >= LOOK_AGAIN_MS) {
        // One call looks; those beside it go on with the secret that works.
        lookedMs = now();
        begin = 0;
      }
      const others = Array.from({ length: count }, (_, position) => position).filter((position) => position !== begin);
      return [begin, ...others];
    },
    settle: ({ refused, last, answered }) => {
      if (refused.includes(0)) lookedMs = now();
      // Every one was refused: no reason to prefer any.
      if (refused.includes(last)) preferred = 0;
      // One that was not refused, though nothing was heard of it, is still better than one that was.
      else if (answered || refused.length > 0) preferred = last;
    },
  };
};
