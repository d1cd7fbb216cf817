import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ROUTES } from '../../functions/routes.ts';
import { refreshersForQueue } from '../../infra/functions/triggers.ts';
import { hyphened } from '../../infra/rights/table-access.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { evaluate } from './cloudwatch.ts';
import { type Deployment, synthesize } from './deployment.ts';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef';

const plain = synthesize();
const gradual = synthesize({ rollout: 'canary-10-percent-5-minutes' });

const entriesOf = ({ stateless }: Deployment, type: string) => Object.entries(stateless.findResources(type));

const aliasOf = (deployed: Deployment, name: FunctionName) => {
  const { logicalId } = deployed.lambdaOf(name);
  const found = entriesOf(deployed, 'AWS::Lambda::Alias').find(
    ([, { Properties }]) => deployed.resolved(Properties.FunctionName) === `<${logicalId}>`,
  );
  assert.ok(found, `${name} has no alias`);
  const { Properties, UpdatePolicy } = found[1];
  return { logicalId: found[0], properties: Properties, updatePolicy: UpdatePolicy };
};

const alarmsOf = (deployed: Deployment, name: FunctionName) => {
  const { updatePolicy } = aliasOf(deployed, name);
  const group = deployed.resolved(updatePolicy.CodeDeployLambdaAliasUpdate.DeploymentGroupName).slice(1, -1);
  const { Properties } = deployed.stateless.findResources('AWS::CodeDeploy::DeploymentGroup')[group] ?? {};
  const names: { Name: unknown }[] = Properties.AlarmConfiguration.Alarms;
  const alarms = deployed.stateless.findResources('AWS::CloudWatch::Alarm');
  return {
    group: Properties,
    alarms: names.map(({ Name }) => alarms[deployed.resolved(Name).slice(1, -1)]?.Properties),
  };
};

describe('all at once', () => {
  it('has no versions, no aliases and no deployments of its own', () => {
    const { Resources } = plain.stateless.toJSON();
    const types = Object.values<{ Type: string }>(Resources).map(({ Type }) => Type);
    assert.deepEqual(
      types.filter((type) => /^AWS::(CodeDeploy::|Lambda::(Alias|Version))/.test(type)),
      [],
    );
    assert.deepEqual(
      Object.keys(Resources).filter((id) => id.startsWith('Rollout')),
      [],
    );
  });
});

