import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { BROKERS_FAULT } from '../../infra/observability/alarms/tokens.ts';
import { PROVIDERS as WATCHED_PROVIDERS } from '../../infra/observability/watched.ts';
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { METRIC_NAMESPACE } from '../../shared/config/metrics.ts';
import { ERROR_KINDS, passesByItself } from '../../shared/domain/errors.ts';
import { PROVIDERS } from '../../shared/domain/provider.ts';
import {
  type AlarmRead,
  alarmsIn,
  BROKER,
  badIn,
  type Counts,
  emittedMetrics,
  type MetricRead,
  statesOf,
} from './cloudwatch.ts';
import { synthesize } from './deployment.ts';

const ADDRESS = 'operator@example.com';
const LEGACY = {
  name: 'old.example.com',
  certificateArn: 'arn:aws:acm:eu-central-1:111122223333:certificate/00000000-1111-2222-3333-444444444444',
};
const GATEWAY = {
  hostName: 'mail.example.com',
  allowFrom: ['203.0.113.0/24'],
  enrolmentTokenSecret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:enrolment-AbCdEf',
};

/** With everything that has alarms. */
const deployment = synthesize({ notificationAddress: ADDRESS, legacyTls: LEGACY, smtpGateway: GATEWAY, tracing: 'on' });
const plain = synthesize();
const { stateless, stateful } = deployment;

const alarms = alarmsIn(stateless, deployment.resolved);
const byDefault = alarmsIn(plain.stateless, plain.resolved);
/** Its dimensions are cut out of an ARN; they are looked at by themselves. */
const gatewayStack = deployment.templates.get(`${BROKER}-smtp-gateway`);
assert.ok(gatewayStack);
const [gateway] = alarmsIn(gatewayStack, (value) => JSON.stringify(value));
assert.ok(gateway);
const all: readonly AlarmRead[] = [...alarms, gateway];

const alarm = (id: string): AlarmRead => {
  const found = all.find((one) => one.id === id);
  assert.ok(found, `no alarm ${id}`);
  return found;
};

/** Whether a period with these counts is bad. */
const goesOff = (id: string, counts: Counts): boolean | undefined => badIn(alarm(id), counts);

/** The alarm's states, period after period. */
const states = (id: string, history: readonly Counts[]) => statesOf(alarm(id), history).join(' ');

describe('metrics of alarms', () => {
  const emitted = emittedMetrics();

  for (const { id, metrics } of alarms) {
    it(`are written by somebody: ${id}`, () => {
      assert.ok(metrics.length > 0);
      for (const metric of metrics) assertWritten(metric);
    });
  }

  const assertWritten = ({ namespace, name, dimensions }: MetricRead): void => {
    const set = Object.keys(dimensions).sort().join('+');
    if (namespace === METRIC_NAMESPACE) {
      assert.ok(emitted.get(name)?.has(set), `nothing counts ${name} by ${set}`);
      assert.equal(dimensions.Broker, BROKER);
      if (dimensions.Kind)
        assert.ok(
          ERROR_KINDS.some((kind) => kind === dimensions.Kind),
          dimensions.Kind,
        );
      if (dimensions.Provider) assert.ok(PROVIDERS.some((provider) => provider === dimensions.Provider));
      return;
    }
    assert.ok(AWS_METRICS[namespace]?.includes(set), `${namespace} ${name} has no dimensions ${set}`);
    for (const [dimension, value] of Object.entries(dimensions)) assertExists(namespace, dimension, value);
  };
});

/** Under which sets of dimensions the services count (their pages in the user guides). */
const AWS_METRICS: Readonly<Record<string, readonly string[]>> = {
  'AWS/Lambda': ['FunctionName'],
  'AWS/SQS': ['QueueName'],
  'AWS/DynamoDB': ['TableName', 'GlobalSecondaryIndexName+TableName', 'Operation+TableName'],
  'AWS/ApiGateway': ['ApiId', 'ApiName'],
};

