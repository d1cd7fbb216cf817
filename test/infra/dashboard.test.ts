import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TROUBLE_EVENTS } from '../../infra/observability/trouble.ts';
import { FUNCTIONS } from '../../scripts/build.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { METRIC_NAMESPACE } from '../../shared/config/metrics.ts';
import { logDelivery } from '../../shared/usecases/mail/log-delivery.ts';
import { alarmsIn, BROKER, emittedMetrics, type Json, type WidgetRead, widgetsIn } from './cloudwatch.ts';
import { synthesize } from './deployment.ts';

const deployment = synthesize({ publicUrl: 'https://mail.example.com', refreshConcurrency: '25' });
const widgets = widgetsIn(deployment.stateless, deployment.resolved);
const texts = widgets.filter(({ type }) => type === 'text');
const list = widgets.find(({ type }) => type === 'log');
assert.ok(list);

/** What stands below a question, down to the next one. */
const rowOf = (asked: string): readonly WidgetRead[] => {
  const from = texts.findIndex(({ markdown }) => markdown.startsWith(`## ${asked}\n`));
  const [question, next] = texts.slice(from);
  assert.ok(from >= 0 && question, asked);
  return widgets.filter(
    ({ type, y }) => type !== 'text' && y > question.y && y < (next?.y ?? Number.POSITIVE_INFINITY),
  );
};

const namesIn = (row: readonly WidgetRead[]): readonly string[] =>
  row.flatMap(({ metrics, expressions }) => [
    ...metrics.map(({ name }) => name),
    ...expressions.flatMap((text) => /MetricName="(\w+)"/.exec(text)?.[1] ?? []),
  ]);

