import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeMetrics } from '../../../gateway/metrics.ts';
import { counter, gauge, histogram } from '../../../gateway/status/exposition.ts';
import { ERROR_KINDS } from '../../../shared/domain/errors.ts';
import { ADMIN, goodDay, NOW, statusOffice } from './status-support.ts';

interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  /** By name and labels, as written. */
  readonly samples: Map<string, number>;
}

/** One label of a sample: its value with the three escapes that the format has. */
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;

const checkLabels = (labels: string): void => {
  for (let rest = labels; rest !== ''; ) {
    const label = LABEL.exec(rest);
    assert.ok(label, `not labels: ${labels}`);
    rest = rest.slice(label[0].length);
  }
};

/** Strict, by the exposition format's own document: HELP, TYPE, then the samples of that family and no others. */
const parse = (text: string): Map<string, ParsedFamily> => {
  const families = new Map<string, ParsedFamily>();
  let help: readonly [name: string, text: string] | undefined;
  let current: readonly [name: string, family: ParsedFamily] | undefined;
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helped, words] = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/s.exec(line) ?? [];
    if (helped !== undefined) {
      help = [helped, words ?? ''];
      continue;
    }
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (typed !== undefined) {
      assert.equal(help?.[0], typed, `TYPE without HELP: ${typed}`);
      assert.ok(!families.has(typed), `twice: ${typed}`);
      current = [typed, { type: type ?? '', help: help[1], samples: new Map() }];
      families.set(...current);
      continue;
    }
    const [, name = '', , labels = '', value = ''] =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (-?[0-9.]+(?:e[+-]?\d+)?|NaN|[+-]Inf)$/s.exec(line) ?? [];
    assert.ok(name, `not a line of the format: ${line}`);
    assert.ok(current, `a sample before its TYPE: ${line}`);
    const [family, { type: kind, samples }] = current;
    const suffix = name.slice(family.length);
    assert.ok(name.startsWith(family), `${name} in the family ${family}`);
    assert.ok((kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']).includes(suffix), line);
    checkLabels(labels);
    const series = line.slice(0, line.lastIndexOf(' '));
    assert.ok(!samples.has(series), `twice: ${series}`);
    samples.set(series, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
  }
  return families;
};

const scrape = async (office = statusOffice()) => {
  const { status, headers, text } = await office.get('/metrics');
  assert.equal(status, 200);
  assert.equal(headers.get('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8');
  return parse(text);
};

const sampleOf = (families: Map<string, ParsedFamily>, family: string, labels = ''): number | undefined =>
  families.get(family)?.samples.get(`${family}${labels}`);

describe('the metrics', () => {
  it('tell how things stand', async () => {
    const families = await scrape();
    const value = (family: string, labels = '') => sampleOf(families, `mfp_gateway_${family}`, labels);
    assert.equal(value('info', '{version="1.2.3",way="direct"}'), 1);
    assert.equal(value('queue_messages', '{state="held"}'), 1);
    assert.equal(value('queue_messages', '{state="failed"}'), 0);
    assert.equal(value('queue_bytes'), 1_572_864);
    assert.equal(value('queue_oldest_seconds'), 7200);
    assert.equal(value('listener_up', '{listener="smtp-2525"}'), 1);
    assert.equal(value('broker_reachable'), 1);
    assert.equal(value('certificate_expiry_timestamp_seconds'), NOW + 100 * 86_400);
    assert.equal(value('spool_free_bytes'), 12_884_901_888);
    assert.equal(value('spool_writable'), 1);
    assert.equal(value('start_time_seconds'), NOW - 86_400);
  });

  it('are still told while the spool cannot be asked', async () => {
    const families = await scrape(statusOffice({ status: goodDay({ spool: () => Promise.reject(new Error('EIO')) }) }));
    assert.equal(sampleOf(families, 'mfp_gateway_spool_writable'), 0);
  });

  it('count what happens', async () => {
    const metrics = makeMetrics();
    metrics.smtp.connection('accepted');
    metrics.smtp.connection('refused');
    metrics.smtp.handshake('TLSv1');
    metrics.smtp.handshake('something new');
    metrics.smtp.signIn('accepted');
    metrics.smtp.signIn('invalid_client');
    metrics.smtp.signIn('invalid_client');
    metrics.smtp.message('accepted');
    metrics.smtp.message('gateway_full');
    metrics.proxy('pop3').signedIn();
    metrics.proxy('imap').refused('too_many_attempts');
    metrics.proxy('imap').turnedAway();
    metrics.proxy('pop3').ended({ bytes: 1, reconnects: 0 });
    metrics.delivery({ outcome: 'sent', way: 'relay', seconds: 4 });
    metrics.delivery({ outcome: 'deferred', way: 'direct', reason: 'provider_unavailable' });
    metrics.delivery({ outcome: 'failed', way: 'direct', reason: 'invalid_recipient' });
    const families = await scrape(statusOffice({ metrics }));
    const counts: readonly (readonly [family: string, labels: string, count: number])[] = [
      ['connections_total', '{protocol="smtp",outcome="accepted"}', 1],
      ['connections_total', '{protocol="smtp",outcome="refused"}', 1],
      ['connections_total', '{protocol="imap",outcome="refused"}', 1],
      ['tls_handshakes_total', '{version="TLSv1"}', 1],
      ['tls_handshakes_total', '{version="other"}', 1],
      ['tls_handshakes_total', '{version="TLSv1.3"}', 0],
      ['sign_ins_total', '{protocol="smtp",outcome="accepted"}', 1],
      ['sign_ins_total', '{protocol="smtp",outcome="invalid_client"}', 2],
      ['sign_ins_total', '{protocol="pop3",outcome="accepted"}', 1],
      ['sign_ins_total', '{protocol="imap",outcome="too_many_attempts"}', 1],
      ['messages_accepted_total', '', 1],
      ['messages_refused_total', '{reason="gateway_full"}', 1],
      ['messages_sent_total', '{way="relay"}', 1],
      ['messages_sent_total', '{way="direct"}', 0],
      ['messages_deferred_total', '{way="direct",reason="provider_unavailable"}', 1],
      ['messages_failed_total', '{way="direct",reason="invalid_recipient"}', 1],
    ];
    for (const [family, labels, count] of counts) {
      assert.equal(sampleOf(families, `mfp_gateway_${family}`, labels), count, `${family}${labels}`);
    }
    const duration = families.get('mfp_gateway_delivery_duration_seconds')?.samples;
    const bucket = (bound: string) => duration?.get(`mfp_gateway_delivery_duration_seconds_bucket{le="${bound}"}`);
    assert.deepEqual([bucket('2'), bucket('5'), bucket('+Inf')], [0, 1, 1]);
  });

  it('are few, whatever comes from the network', async () => {
    const metrics = makeMetrics();
    for (const kind of ERROR_KINDS) {
      metrics.smtp.signIn(kind);
      metrics.smtp.message(kind);
      for (const way of ['direct', 'relay'] as const) metrics.delivery({ outcome: 'failed', way, reason: kind });
    }
    for (let index = 0; index < 1000; index++) metrics.smtp.handshake(`made up ${index}`);
    const families = await scrape(statusOffice({ metrics }));
    const series = [...families.values()].reduce((sum, { samples }) => sum + samples.size, 0);
    assert.ok(series < ERROR_KINDS.length * 4 + 120, `${series} series`);
    for (const { samples } of families.values()) {
      for (const name of samples.keys()) assert.doesNotMatch(name, /dev_|mbx_|sub_|@|192\.168/);
    }
  });

  it('are all named for the gateway, with help, and counters end in _total', async () => {
    for (const [name, { type, help }] of await scrape()) {
      assert.match(name, /^mfp_gateway_[a-z_]+$/);
      assert.match(help, /^\S.*\.$/);
      assert.equal(type === 'counter', name.endsWith('_total'), name);
    }
  });

  it('need no password, unless that is set', async () => {
    const office = statusOffice({ protectMetrics: true });
    assert.equal((await office.get('/metrics')).status, 401);
    assert.equal((await office.get('/metrics', ADMIN)).status, 200);
  });
});

describe('the text format', () => {
  it('holds any value of a label', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (values) => {
        const counted = counter<{ readonly name: string }>('made_up_total', 'Made up.');
        for (const name of values) counted.add({ name });
        const samples = parse(counted.render()).get('made_up_total')?.samples;
        assert.equal(samples?.size, new Set(values).size);
      }),
      { examples: [[['\r', '\u2028', '\u2029', '\u0085', '"}', '\\', '\n']]] },
    );
  });

  it('holds any number, and help in several lines', () => {
    const numbers = [0, -1, 1e21, 1.5e-9, Number.POSITIVE_INFINITY, Number.NaN];
    const text = gauge(
      'made_up',
      'Two\nlines \\.',
      numbers.map((value, index) => [{ index: `${index}` }, value]),
    ).render();
    const family = parse(text).get('made_up');
    assert.deepEqual([...(family?.samples.values() ?? [])], numbers);
    assert.equal(family?.help, 'Two\\nlines \\\\.');
  });

  it('has buckets that rise, and a count and a sum that agree with what was observed', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true })), (values) => {
        const observed = histogram('made_up', 'Made up.', [1, 10, 50]);
        for (const value of values) observed.observe(value);
        const samples = parse(observed.render()).get('made_up')?.samples ?? new Map<string, number>();
        const within = (bound: number) => values.filter((value) => value <= bound).length;
        const buckets = [...samples].filter(([name]) => name.includes('_bucket')).map(([, count]) => count);
        assert.deepEqual(buckets, [within(1), within(10), within(50), values.length]);
        assert.equal(samples.get('made_up_count'), values.length);
        assert.equal(
          samples.get('made_up_sum'),
          values.reduce((sum, value) => sum + value, 0),
        );
      }),
    );
  });
});