const assertExists = (namespace: string, dimension: string, value: string): void => {
  const inTemplates = [...deployment.templates.values()].flatMap((template) =>
    Object.entries(template.toJSON().Resources),
  );
  const named = inTemplates.find(([logicalId]) => value === `<${logicalId}>` || value === `<${logicalId}.QueueName>`);
  const type = (named?.[1] as { Type?: string } | undefined)?.Type;
  const expected: Readonly<Record<string, string>> = {
    FunctionName: 'AWS::Lambda::Function',
    QueueName: 'AWS::SQS::Queue',
    TableName: 'AWS::DynamoDB::Table',
    ApiId: 'AWS::ApiGatewayV2::Api',
  };
  if (dimension in expected) assert.equal(type, expected[dimension], `${namespace}: ${value}`);
  else if (dimension === 'ApiName') {
    stateless.hasResourceProperties('AWS::ApiGateway::RestApi', { Name: value });
  } else if (dimension === 'GlobalSecondaryIndexName') {
    stateful.hasResourceProperties('AWS::DynamoDB::Table', {
      GlobalSecondaryIndexes: Match.arrayWith([Match.objectLike({ IndexName: value })]),
    });
  } else {
    const commands = readFileSync(new URL('../../shared/adapters/dynamodb/dynamodb-table.ts', import.meta.url), 'utf8');
    assert.match(commands, new RegExp(`new ${value}Command`));
  }
};