describe('a gradual rollout', () => {
  it('gives every function a version, and an alias that CodeDeploy moves to it', () => {
    assert.equal(entriesOf(gradual, 'AWS::Lambda::Version').length, FUNCTIONS.length);
    assert.equal(entriesOf(gradual, 'AWS::CodeDeploy::Application').length, 1);
    for (const name of FUNCTIONS) {
      const { properties } = aliasOf(gradual, name);
      assert.equal(properties.Name, 'live');
      assert.match(gradual.resolved(properties.FunctionVersion), /^<\w+CurrentVersion\w+\.Version>$/);
      const { group } = alarmsOf(gradual, name);
      assert.equal(group.DeploymentConfigName, 'CodeDeployDefault.LambdaCanary10Percent5Minutes');
    }
  });

  for (const [rollout, configuration] of [
    ['canary-10-percent-30-minutes', 'LambdaCanary10Percent30Minutes'],
    ['linear-10-percent-every-minute', 'LambdaLinear10PercentEvery1Minute'],
  ] as const) {
    it(`may be ${rollout}`, () => {
      for (const [, { Properties }] of entriesOf(synthesize({ rollout }), 'AWS::CodeDeploy::DeploymentGroup')) {
        assert.equal(Properties.DeploymentConfigName, `CodeDeployDefault.${configuration}`);
      }
    });
  }

  it('goes back by itself when a function throws, and when too many replies fail', () => {
    for (const name of FUNCTIONS) {
      const { group, alarms } = alarmsOf(gradual, name);
      assert.equal(group.AlarmConfiguration.Enabled, true);
      assert.deepEqual(group.AutoRollbackConfiguration, {
        Enabled: true,
        Events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'],
      });
      const [errors, replies, ...others] = alarms;
      assert.equal(errors.MetricName, 'Errors');
      assert.ok(
        errors.Dimensions.some(({ Name }: { Name: string }) => Name === 'Resource'),
        'counts other versions',
      );
      assert.equal(errors.TreatMissingData, 'notBreaching');
      assert.equal(replies !== undefined, name in ROUTES, name);
      assert.deepEqual(others, []);
    }
    const failed = alarmsOf(gradual, 'fetch-token').alarms[1];
    assert.match(JSON.stringify(failed.Metrics), /"MetricName":"5xx"/);
    // A version that answers nothing has a tenth of the calls at first.
    assert.ok(failed.Threshold < 10);
  });

  it('does not go back for one reply a minute, however few there are', () => {
    const { Metrics, Threshold } = alarmsOf(gradual, 'fetch-token').alarms[1];
    const [{ Expression }] = Metrics.filter((one: { Expression?: string }) => one.Expression !== undefined);
    const isBad = (failed: number, all: number) => (evaluate(Expression, { failed, all }) ?? 0) > Threshold;
    assert.deepEqual([isBad(1, 1), isBad(2, 10), isBad(3, 30), isBad(3, 60)], [false, false, true, false]);
    assert.equal(isBad(500, 9000), true);
  });

  it('minds what fails at the front for old TLS too', () => {
    const legacyTls = JSON.stringify({ name: 'scan.example.com', certificateArn: CERTIFICATE });
    const { alarms } = alarmsOf(synthesize({ rollout: 'canary-10-percent-5-minutes', legacyTls }), 'fetch-token');
    assert.equal(alarms.length, 3);
    assert.match(JSON.stringify(alarms[2].Metrics), /"MetricName":"5XXError"/);
  });

  it('is what routes, queues and schedules lead to', () => {
    const integrations = entriesOf(gradual, 'AWS::ApiGatewayV2::Integration');
    assert.deepEqual(
      integrations.map(([, { Properties }]) => gradual.resolved(Properties.IntegrationUri)).sort(),
      Object.keys(ROUTES)
        .map((name) => `<${aliasOf(gradual, name as keyof typeof ROUTES).logicalId}>`)
        .sort(),
    );
    const aliases = FUNCTIONS.map((name) => `<${aliasOf(gradual, name).logicalId}>`);
    for (const [id, { Properties }] of entriesOf(gradual, 'AWS::Lambda::Permission')) {
      assert.ok(aliases.includes(gradual.resolved(Properties.FunctionName)), id);
    }
    for (const [id, { Properties }] of entriesOf(gradual, 'AWS::Scheduler::Schedule')) {
      assert.ok(aliases.includes(gradual.resolved(Properties.Target.Arn)), id);
    }
    const sources = entriesOf(gradual, 'AWS::Lambda::EventSourceMapping');
    assert.equal(sources.length, 2);
    for (const [, { Properties }] of sources) assert.match(JSON.stringify(Properties.FunctionName), /":live"/);
  });

  it('is what functions call, and may call', () => {
    const worker = gradual.lambdaOf('refresh-grants/worker').logicalId;
    for (const name of ['fetch-token', 'relay-mail/send', 'relay-mail/gateway', 'admin'] as const) {
      assert.equal(gradual.environmentOf(name).BROKER_REFRESH_FUNCTION, `<${worker}>:live`, name);
    }
    assert.equal(
      gradual.environmentOf('admin').BROKER_TEST_FUNCTION,
      `<${gradual.lambdaOf('relay-mail/test').logicalId}>:live`,
    );
    const invoked = gradual.rightsOf('fetch-token').filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    assert.deepEqual(
      invoked.flatMap(({ resources }) => resources),
      [`<${aliasOf(gradual, 'refresh-grants/worker').logicalId}>`],
    );
    assert.equal(plain.environmentOf('fetch-token').BROKER_REFRESH_FUNCTION, `<${worker}>`);
  });

  it('lets CodeDeploy shift these aliases, and no others', () => {
    const roles = entriesOf(gradual, 'AWS::IAM::Role').filter(([id]) => id.startsWith('Rollout'));
    assert.equal(roles.length, 1);
    const { Properties } = roles[0]?.[1] ?? {};
    assert.equal(Properties.ManagedPolicyArns, undefined);
    const [{ PolicyDocument }] = Properties.Policies;
    const shifting = PolicyDocument.Statement.find(({ Action }: { Action: unknown }) =>
      JSON.stringify(Action).includes('lambda:UpdateAlias'),
    );
    const wanted = FUNCTIONS.flatMap((name) => {
      // By name, not by reference: aliases wait for their groups, and so for this role.
      const arn = `:function:token-broker-${hyphened(name)}`;
      return [arn, `${arn}:live`];
    });
    const named = shifting.Resource.map((arn: unknown) => gradual.resolved(arn).replace(/^.*(?=:function:)/, ''));
    assert.deepEqual(named.sort(), wanted.sort());
  });
});

