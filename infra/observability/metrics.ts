import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  BROKER_DIMENSION,
  EVENT_METRICS,
  type EventMetric,
  METRIC_NAMESPACE,
  type MetricName,
} from '../../shared/config/metrics.ts';

const CATALOG: readonly EventMetric[] = Object.values(EVENT_METRICS).flat();

const catalogued = (name: MetricName): EventMetric => {
  const found = CATALOG.find(({ metric }) => metric === name);
  // CloudWatch takes any name, and shows for ever that there is nothing.
  if (found === undefined) throw new Error(`no event is counted as ${name} (shared/config/metrics.ts)`);
  return found;
};

/** The further dimension by which a metric is told apart. */
const dimensionOf = (name: MetricName): string => {
  const { by } = catalogued(name);
  if (by === undefined) throw new Error(`${name} is not told apart by anything (shared/config/metrics.ts)`);
  return by.dimension;
};

export interface Reading {
  readonly statistic: 'Sum' | 'Maximum' | 'p50' | 'p99';
  readonly minutes: number;
  readonly label?: string;
}

/** The same in CDK's words. */
export const reading = ({ statistic, minutes, label }: Reading) => ({
  statistic,
  period: Duration.minutes(minutes),
  ...(label === undefined ? {} : { label }),
});

/** What the code of a deployment counts: as a whole, and told apart by one dimension. */
export const brokerMetrics = (broker: string) => {
  const metric = (name: MetricName, further: Readonly<Record<string, string>>, how: Reading): IMetric =>
    new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: catalogued(name).metric,
      dimensionsMap: { [BROKER_DIMENSION]: broker, ...further },
      ...reading(how),
    });
  return {
    whole: (name: MetricName, how: Reading): IMetric => metric(name, {}, how),

    /** Of one provider, one kind of error, … */
    of: (name: MetricName, value: string, how: Reading): IMetric => metric(name, { [dimensionOf(name)]: value }, how),

    /** A line for each value that has ever been counted. For dashboards: an alarm takes no search. */
    each(name: MetricName, { statistic, minutes }: Reading): IMetric {
      const schema = [METRIC_NAMESPACE, BROKER_DIMENSION, dimensionOf(name)].join(',');
      const wanted = `{${schema}} MetricName="${name}" ${BROKER_DIMENSION}="${broker}"`;
      const expression = `SEARCH('${wanted}', '${statistic}', ${minutes * 60})`;
      return new MathExpression({ expression, label: '', usingMetrics: {}, period: Duration.minutes(minutes) });
    },
  };
};