describe('alarms', () => {
  it('watch every function for errors and throttles, and no function that does not exist', () => {
    for (const name of FUNCTIONS) {
      const id = hyphened(name);
      const { logicalId } = deployment.lambdaOf(name);
      for (const watched of [`${id}-errors`, `${id}-throttles`]) {
        for (const { dimensions } of alarm(watched).metrics) assert.equal(dimensions.FunctionName, `<${logicalId}>`);
      }
    }
    const watched = alarms.filter(({ id }) => /-(errors|throttles|duration)$/.test(id)).map(({ id }) => id);
    const known = [...FUNCTIONS.map(hyphened), 'api', 'legacy-api', 'table'];
    for (const id of watched) assert.ok(known.includes(id.replace(/-\w+$/, '')), id);
  });

  it('hold slow functions against what devices wait, or the time-outs that they are deployed with', () => {
    const awaited: readonly string[] = ['fetch-token', 'relay-mail/gateway'];
    for (const { id, threshold, description } of alarms.filter(({ id }) => id.endsWith('-duration'))) {
      const name = FUNCTIONS.find((one) => id === `${hyphened(one)}-duration`);
      assert.ok(name, id);
      if (awaited.includes(name)) {
        assert.equal(threshold, 10_000);
        assert.match(description, /more than 10 seconds/);
        continue;
      }
      // API Gateway tells a browser after 30 seconds, whatever the function goes on to do.
      const seconds = name === 'sign-in' ? 29 : Number(deployment.lambdaOf(name as FunctionName).properties.Timeout);
      assert.equal(threshold, Math.round(0.8 * seconds * 1000), id);
    }
  });

  it('take silence for bad where something is to run every minute, and nowhere else', () => {
    assert.deepEqual(
      all
        .filter(({ missing }) => missing === 'breaching')
        .map(({ id }) => id)
        .sort(),
      ['notify-not-running', 'smtp-gateway-down', 'sweep-not-running'],
    );
    for (const [id, name] of [
      ['sweep-not-running', 'refresh-grants/sweep'],
      ['notify-not-running', 'notify'],
    ] as const) {
      const [metric] = alarm(id).metrics;
      assert.equal(metric?.name, 'Invocations');
      assert.equal(metric?.dimensions.FunctionName, `<${deployment.lambdaOf(name).logicalId}>`);
      assert.equal(goesOff(id, { Invocations: 0 }), true);
      assert.equal(goesOff(id, { Invocations: 1 }), false);
    }
  });

  it('take what is silent for what it is at once, however much was told before', () => {
    for (const one of all.filter(({ missing }) => missing !== 'ignore')) {
      assert.equal(badIn(one, {}), one.missing === 'breaching', one.id);
    }
  });

  it('tell within ten minutes that nothing runs, and after the first run that it is over', () => {
    for (const [id, name] of [
      ['sweep-not-running', 'Invocations'],
      ['notify-not-running', 'Invocations'],
      ['smtp-gateway-down', 'HealthyHostCount'],
    ] as const) {
      const runs = { [name]: 1 };
      assert.equal(states(id, [runs, runs, runs, runs, {}, {}, {}, runs]), 'OK OK OK OK OK ALARM ALARM OK', id);
    }
  });

  it('tell again of what happens again, once its period is over', () => {
    for (const [id, name] of [
      ['registration-refused', 'AppRegistrationsRefused'],
      ['client-secret-expiring', 'ClientSecretsExpiring'],
      ['config-not-reloaded', 'ConfigsNotReloaded'],
      ['refresh-token-not-stored', 'RefreshTokensNotStored'],
      ['request-crashed', 'RequestsCrashed'],
      ['grants-invalid', 'GrantsInvalidated'],
      ['outboxes-held', 'OutboxesHeld'],
    ] as const) {
      const happens = { [name]: 3 };
      assert.equal(states(id, [{}, happens, {}, happens, {}]), 'OK ALARM OK ALARM OK', id);
    }
  });

  it('stay as they are while nobody touches a queue of dead letters', () => {
    assert.deepEqual(
      all.filter(({ missing }) => missing === 'ignore').map(({ id }) => id),
      ['grant-dead-letters', 'mail-dead-letters'],
    );
    const [lies, empty] = [1, 0].map((ApproximateNumberOfMessagesVisible) => ({ ApproximateNumberOfMessagesVisible }));
    assert.ok(lies && empty);
    assert.equal(
      states('mail-dead-letters', [empty, lies, {}, {}, {}, {}, empty]),
      'OK ALARM ALARM ALARM ALARM ALARM OK',
    );
  });

  it('let a message be in the hands of a function that died before it counts as old', () => {
    const visibility = (queue: string) =>
      Number(deployment.data('AWS::SQS::Queue', queue).Properties.VisibilityTimeout);
    assert.ok(alarm('grant-queue-age').threshold > visibility('GrantQueue'));
    // A run that takes as long as it may, and one more after a crash.
    assert.ok(alarm('mail-queue-age').threshold > 2 * visibility('MailQueue'));
  });

  it('watch each provider that there is, and know the kinds that neither device nor owner can mend', () => {
    assert.deepEqual(Object.keys(WATCHED_PROVIDERS), [...PROVIDERS]);
    const passing = ERROR_KINDS.filter((kind) => passesByItself({ kind }));
    // Not the reason that a token is refused for: of mail, of gateways, and of what is thrown and counted as crashed.
    const elsewhere = ['mail_server_unavailable', 'broker_unreachable', 'store_unavailable'];
    assert.deepEqual([...BROKERS_FAULT].sort(), passing.filter((kind) => !elsewhere.includes(kind)).sort());
  });

  it('look at no more than ten metrics each, and at each that they have', () => {
    for (const { id, metrics, expression } of all) {
      // The most that CloudWatch takes in an expression (user guide, "Limits").
      assert.ok(metrics.length <= 10, id);
      if (expression === undefined) assert.equal(metrics.length, 1, id);
      else for (const metric of metrics) assert.match(expression, new RegExp(`\\b${metric.id}\\b`), id);
    }
  });
});

