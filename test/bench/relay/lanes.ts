/** Does the work for each, in order, so many at once. */
export const eachInLanes = async <One>(
  all: readonly One[],
  atOnce: number,
  work: (one: One) => Promise<unknown>,
): Promise<void> => {
  const left = all.values();
  const lane = async (): Promise<void> => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
};
