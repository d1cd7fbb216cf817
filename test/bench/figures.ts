/** The value below which a share of the sorted values lies; `share` in 0 to 1. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;

export const kilobytes = (bytes: number): string => `${Math.round(bytes / 1024)} KB`;

export const ratio = (value: number, floor: number): string => `${(value / floor).toFixed(2)}×`;

/** Two things side by side in one run, by turns, so that a busy machine slows both alike. */
export const byTurns = async (
  rounds: number,
  ...things: readonly (() => Promise<number>)[]
): Promise<readonly (readonly number[])[]> => {
  const results: number[][] = things.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, thing] of things.entries()) results[index]?.push(await thing());
  }
  return results;
};

export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

export const print = (heading: string, rows: readonly (readonly [what: string, ...figures: string[]])[]): void => {
  console.log(`\n${heading}`);
  const width = Math.max(...rows.map(([what]) => what.length));
  for (const [what, ...figures] of rows) {
    console.log(`  ${what.padEnd(width)}  ${figures.map((figure) => figure.padStart(10)).join('  ')}`);
  }
};