describe('a small fleet and a large one', () => {
  const REFRESHES = { small: 100, large: 100_000 };

  it('have a burst of sign-ins that end at 4 of 100 mailboxes in an hour, and at 101 of 100,000', () => {
    const ended = (GrantsInvalidated: number, GrantsRefreshed: number) =>
      goesOff('grants-invalid', { GrantsInvalidated, GrantsRefreshed });
    assert.equal(ended(3, REFRESHES.small), false);
    assert.equal(ended(4, REFRESHES.small), true);
    assert.equal(ended(100, REFRESHES.large), false);
    assert.equal(ended(101, REFRESHES.large), true);
    // Two are chance, however few mailboxes there are.
    assert.equal(ended(2, 2), false);
    assert.equal(ended(3, 0), true);
  });

  it('have a burst of held mailboxes by the same measure', () => {
    const held = (OutboxesHeld: number, GrantsRefreshed: number) =>
      goesOff('outboxes-held', { OutboxesHeld, GrantsRefreshed });
    assert.deepEqual([held(3, 100), held(4, 100), held(100, 100_000), held(101, 100_000)], [false, true, false, true]);
  });

  it('are refused tokens by a part of all that ask, and not by one device that asks again and again', () => {
    const refused = (kind: string, count: number, TokensIssued: number) =>
      goesOff('tokens-refused', { [`TokensRefused/${kind}`]: count, TokensIssued });
    assert.equal(refused('vault_unavailable', 4, 0), false);
    assert.equal(refused('vault_unavailable', 5, 0), true);
    assert.equal(refused('provider_unavailable', 300, 7000), false);
    assert.equal(refused('provider_unavailable', 400, 7000), true);
    // It is the owner's to sign in again, and the administrator's to bind a slot.
    assert.equal(refused('sign_in_lapsed', 500, 10), false);
  });

  it('have refreshes that fail by a part of all, at the provider that fails', () => {
    const failed = (count: number, good: number) =>
      goesOff('refreshes-failed-google', { 'RefreshesFailed/google': count, 'GrantsRefreshed/google': good });
    assert.deepEqual([failed(4, 0), failed(5, 15), failed(6, 15), failed(500, 2000)], [false, false, true, false]);
    assert.equal(
      goesOff('refreshes-failed-google', { 'RefreshesFailed/microsoft': 50, 'GrantsRefreshed/google': 1 }),
      false,
    );
  });

  it('have errors of the API, of busy functions and of messages by a part of all', () => {
    assert.equal(goesOff('api-errors', { '5xx': 4, Count: 4 }), false);
    assert.equal(goesOff('api-errors', { '5xx': 5, Count: 200 }), true);
    assert.equal(goesOff('api-errors', { '5xx': 140, Count: 7000 }), false);
    assert.equal(goesOff('fetch-token-errors', { Errors: 2, Invocations: 2 }), false);
    assert.equal(goesOff('fetch-token-errors', { Errors: 3, Invocations: 100 }), true);
    assert.equal(goesOff('fetch-token-errors', { Errors: 200, Invocations: 21_000 }), false);
    assert.equal(goesOff('submissions-failed', { SubmissionsFailed: 9, SubmissionsSent: 0 }), false);
    assert.equal(goesOff('submissions-failed', { SubmissionsFailed: 30, SubmissionsSent: 180 }), true);
  });

  it('have mail that does not flow where less than half of it is sent, and enough is accepted to tell', () => {
    assert.equal(goesOff('mail-not-flowing', { SubmissionsAccepted: 180, SubmissionsRelayed: 80 }), true);
    assert.equal(goesOff('mail-not-flowing', { SubmissionsAccepted: 180, SubmissionsRelayed: 100 }), false);
    // What gateways sent was never accepted here.
    assert.equal(goesOff('mail-not-flowing', { SubmissionsAccepted: 180, SubmissionsSent: 500 }), true);
    assert.equal(goesOff('mail-not-flowing', { SubmissionsAccepted: 20 }), true);
    assert.equal(goesOff('mail-not-flowing', { SubmissionsAccepted: 4 }), false);
  });
});