describe('concurrency', () => {
  const reservedBy = (deployed: Deployment) =>
    FUNCTIONS.flatMap((name) => {
      const { ReservedConcurrentExecutions: reserved } = deployed.lambdaOf(name).properties;
      return reserved === undefined ? [] : [[name, reserved]];
    });
  const mostFromQueue = (deployed: Deployment, queue: string): number => {
    const found = entriesOf(deployed, 'AWS::Lambda::EventSourceMapping').find(([, { Properties }]) =>
      deployed.resolved(Properties.EventSourceArn).includes(queue),
    );
    return found?.[1].Properties.ScalingConfig?.MaximumConcurrency;
  };

  it('bounds refreshes, from the queue and from devices that wait, and reserves nothing else', () => {
    assert.deepEqual(reservedBy(plain), [['refresh-grants/worker', 60]]);
    assert.equal(mostFromQueue(plain, 'GrantQueue'), 40);
    assert.deepEqual(reservedBy(synthesize({ refreshConcurrency: 'unreserved' })), []);
  });

  it('takes fewer from the queue where fewer may run, so that a device that waits finds room', () => {
    const small = synthesize({ refreshConcurrency: '12' });
    assert.deepEqual(reservedBy(small), [['refresh-grants/worker', 12]]);
    assert.equal(mostFromQueue(small, 'GrantQueue'), 8);
    for (let concurrency = 2; concurrency <= 1000; concurrency += 1) {
      const fromQueue = refreshersForQueue(concurrency);
      assert.ok(fromQueue >= 2 && fromQueue <= 40 && fromQueue <= concurrency, String(concurrency));
      if (concurrency > 2) assert.ok(fromQueue < concurrency, String(concurrency));
    }
    assert.equal(refreshersForQueue(undefined), 40);
  });

  it('leaves most of an account to devices, however much mail has piled up', () => {
    assert.ok(mostFromQueue(plain, 'MailQueue') <= 500);
  });
});

describe('tracing', () => {
  it('is off unless it is asked for', () => {
    const traced = synthesize({ tracing: 'on' });
    for (const name of FUNCTIONS) {
      assert.equal(plain.lambdaOf(name).properties.TracingConfig, undefined, name);
      assert.deepEqual(traced.lambdaOf(name).properties.TracingConfig, { Mode: 'Active' }, name);
      const rights = traced.rightsOf(name).filter(({ actions }) => actions.some((one) => one.startsWith('xray:')));
      assert.deepEqual(
        rights.map(({ actions }) => actions),
        [['xray:PutTelemetryRecords', 'xray:PutTraceSegments']],
        name,
      );
    }
  });
});
