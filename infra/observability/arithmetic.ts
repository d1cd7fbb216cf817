import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';

interface Named {
  readonly minutes: number;
  readonly label: string;
}

const numbered = (prefix: string, metrics: readonly IMetric[]): Record<string, IMetric> =>
  Object.fromEntries(metrics.map((metric, index) => [`${prefix}${index + 1}`, metric]));

/**
 * What is counted only when it happens is missing the rest of the time, and stands for nothing then. A formula must come to a
 * number all the same (alarm.ts says why), so nothing is divided by what may be 0.
 */
const sumOf = (parts: Readonly<Record<string, IMetric>>): string => {
  const filled = Object.keys(parts).map((part) => `FILL(${part}, 0)`);
  return filled.length === 1 ? filled.join() : `SUM([${filled.join(', ')}])`;
};

export const totalOf = (metrics: readonly IMetric[], { minutes, label }: Named): IMetric => {
  const usingMetrics = numbered('part', metrics);
  return new MathExpression({
    expression: sumOf(usingMetrics),
    usingMetrics,
    label,
    period: Duration.minutes(minutes),
  });
};

/** With fewer than `atLeast` bad ones a share is 0: one of two is half, and nothing. */
type Floor = { readonly atLeast: number };

/** The bad ones among bad and good, in per cent: what can be said of 100 devices and of 100,000 alike. */
export const percentOf = (
  bad: readonly IMetric[],
  good: IMetric,
  { atLeast, minutes, label }: Named & Floor,
): IMetric => {
  const ill = numbered('bad', bad);
  const all = `(${sumOf(ill)} + FILL(good, 1))`;
  const expression = `IF(${sumOf(ill)} >= ${atLeast}, 100 * ${sumOf(ill)} / ${all}, 0)`;
  return new MathExpression({
    expression,
    usingMetrics: { ...ill, good },
    label,
    period: Duration.minutes(minutes),
  });
};

/** The same where the second metric counts the bad ones, too. */
export const percentWithin = (bad: IMetric, all: IMetric, { atLeast, minutes, label }: Named & Floor): IMetric =>
  new MathExpression({
    expression: `IF(FILL(bad, 0) >= ${atLeast}, 100 * FILL(bad, 0) / FILL(all, 1), 0)`,
    usingMetrics: { bad, all },
    label,
    period: Duration.minutes(minutes),
  });

/** How much of what was begun is done, in per cent: 100 where too little was begun to tell. */
export const percentDone = (done: IMetric, begun: IMetric, { atLeast, minutes, label }: Named & Floor): IMetric =>
  new MathExpression({
    expression: `IF(FILL(begun, 0) >= ${atLeast}, 100 * FILL(done, 0) / FILL(begun, 1), 100)`,
    usingMetrics: { done, begun },
    label,
    period: Duration.minutes(minutes),
  });

/** Below this a count of mailboxes within an hour is chance; see `burstOf`. */
export const BURST = 0.1;

/**
 * How far a count of mailboxes is beyond chance. What befalls each by itself varies by the root of their number; so the square
 * of the count is held against the refreshes of the same hour, about one for each mailbox in use. A burst are 4 of 100
 * mailboxes, 32 of 10,000 and 101 of 100,000 within an hour: a share alone would be too fine for few or too coarse for many.
 */
export const burstOf = (count: IMetric, refreshed: IMetric, label: string): IMetric =>
  new MathExpression({
    expression: 'IF(FILL(count, 0) >= 3, FILL(count, 0) * FILL(count, 0) / (1 + FILL(refreshed, 0)), 0)',
    usingMetrics: { count, refreshed },
    label,
    period: Duration.hours(1),
  });