describe('mail that does not flow', () => {
  /** Messages in each half hour. */
  const flow = (...halves: readonly (readonly [accepted: number, sent: number])[]) =>
    states(
      'mail-not-flowing',
      halves.map(([SubmissionsAccepted, SubmissionsRelayed]) => ({ SubmissionsAccepted, SubmissionsRelayed })),
    );

  it('is told of when nothing has gone for an hour, and when it goes again that it is over', () => {
    assert.equal(flow([20, 20], [20, 0], [20, 0], [20, 60]), 'OK OK ALARM OK');
  });

  it('is not what has just come in, nor many messages at once at the pace of one mailbox', () => {
    assert.equal(flow([0, 0], [5, 0], [0, 5]), 'OK OK OK');
    // 1,000 at 30 a minute: the half hour ends a minute after they came.
    assert.equal(flow([1000, 30], [10, 900], [0, 80]), 'OK OK OK');
  });
});

describe('a pause of a provider', () => {
  /** Minutes of each quarter of an hour. */
  const paused = (...quarters: readonly number[]) =>
    states(
      'provider-paused-google',
      quarters.map((minutes) => ({ 'ProviderPauseMinutes/google': minutes, 'ProviderPauseMinutes/microsoft': 7 })),
    );

  it('is told of after half an hour, whether it was asked for at once or is prolonged by fault after fault', () => {
    assert.equal(paused(0, 15, 15, 0), 'OK OK ALARM OK');
    assert.equal(paused(0, 9, 12, 13), 'OK OK ALARM ALARM');
  });

  it('is not told of where a provider asks for a minute now and then, nor for another one', () => {
    assert.equal(paused(7, 7, 7, 7), 'OK OK OK OK');
  });
});

describe('whom alarms are told to', () => {
  it('is the address that was set, by one topic, from the alarms of every stack', () => {
    stateless.resourceCountIs('AWS::SNS::Topic', 1);
    const [[topic, { Properties }] = ['', { Properties: {} }]] = Object.entries(
      stateless.findResources('AWS::SNS::Topic'),
    );
    assert.equal(Properties.TopicName, 'token-broker-alarms');
    for (const { id, actions } of alarms) assert.deepEqual(actions, [`<${topic}>`], id);
    assert.match(gateway.actions.join(), /Fn::GetStackOutput.*AlarmTopic/);
    stateless.resourceCountIs('AWS::SNS::Subscription', 1);
    stateless.hasResourceProperties('AWS::SNS::Subscription', {
      ...{ Protocol: 'email', Endpoint: ADDRESS, TopicArn: { Ref: topic } },
    });
  });

  it('is nobody where none was set; the alarms are there all the same', () => {
    plain.stateless.resourceCountIs('AWS::SNS::Topic', 0);
    plain.stateless.resourceCountIs('AWS::KMS::Key', 0);
    assert.deepEqual(
      byDefault.flatMap(({ actions, okActions }) => [...actions, ...okActions]),
      [],
    );
    assert.deepEqual(
      byDefault.map(({ id }) => id),
      alarms.map(({ id }) => id).filter((id) => !id.startsWith('legacy-')),
    );
  });

  it('hears that something is over only where silence means that', () => {
    const silent = all.filter(({ okActions }) => okActions.length === 0).map(({ id }) => id);
    assert.deepEqual(silent.sort(), [
      'client-secret-expiring',
      'config-not-reloaded',
      'grants-invalid',
      'outboxes-held',
      'refresh-token-not-stored',
      'registration-refused',
      'request-crashed',
    ]);
  });

  it('may be told by CloudWatch for the alarms of this broker in this account, over TLS', () => {
    const [policy] = Object.values(stateless.findResources('AWS::SNS::TopicPolicy'));
    const statements: readonly Statement[] = policy?.Properties.PolicyDocument.Statement;
    const [allowed, ...more] = statements.filter(({ Effect }) => Effect === 'Allow');
    assert.ok(allowed);
    assert.deepEqual(more, []);
    assert.deepEqual(allowed.Principal, { Service: 'cloudwatch.amazonaws.com' });
    assert.equal(allowed.Action, 'sns:Publish');
    assert.deepEqual(Object.keys(allowed.Condition), ['StringEquals', 'ArnLike']);
    assert.match(
      deployment.resolved(allowed.Condition.ArnLike?.['aws:SourceArn']),
      /:cloudwatch:.*:alarm:token-broker-\*$/,
    );
    const denied = statements.find(({ Effect }) => Effect === 'Deny');
    assert.deepEqual(denied?.Condition, { Bool: { 'aws:SecureTransport': 'false' } });
  });

  it('is told through a key that CloudWatch may use, which the key of SNS itself does not let it', () => {
    const [[key, { Properties, DeletionPolicy }] = ['', { Properties: {}, DeletionPolicy: '' }]] = Object.entries(
      stateless.findResources('AWS::KMS::Key'),
    );
    stateless.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: { 'Fn::GetAtt': [key, 'Arn'] } });
    assert.equal(Properties.EnableKeyRotation, true);
    assert.equal(DeletionPolicy, 'Delete');
    const statements: readonly Statement[] = Properties.KeyPolicy.Statement;
    const user = statements.find(({ Principal }) => JSON.stringify(Principal).includes('cloudwatch.amazonaws.com'));
    assert.deepEqual(user?.Action, ['kms:Decrypt', 'kms:GenerateDataKey*']);
  });
});

