import { BROKER_DIMENSION, EVENT_METRICS, type EventMetric, METRIC_NAMESPACE } from '../../config/metrics.ts';
import type { LogFields } from '../../ports/log.ts';

const CATALOG: ReadonlyMap<string, readonly EventMetric[]> = new Map(Object.entries(EVENT_METRICS));

/** What CloudWatch takes for a dimension's value (API reference, Dimension); with another it would drop the whole metric. */
const DIMENSION_VALUE = /^[!-~][ -~]{0,1023}$/;

interface Counted {
  readonly name: string;
  readonly value: number;
  readonly directive: object;
  /** The further dimension's member, if the metric has one. */
  readonly dimension: Readonly<Record<string, string>>;
}

const countOne = ({ metric, unit, value: valueField, by }: EventMetric, fields: LogFields): Counted | undefined => {
  const value = valueField === undefined ? 1 : fields[valueField];
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const kind = by && fields[by.field];
  const dimension = by && typeof kind === 'string' && DIMENSION_VALUE.test(kind) ? { [by.dimension]: kind } : {};
  const whole = [BROKER_DIMENSION];
  const Dimensions = [whole, ...Object.keys(dimension).map((one) => [...whole, one])];
  const directive = { Namespace: METRIC_NAMESPACE, Dimensions, Metrics: [{ Name: metric, Unit: unit }] };
  return { name: metric, value, directive, dimension };
};

/**
 * What makes CloudWatch count a log line, in the line itself (user guide, "Embedded metric format specification"): `_aws`, and
 * at the root what that names. Nothing for a line that is not counted, or whose value is missing. A metric that is told apart
 * by a field is counted as a whole, too. `now`: milliseconds since the epoch.
 */
export const embeddedMetrics = (
  event: string,
  fields: LogFields,
  { broker, now }: { readonly broker: string; readonly now: number },
): object => {
  const counted = (CATALOG.get(event) ?? []).flatMap((metric) => countOne(metric, fields) ?? []);
  if (counted.length === 0) return {};
  return {
    [BROKER_DIMENSION]: broker,
    ...Object.fromEntries(counted.map(({ name, value }) => [name, value])),
    ...Object.assign({}, ...counted.map(({ dimension }) => dimension)),
    _aws: { Timestamp: now, CloudWatchMetrics: counted.map(({ directive }) => directive) },
  };
};
