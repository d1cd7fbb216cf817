import type { Template } from 'aws-cdk-lib/assertions';
import { embeddedMetrics } from '../../shared/adapters/powertools/embedded-metrics.ts';
import { BROKER_DIMENSION, EVENT_METRICS, type EventMetric, METRIC_NAMESPACE } from '../../shared/config/metrics.ts';

export type Json = { readonly [name: string]: unknown };
type Resolve = (value: unknown) => string;

export const BROKER = 'token-broker';

/** A metric as an alarm or a widget names it, with references as texts. */
export interface MetricRead {
  readonly id: string | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
}

export interface AlarmRead {
  /** Without the broker's name. */
  readonly id: string;
  readonly description: string;
  readonly metrics: readonly MetricRead[];
  readonly expression: string | undefined;
  readonly threshold: number;
  readonly comparison: string;
  /** How many of the last periods must be bad. */
  readonly periods: { readonly bad: number; readonly of: number };
  readonly missing: string;
  readonly actions: readonly string[];
  readonly okActions: readonly string[];
}

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value : []);

const metricOf = (stat: Json, id: string | undefined, resolved: Resolve): MetricRead => {
  // Within a list of metrics it stands one level deeper.
  const metric = (stat.Metric ?? stat) as Json;
  return {
    id,
    namespace: String(metric.Namespace),
    name: String(metric.MetricName),
    dimensions: Object.fromEntries(listOf(metric.Dimensions).map(({ Name, Value }) => [String(Name), resolved(Value)])),
    statistic: String(stat.Stat ?? stat.Statistic ?? stat.ExtendedStatistic),
  };
};

/** The alarms of a template, but for those by which CodeDeploy takes a version back. */
export const alarmsIn = (template: Template, resolved: Resolve): readonly AlarmRead[] =>
  Object.entries(template.findResources('AWS::CloudWatch::Alarm'))
    .filter(([logicalId]) => !logicalId.startsWith('Rollout'))
    .map(([, { Properties: of }]): AlarmRead => {
      const several = listOf(of.Metrics);
      const stats = several.filter(({ MetricStat }) => MetricStat !== undefined);
      return {
        id: String(of.AlarmName).replace(`${BROKER}-`, ''),
        description: String(of.AlarmDescription),
        metrics:
          several.length === 0
            ? [metricOf(of, undefined, resolved)]
            : stats.map(({ Id, MetricStat }) => metricOf(MetricStat as Json, String(Id), resolved)),
        expression: several.map(({ Expression }) => Expression).find((text) => typeof text === 'string'),
        threshold: Number(of.Threshold),
        comparison: String(of.ComparisonOperator),
        periods: { bad: Number(of.DatapointsToAlarm ?? of.EvaluationPeriods), of: Number(of.EvaluationPeriods) },
        missing: String(of.TreatMissingData),
        actions: listOf(of.AlarmActions).map(resolved),
        okActions: listOf(of.OKActions).map(resolved),
      };
    });

/** Each metric that the log adapter writes, with the sets of dimensions under which it does: `Broker`, `Broker+Kind`. */
export const emittedMetrics = (): ReadonlyMap<string, ReadonlySet<string>> => {
  const emitted = new Map<string, Set<string>>();
  for (const [event, metrics] of Object.entries<readonly EventMetric[]>(EVENT_METRICS)) {
    const fields = Object.fromEntries(
      metrics.flatMap(({ value, by }) => [
        ...(value === undefined ? [] : [[value, 1] as const]),
        ...(by === undefined ? [] : [[by.field, 'one'] as const]),
      ]),
    );
    const line = embeddedMetrics(event, fields, { broker: BROKER, now: 0 }) as Json;
    const { CloudWatchMetrics } = line._aws as Json;
    for (const { Namespace, Dimensions, Metrics } of listOf(CloudWatchMetrics)) {
      if (Namespace !== METRIC_NAMESPACE || line[BROKER_DIMENSION] !== BROKER) throw new Error(`${event} is elsewhere`);
      for (const { Name } of listOf(Metrics)) {
        const sets = emitted.get(String(Name)) ?? new Set();
        for (const set of Dimensions as readonly (readonly string[])[]) sets.add([...set].sort().join('+'));
        emitted.set(String(Name), sets);
      }
    }
  }
  return emitted;
};

/**
 * What CloudWatch would make of an expression: one period's values, `undefined` where nothing was counted. A formula over
 * something missing comes to nothing, unless that is filled.
 */
