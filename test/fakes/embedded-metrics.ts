import assert from 'node:assert/strict';

/** One metric as CloudWatch would take it out of a log line: once for each combination of dimensions. */
export interface ExtractedMetric {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** `Broker=x`, or `Broker=x,Provider=y`. */
  readonly dimensions: string;
  readonly at: number;
}

type Json = Record<string, unknown>;

/** CloudWatch takes what is at most so far from now (user guide, "Embedded metric format specification", Timestamp). */
const PAST_MS = 14 * 86_400_000;
const FUTURE_MS = 2 * 3_600_000;

const UNITS = ['Count', 'Seconds'];

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const asObject = (value: unknown, ...members: readonly string[]): Json => {
  assert.ok(isObject(value), `${JSON.stringify(value)} is no object`);
  // "MUST NOT contain any additional members", but for the root.
  if (members.length > 0) assert.deepEqual(Object.keys(value).sort(), [...members].sort());
  return value;
};

const asText = (value: unknown, most: number): string => {
  assert.ok(typeof value === 'string' && value.length >= 1 && value.length <= most, `${JSON.stringify(value)} as text`);
  // API reference, Dimension: ASCII, and something to be seen.
  assert.match(value, /^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/);
  return value;
};

const asList = (value: unknown, most: number, least = 1): readonly unknown[] => {
  assert.ok(Array.isArray(value) && value.length >= least && value.length <= most, JSON.stringify(value));
  return value;
};

/**
 * What CloudWatch counts of a log line by its embedded metric format; throws where the line breaks the specification (user
 * guide, "Embedded metric format specification"), as CloudWatch would then count nothing, and say so nowhere near.
 */
export const extractMetrics = (line: string, now = Date.now()): readonly ExtractedMetric[] => {
  const root = asObject(JSON.parse(line));
  if (!('_aws' in root)) return [];
  assert.ok(Buffer.byteLength(line) <= 1024 * 1024, 'a log event has at most 1 MB');
  const { Timestamp, CloudWatchMetrics } = asObject(root._aws, 'Timestamp', 'CloudWatchMetrics');
  assert.ok(typeof Timestamp === 'number' && Number.isInteger(Timestamp), `the time ${Timestamp}`);
  assert.ok(Timestamp > now - PAST_MS && Timestamp < now + FUTURE_MS, `the time ${Timestamp} is too far from now`);
  return asList(CloudWatchMetrics, 100).flatMap((directive) => {
    const { Namespace, Dimensions, Metrics } = asObject(directive, 'Namespace', 'Dimensions', 'Metrics');
    assert.equal(asText(Namespace, 255), 'TokenBroker');
    const sets = asList(Dimensions, 100).map((set) => {
      const names = asList(set, 30, 0).map((name) => asText(name, 250));
      assert.equal(new Set(names).size, names.length, 'a dimension is there twice');
      return names.map((name) => `${name}=${asText(root[name], 1024)}`).join(',');
    });
    return asList(Metrics, 100).flatMap((metric) => {
      const { Name, Unit } = asObject(metric, 'Name', 'Unit');
      const [name, unit] = [asText(Name, 255), asText(Unit, 255)];
      assert.ok(UNITS.includes(unit), `the unit ${unit}`);
      const value = root[name];
      assert.ok(typeof value === 'number' && Number.isFinite(value), `${name} is ${value}`);
      return sets.map((dimensions) => ({ name, unit, value, dimensions, at: Timestamp }));
    });
  });
};
