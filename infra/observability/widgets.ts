import { Duration } from 'aws-cdk-lib';
import { GraphWidget, type IMetric, type IWidget, MathExpression, Row, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import type { BrokerFunction } from '../functions/broker-function.ts';
import type { FunctionName } from '../rights/table-access.ts';
import { type Reading, reading } from './metrics.ts';
import type { Watched } from './watched.ts';

/** A dashboard is 24 wide. */
const WHOLE = 24;
const QUARTER = 6;

export const EACH_FIVE_MINUTES = { statistic: 'Sum', minutes: 5 } as const;

/** What a row answers, and how to read it. */
export const question = (asked: string, howToRead: string): IWidget =>
  new TextWidget({ markdown: `## ${asked}\n${howToRead}`, width: WHOLE, height: 2 });

interface Graph {
  readonly left: readonly IMetric[];
  /** What the numbers are: `seconds`, `per cent`, … */
  readonly unit?: string;
  readonly stacked?: boolean;
  /** A line that is not to be crossed. */
  readonly limit?: { readonly value: number; readonly label: string };
}

export const graph = (title: string, { left, unit, stacked = false, limit }: Graph): IWidget =>
  new GraphWidget({
    title,
    left: [...left],
    stacked,
    width: QUARTER,
    height: 6,
    leftYAxis: { min: 0, showUnits: false, ...(unit === undefined ? {} : { label: unit }) },
    ...(limit === undefined ? {} : { leftAnnotations: [limit] }),
  });

export const row = (...widgets: readonly IWidget[]): IWidget => new Row(...widgets);

/** One line for each function. */
export const byFunction = (
  { functions }: Watched,
  metricOf: (made: BrokerFunction, name: FunctionName) => IMetric,
): readonly IMetric[] => Object.entries(functions).map(([name, made]) => metricOf(made, name as FunctionName));

/** Within one graph all of them differ. */
const idOf = (label: string): string => `of_${label.replaceAll(/\W/g, '_')}`;

/** Seconds, of what AWS tells in milliseconds. */
export const inSeconds = (milliseconds: IMetric, label: string, minutes = 5): IMetric =>
  new MathExpression({
    expression: `${idOf(label)} / 1000`,
    usingMetrics: { [idOf(label)]: milliseconds },
    label,
    period: Duration.minutes(minutes),
  });

/** How much of its time-out a function needs, in per cent: the one measure that fits all of them. */
export const shareOfTimeout = ({ lambda }: BrokerFunction, label: string): IMetric => {
  const timeout = lambda.timeout ?? Duration.seconds(3);
  const how: Reading = { statistic: 'p99', minutes: 5 };
  return new MathExpression({
    expression: `100 * ${idOf(label)} / ${timeout.toMilliseconds()}`,
    usingMetrics: { [idOf(label)]: lambda.metricDuration(reading(how)) },
    label,
    period: Duration.minutes(how.minutes),
  });
};