export const evaluate = (
  expression: string,
  values: Readonly<Record<string, number | undefined>>,
): number | undefined => {
  const unfilled = expression.replaceAll(/FILL\(\w+, \d+\)/g, '');
  const isMissing = ([name, value]: readonly [string, number | undefined]) =>
    value === undefined && new RegExp(`\\b${name}\\b`).test(unfilled);
  if (Object.entries(values).some(isMissing)) return undefined;
  const functions = {
    FILL: (value: number | undefined, instead: number) => value ?? instead,
    SUM: (all: readonly number[]) => all.reduce((sum, value) => sum + value, 0),
    IF: (condition: boolean, yes: number, no: number) => (condition ? yes : no),
  };
  const names = [...Object.keys(functions), ...Object.keys(values)];
  const result = new Function(...names, `return ${expression};`)(...Object.values(functions), ...Object.values(values));
  return Number.isFinite(result) ? result : undefined;
};

const isBad = ({ comparison, threshold }: AlarmRead, value: number): boolean => {
  if (comparison === 'GreaterThanThreshold') return value > threshold;
  if (comparison === 'GreaterThanOrEqualToThreshold') return value >= threshold;
  if (comparison !== 'LessThanThreshold') throw new Error(comparison);
  return value < threshold;
};

/** What was counted in one period: `Errors`, or of one kind or provider `TokensRefused/vault_unavailable`. */
export type Counts = Readonly<Record<string, number>>;

/** Whether a period is bad; undefined: nothing is known of it. */
export const badIn = (alarm: AlarmRead, counts: Counts): boolean | undefined => {
  const { metrics, expression } = alarm;
  const countOf = ({ name, dimensions: { Kind, Provider } }: MetricRead) => {
    const of = Kind ?? Provider;
    return counts[of === undefined ? name : `${name}/${of}`];
  };
  const values = Object.fromEntries(metrics.map((metric) => [metric.id ?? 'only', countOf(metric)]));
  const value = expression === undefined ? values.only : evaluate(expression, values);
  return value === undefined ? undefined : isBad(alarm, value);
};

/** So many periods before those that an alarm is about are read as well, as in the tables of the user guide. */
const READ_BESIDES = 2;

/**
 * The states that an alarm goes through, period after period (user guide, "How alarm state is evaluated when data is missing"):
 * of the periods that are read the last that tell something count, however old, and those that are missing only for what is
 * still wanting then.
 */
export const statesOf = (alarm: AlarmRead, history: readonly Counts[]): readonly ('OK' | 'ALARM')[] => {
  const { periods, missing } = alarm;
  const states: ('OK' | 'ALARM')[] = [];
  for (const end of history.keys()) {
    const read = history.slice(0, end + 1).slice(-(periods.of + READ_BESIDES));
    const told = read.flatMap((counts) => badIn(alarm, counts) ?? []).slice(-periods.of);
    const wanting = missing === 'breaching' ? Math.min(periods.of - told.length, read.length - told.length) : 0;
    const bad = told.filter(Boolean).length + wanting;
    const stays = missing === 'ignore' && told.length < periods.of;
    states.push(stays ? (states.at(-1) ?? 'OK') : bad >= periods.bad ? 'ALARM' : 'OK');
  }
  return states;
};

export interface WidgetRead {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly markdown: string;
  readonly query: string;
  readonly metrics: readonly MetricRead[];
  readonly expressions: readonly string[];
  readonly alarms: readonly string[];
}

/** `["Namespace", "Name", "Dimension", "value", …, {options}]`; `[{"expression": …}]` is none. */
const metricOfWidget = (row: readonly unknown[]): MetricRead | undefined => {
  const [namespace, name, ...rest] = row.filter((part) => typeof part === 'string');
  if (namespace === undefined || name === undefined) return undefined;
  const options = row.find((part): part is Json => typeof part === 'object' && part !== null) ?? {};
  const pairs = rest.flatMap((part, index) => (index % 2 === 0 ? [[part, rest[index + 1] ?? ''] as const] : []));
  const id = typeof options.id === 'string' ? options.id : undefined;
  return { id, namespace, name, dimensions: Object.fromEntries(pairs), statistic: String(options.stat) };
};

/** The dashboard's body as JSON, which CloudFormation puts together from parts. */
export const widgetsIn = (template: Template, resolved: Resolve): readonly WidgetRead[] => {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body: Json = JSON.parse(resolved(dashboard?.Properties.DashboardBody));
  return listOf(body.widgets).map(({ type, x, y, width, height, properties }) => {
    const of = properties as Json;
    const rows = Array.isArray(of.metrics) ? (of.metrics as readonly (readonly unknown[])[]) : [];
    return {
      ...{ type: String(type), x: Number(x), y: Number(y), width: Number(width), height: Number(height) },
      ...{ title: String(of.title ?? ''), markdown: String(of.markdown ?? ''), query: String(of.query ?? '') },
      metrics: rows.flatMap((row) => metricOfWidget(row) ?? []),
      expressions: rows.flatMap(([only]) => {
        const { expression } = (typeof only === 'object' ? only : {}) as Json;
        return typeof expression === 'string' ? [expression] : [];
      }),
      alarms: Array.isArray(of.alarms) ? of.alarms.map(String) : [],
    };
  });
};