interface Statement {
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Action: unknown;
  readonly Condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const manual = readFileSync(new URL('../../docs/aws-alarms.md', import.meta.url), 'utf8');
const sections = new Map(
  manual
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
);

describe('the description of an alarm', () => {
  for (const { id, description } of all) {
    it(`says what to do, and names a section that knows the alarm: ${id}`, () => {
      // The longest that CloudWatch takes (API reference, PutMetricAlarm).
      assert.ok(description.length <= 1024);
      const said = /^Act (at once|today)\. .+\. More in docs\/aws-alarms\.md, section "(.+)"\.$/s.exec(description);
      assert.ok(said, description);
      const section = sections.get(said[2] ?? '');
      assert.ok(section, `no section "${said[2]}"`);
      const named = FUNCTIONS.find((name) => `${hyphened(name)}-${id.replace(/^.*-/, '')}` === id);
      const shortened = named !== undefined && !section.includes(id) ? id.replace(/^.*-/, '…-') : id;
      assert.match(section, new RegExp(`\`${shortened}\``));
      for (const part of ['- **Clears**']) assert.ok(section.includes(part), `${said[2]} has no "${part}"`);
    });
  }

  it('is short enough to be read in a mail, and in whole sentences', () => {
    for (const { id, description } of all) {
      assert.ok(description.length < 500, id);
      assert.doesNotMatch(description, /undefined|\[object|NaN|\$\{/, id);
    }
  });
});

describe('docs/aws-alarms.md', () => {
  it('names no alarm that does not exist', () => {
    const known = new Set(all.map(({ id }) => id));
    const lines = [...manual.matchAll(/^Alarms?: (.+?\.(?= |\n))/gms)].map(([, line]) => line ?? '');
    const named = lines.flatMap((line) => [...line.matchAll(/`([a-z…-]+)`/g)].map(([, id]) => id ?? ''));
    assert.ok(named.length > 25, `${named.length}`);
    for (const id of named) {
      assert.ok(known.has(id) || (id.startsWith('…') && [...known].some((one) => one.endsWith(id.slice(1)))), id);
    }
    const silenced = [...manual.matchAll(/--alarm-names (.+)$/gm)].flatMap(([, names]) => (names ?? '').split(' '));
    for (const name of silenced) assert.ok(known.has(name.replace(`${BROKER}-`, '')), name);
  });

  it('asks the logs for events that there are', () => {
    const operations = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const queries = [...manual.matchAll(/filter message (?:= |in \[)("[^\n|\]]+")/g)].map(([, events]) => events ?? '');
    const events = queries.flatMap((query) => [...query.matchAll(/"([a-z_.]+)"/g)].map(([, event]) => event ?? ''));
    assert.ok(events.length > 12);
    for (const event of events) assert.ok(operations.includes(`\`${event}\``), event);
  });

  it('names functions as they are called in AWS', () => {
    const called = [...manual.matchAll(/--function-name token-broker-([a-z-]+)/g)].map(([, name]) => name);
    assert.ok(called.length > 4);
    for (const name of called)
      assert.ok(
        FUNCTIONS.some((one) => hyphened(one) === name),
        name,
      );
    for (const name of FUNCTIONS) assert.match(manual, new RegExp(`\`${hyphened(name)}\``), name);
    const refreshers = plain.lambdaOf('refresh-grants/worker').properties.ReservedConcurrentExecutions;
    assert.match(manual, new RegExp(`refresh-grants-worker --reserved-concurrent-executions ${refreshers}\n`));
  });

  it('says how many alarms and metrics of theirs are paid for', () => {
    const figure = (name: string) => Number(new RegExp(`<!-- ${name} -->(\\d+)<!-- /${name} -->`).exec(manual)?.[1]);
    assert.equal(figure('alarms'), byDefault.length);
    assert.equal(figure('alarm-metrics'), byDefault.flatMap(({ metrics }) => metrics).length);
  });
});

describe('the alarm of the SMTP gateway', () => {
  it('goes off when the load balancer finds nobody healthy, or no target at all', () => {
    const [metric] = gateway.metrics;
    assert.equal(`${metric?.namespace} ${metric?.name}`, 'AWS/NetworkELB HealthyHostCount');
    assert.deepEqual(Object.keys(metric?.dimensions ?? {}).sort(), ['LoadBalancer', 'TargetGroup']);
    assert.equal(metric?.statistic, 'Maximum');
    assert.equal(goesOff('smtp-gateway-down', { HealthyHostCount: 0 }), true);
    assert.equal(gateway.missing, 'breaching');
  });
});

describe('traces', () => {
  it('are thinned out at the one door where a rule has a say', () => {
    stateless.resourceCountIs('AWS::XRay::SamplingRule', 1);
    const [rule] = Object.values(stateless.findResources('AWS::XRay::SamplingRule'));
    const { ServiceName, RuleName, FixedRate, ReservoirSize } = rule?.Properties.SamplingRule ?? {};
    // X-Ray knows a stage of API Gateway by the names of API and stage.
    assert.match(deployment.resolved(ServiceName), /^token-broker-legacy\/<LegacyApiDeploymentStagedevices\w+>$/);
    assert.deepEqual([RuleName, FixedRate, ReservoirSize], ['token-broker-legacy', 0.01, 1]);
    stateless.hasResourceProperties('AWS::ApiGateway::RestApi', { Name: 'token-broker-legacy' });
    stateless.hasResourceProperties('AWS::ApiGateway::Stage', { StageName: 'devices', TracingEnabled: true });
    plain.stateless.resourceCountIs('AWS::XRay::SamplingRule', 0);
  });

  it('have a rule of their own for each of two brokers that begin alike', () => {
    const ruleNameOf = (name: string): string => {
      const { stateless } = synthesize({ name, legacyTls: LEGACY, tracing: 'on' });
      const [rule] = Object.values(stateless.findResources('AWS::XRay::SamplingRule'));
      return rule?.Properties.SamplingRule.RuleName;
    };
    const longest = 'a-broker-of-twenty-five-c';
    assert.equal(ruleNameOf(longest), `${longest}-legacy`);
    const [one, another] = [ruleNameOf(`${longest}-1`), ruleNameOf(`${longest}-2`)];
    assert.notEqual(one, another);
    for (const name of [one, another]) assert.match(name, /^a-broker-of-twen-[0-9a-f]{8}-legacy$/);
  });
});
