import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { EVENT_METRICS, type EventMetric } from '../../shared/config/metrics.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import { type ExtractedMetric, extractMetrics } from '../fakes/embedded-metrics.ts';
import { linesWritten } from '../fakes/standard-output.ts';

const BROKER = 'my-broker';

const CATALOG: readonly (readonly [event: string, metrics: readonly EventMetric[]])[] = Object.entries(EVENT_METRICS);

const lineOf = (event: string, fields: LogFields): string => {
  const [line = '', ...others] = linesWritten(() => powertoolsLog('a-test', BROKER).info(event, fields));
  assert.deepEqual(others, []);
  return line;
};

/** `SubmissionSeconds=7 Seconds, Broker=my-broker`. */
const inWords = ({ name, value, unit, dimensions }: ExtractedMetric): string =>
  `${name}=${value} ${unit}, ${dimensions}`;

const countedOf = (event: string, fields: LogFields): readonly string[] =>
  extractMetrics(lineOf(event, fields)).map(inWords);

describe('a log line in the cloud', () => {
  for (const [event, metrics] of CATALOG) {
    const valued = metrics.flatMap(({ value }) => value ?? []);
    const by = metrics.flatMap((metric) => metric.by ?? []);
    const fields = {
      mailbox_id: 'mbx_1',
      ...Object.fromEntries(valued.map((field) => [field, 7])),
      ...Object.fromEntries(by.map(({ field }) => [field, `a ${field}`])),
    };

    it(`of ${event} is counted as the catalog says, and still says what it said`, () => {
      const before = Date.now();
      const line = lineOf(event, fields);
      const expected = metrics.flatMap(({ metric, unit, value, by: further }) => {
        const said = `${metric}=${value === undefined ? 1 : 7} ${unit}, Broker=${BROKER}`;
        return further === undefined ? [said] : [said, `${said},${further.dimension}=a ${further.field}`];
      });
      const counted = extractMetrics(line);
      assert.deepEqual(counted.map(inWords), expected);
      for (const { at } of counted) assert.ok(at >= before && at <= Date.now());
      const { message, service, level, ...rest } = JSON.parse(line);
      assert.deepEqual({ message, service, level }, { message: event, service: 'a-test', level: 'INFO' });
      for (const [name, value] of Object.entries(fields)) assert.equal(rest[name], value);
    });

    it(`of ${event} is not broken by what is missing or odd`, () => {
      const oddities: readonly LogFields[string][] = [undefined, '', '7', ' ', 'æ', 'x'.repeat(1025), Number.NaN, true];
      for (const odd of oddities) {
        const names = [...valued, ...by.map(({ field }) => field)];
        const counted = countedOf(event, { ...fields, ...Object.fromEntries(names.map((name) => [name, odd])) });
        // What each line counts as 1 is counted all the same, as a whole.
        const sure = metrics.filter(({ value }) => value === undefined);
        const expected = sure.map(({ metric }) => `${metric}=1 Count, Broker=${BROKER}`);
        const isDimension = odd === '7';
        const further = sure.flatMap((one) =>
          isDimension && one.by ? [`${one.metric}=1 Count, Broker=${BROKER},${one.by.dimension}=7`] : [],
        );
        assert.deepEqual([...counted].sort(), [...expected, ...further].sort(), JSON.stringify(odd));
      }
    });
  }

  it('counts no field that has the name of a metric, nor loses the metric to it', () => {
    const fields = { TokensIssued: 'many', Broker: 'another', Provider: 'nobody' };
    assert.deepEqual(countedOf('token.issued', fields), [`TokensIssued=1 Count, Broker=${BROKER}`]);
    assert.deepEqual(countedOf('grant.refresh_failed', { ...fields, provider: 'google' }), [
      `RefreshesFailed=1 Count, Broker=${BROKER}`,
      `RefreshesFailed=1 Count, Broker=${BROKER},Provider=google`,
    ]);
  });

  it('of an event that is not counted carries no metrics', () => {
    for (const event of ['notice.posted', 'constructor', 'toString']) {
      assert.doesNotMatch(lineOf(event, { seconds: 1 }), /_aws|Broker/, event);
    }
  });

  it('shows no secret in what is counted', () => {
    const line = lineOf('token.refused', { kind: 'Bearer made-up-by-shape', client_secret: 'made-up-by-name' });
    assert.doesNotMatch(line, /made-up/);
    assert.deepEqual(extractMetrics(line).map(inWords), [
      `TokensRefused=1 Count, Broker=${BROKER}`,
      `TokensRefused=1 Count, Broker=${BROKER},Kind=Bearer [redacted]`,
    ]);
  });
});
