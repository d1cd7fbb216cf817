const MINUTE_MS = 60_000;

/** The most of these moments that fall into any one minute, wherever it begins; the last moment of a minute is the next one's first. */
export const mostInAnyMinute = (momentsMs: readonly number[]): number => {
  const sorted = [...momentsMs].sort((a, b) => a - b);
  let most = 0;
  let first = 0;
  for (const [last, moment] of sorted.entries()) {
    while (moment - (sorted[first] ?? moment) >= MINUTE_MS) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
};