describe('the dashboard', () => {
  it('asks its questions in the order in which somebody does who was called at night, and says how to read the answers', () => {
    const asked = texts.map(({ markdown }) => /^## (.+\?)\n(.{60,})$/s.exec(markdown)?.[1]);
    assert.deepEqual(asked, [
      'Are devices getting tokens?',
      'Which mailboxes are in trouble?',
      'Is mail flowing?',
      'Is the machinery well?',
    ]);
  });

  it('has a name of its own in each region of an account', () => {
    const [dashboard] = Object.values(deployment.stateless.findResources('AWS::CloudWatch::Dashboard'));
    assert.equal(deployment.resolved(dashboard?.Properties.DashboardName), `${BROKER}-<AWS::Region>`);
  });

  it('answers each of them below it', () => {
    const answers = {
      'Are devices getting tokens?': ['TokensIssued', 'TokensRefused', 'Duration', 'Latency', '5xx', 'AttemptsRefused'],
      'Which mailboxes are in trouble?': [
        ...['GrantsInvalidated', 'GrantsExpiring', 'RefreshesFailed', 'OldestDueSeconds', 'ProviderPauseMinutes'],
      ],
      'Is mail flowing?': [
        ...[
          'SubmissionsAccepted',
          'SubmissionsRelayed',
          'SubmissionsSent',
          'SubmissionsFailed',
          'OutboxesHeld',
          'SubmissionSeconds',
        ],
        ...['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
      ],
      'Is the machinery well?': ['Errors', 'Throttles', 'Duration', 'ConcurrentExecutions', 'WriteThrottleEvents'],
    };
    for (const [question, metrics] of Object.entries(answers)) {
      const shown = namesIn(rowOf(question));
      for (const metric of metrics) assert.ok(shown.includes(metric), `${question} ${metric}`);
    }
  });

  it('shows every metric that is counted, and none that is not', () => {
    const emitted = emittedMetrics();
    const shown = new Set(namesIn(widgets));
    // How long a refresh takes is for those who measure.
    for (const name of emitted.keys()) assert.ok(shown.has(name) || name === 'RefreshSeconds', name);
    for (const { namespace, name, dimensions } of widgets.flatMap(({ metrics }) => metrics)) {
      if (namespace !== METRIC_NAMESPACE) continue;
      assert.equal(dimensions.Broker, BROKER);
      assert.ok(emitted.get(name)?.has(Object.keys(dimensions).sort().join('+')), name);
    }
    const searches = widgets.flatMap(({ expressions }) => expressions).filter((text) => text.startsWith('SEARCH'));
    assert.equal(searches.length, 4);
    for (const search of searches) {
      const form = /^SEARCH\('\{TokenBroker,([\w,]+)\} MetricName="(\w+)" Broker="token-broker"', 'Sum', \d+\)$/;
      const [, schema = '', name = ''] = form.exec(search) ?? [];
      assert.ok(emitted.get(name)?.has(schema.split(',').sort().join('+')), search);
    }
  });

  it('shows every function, and only what is deployed', () => {
    const deployed = new Set(
      [...deployment.templates.values()].flatMap((template) => Object.keys(template.toJSON().Resources)),
    );
    const machinery = rowOf('Is the machinery well?').flatMap(({ metrics }) => metrics);
    for (const metric of ['Errors', 'Throttles', 'Duration']) {
      const shown = machinery.filter(({ name }) => name === metric).map(({ dimensions }) => dimensions.FunctionName);
      assert.deepEqual(shown.sort(), FUNCTIONS.map((name) => `<${deployment.lambdaOf(name).logicalId}>`).sort());
    }
    for (const { dimensions } of widgets.flatMap(({ metrics }) => metrics)) {
      const references = Object.values(dimensions).flatMap((value) => /^<([\w:]+)(?:\.\w+)?>$/.exec(value)?.[1] ?? []);
      for (const reference of references) assert.ok(deployed.has(reference), reference);
    }
  });

  it('shows the state of every alarm, leads to the console, and lets no widget lie over another', () => {
    const shown = widgets.flatMap(({ alarms }) => alarms);
    assert.equal(shown.length, alarmsIn(deployment.stateless, deployment.resolved).length);
    assert.match(texts[1]?.markdown ?? '', /\[console\]\(https:\/\/mail\.example\.com\/\)/);
    const taken = new Set<string>();
    for (const { x, y, width, height, title } of widgets) {
      assert.ok(x + width <= 24, title);
      for (let column = x; column < x + width; column++) {
        for (let line = y; line < y + height; line++) {
          const place = `${column} ${line}`;
          assert.ok(!taken.has(place), `${title} at ${place}`);
          taken.add(place);
        }
      }
    }
  });

  it('draws the limit of the refreshers where they have one', () => {
    const limitIn = ({ stateless, resolved }: typeof deployment) => {
      const [dashboard] = Object.values(stateless.findResources('AWS::CloudWatch::Dashboard'));
      const body = JSON.parse(resolved(dashboard?.Properties.DashboardBody)) as { widgets: { properties: Json }[] };
      return body.widgets.find(({ properties }) => properties.title === 'Refreshers at work')?.properties.annotations;
    };
    assert.deepEqual(limitIn(deployment), { horizontal: [{ value: 25, label: 'allowed', yAxis: 'left' }] });
    assert.equal(limitIn(synthesize({ refreshConcurrency: 'unreserved' })), undefined);
  });
});

describe('the list of mailboxes in trouble', () => {
  const query = list.query;
  const [sources = '', ...steps] = query
    .split('\n| ')
    .flatMap((part, index) => (index === 0 ? part.split(' | ') : part));

  it('reads the logs of the functions that say so', () => {
    const groups = [...query.matchAll(/SOURCE '<(\w+)>'/g)].map(([, logicalId]) => logicalId ?? '');
    const logGroups = deployment.stateless.findResources('AWS::Logs::LogGroup');
    assert.deepEqual(
      groups.map((logicalId) => logGroups[logicalId]?.Properties.LogGroupName),
      ['refresh-grants-worker', 'sign-in', 'relay-mail-send', 'relay-mail-gateway'].map(
        (name) => `/aws/lambda/token-broker-${name}`,
      ),
    );
    assert.ok(sources.startsWith('SOURCE'));
  });

  it('asks for events that the code logs with the id of a mailbox', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const code = globSync('shared/usecases/**/*.ts', { cwd: root }).map((file) =>
      readFileSync(`${root}/${file}`, 'utf8'),
    );
    for (const event of [...TROUBLE_EVENTS, 'grant.refresh_failed']) {
      assert.ok(query.includes(`'${event}'`), event);
      // `outbox.held` and `submission.failed` are put together, and looked at below.
      if (/^(outbox|submission)\./.test(event)) continue;
      const source = code.find((text) => text.includes(`('${event}'`));
      assert.match(source ?? '', /mailbox_id: (mailbox\.)?id\b/, event);
    }
  });

  it('reads the fields that the log adapter writes', () => {
    const [held, failed] = linesOf((log) => {
      const stop = { cause: 'hold', reason: 'smtp_switched_off', response: '535', since: 0, until: 1 } as const;
      logDelivery(log).outbox('mbx_1', {}, { stop });
      const status = { state: 'failed', reason: 'invalid_recipient' };
      logDelivery(log).submission({ id: 'sub_1', mailboxId: 'mbx_1', status, attempts: 1, rejected: [] } as never);
    });
    assert.deepEqual(shown(held), { message: 'outbox.held', mailbox_id: 'mbx_1', reason: 'smtp_switched_off' });
    assert.deepEqual(shown(failed), { message: 'submission.failed', mailbox_id: 'mbx_1', reason: 'invalid_recipient' });
    const fields = ['mailbox_id', 'message', 'reason', 'kind', 'code', 'why', 'times', 'last'];
    const text = steps.join(' ').replaceAll(/'[^']*'|\/[^/]*\//g, '');
    const keywords = /^(fields|as|filter|stats|sort|limit|by|in|and|or|like|desc|coalesce|ispresent|max|count)$/;
    for (const [word] of text.matchAll(/(?<![@\w])[a-z_]+/g))
      assert.ok(keywords.test(word) || fields.includes(word), word);
  });
});

const shown = ({ message, mailbox_id, reason }: Json = {}) => ({ message, mailbox_id, reason });

/** What the log adapter writes to standard output meanwhile. */
const linesOf = (work: (log: ReturnType<typeof powertoolsLog>) => void): readonly Json[] => {
  const written: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = ((chunk: unknown) => written.push(String(chunk)) > 0) as typeof write;
  const error = process.stderr.write;
  process.stderr.write = process.stdout.write;
  try {
    work(powertoolsLog('test', BROKER));
  } finally {
    process.stdout.write = write;
    process.stderr.write = error;
  }
  return written.flatMap((text) => text.trim().split('\n')).map((line) => JSON.parse(line));
};
