import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ROUTES } from '../../functions/routes.ts';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { LEASE_SECONDS, PROVIDER_TIMEOUT_SECONDS, SENDING_SECONDS } from '../../shared/domain/timing.ts';
import { type Deployment, synthesize } from './deployment.ts';

const deployment = synthesize();
const envelopes = synthesize({ vault: 'envelope' });
const toEnvelopes = synthesize({ vault: 'secrets-manager-to-envelope' });
const toSecrets = synthesize({ vault: 'envelope-to-secrets-manager' });

const { stateless } = deployment;

describe('functions', () => {
  it('are those that are built, on Node 24 and arm64, each with a log of its own that ends', () => {
    stateless.resourceCountIs('AWS::Lambda::Function', FUNCTIONS.length);
    for (const name of FUNCTIONS) {
      const { properties } = deployment.lambdaOf(name);
      assert.equal(properties.Runtime, 'nodejs24.x');
      assert.deepEqual(properties.Architectures, ['arm64']);
      assert.equal(properties.Handler, 'index.handler');
      assert.equal(properties.MemorySize, 512);
      const log = deployment.resolved(properties.LoggingConfig.LogGroup).slice(1, -1);
      const group = stateless.findResources('AWS::Logs::LogGroup')[log];
      assert.equal(group?.Properties.LogGroupName, `/aws/lambda/${properties.FunctionName}`);
      assert.equal(group?.Properties.RetentionInDays, 30);
    }
  });

  for (const [vault, deployed] of Object.entries({
    'secrets-manager': deployment,
    envelope: envelopes,
    'secrets-manager-to-envelope': toEnvelopes,
    'envelope-to-secrets-manager': toSecrets,
  })) {
    it(`have just the variables that their handlers need, with the ${vault} vault`, () => {
      for (const name of FUNCTIONS) {
        const environment = deployed.environmentOf(name);
        assert.deepEqual(Object.keys(environment).sort(), neededBy(name, vault), name);
        for (const [variable, value] of Object.entries(environment)) assert.notEqual(value, '', variable);
      }
    });
  }

  it('answer before API Gateway hangs up, but for a sign-in, which must not lose what the provider has given', () => {
    const timeoutOf = (name: FunctionName) => Number(deployment.lambdaOf(name).properties.Timeout);
    for (const name of Object.keys(ROUTES) as (keyof typeof ROUTES)[]) {
      if (name !== 'sign-in') assert.ok(timeoutOf(name) < 30, name);
    }
    assert.ok(timeoutOf('sign-in') >= timeoutOf('refresh-grants/worker'));
    assert.ok(timeoutOf('sign-in') > 2 * PROVIDER_TIMEOUT_SECONDS + LEASE_SECONDS);
  });

  it('are told the address of the API, or the one that was chosen', () => {
    assert.match(deployment.environmentOf('sign-in').BROKER_PUBLIC_URL ?? '', /^<Api\w+\.ApiEndpoint>$/);
    const chosen = synthesize({ publicUrl: 'https://mail.example.com' });
    for (const name of FUNCTIONS) {
      assert.equal(chosen.environmentOf(name).BROKER_PUBLIC_URL, 'https://mail.example.com');
    }
  });
});

describe('what sets functions going', () => {
  for (const [name, patterns] of Object.entries(ROUTES) as [keyof typeof ROUTES, readonly string[]][]) {
    for (const pattern of patterns) {
      it(`brings ${pattern} to ${name}`, () => {
        const route = findRoute(deployment, pattern);
        const arn = `<${deployment.lambdaOf(name).logicalId}.Arn>`;
        assert.equal(route.integration.PayloadFormatVersion, '2.0');
        assert.equal(deployment.resolved(route.integration.IntegrationUri), arn);
        const permission = Object.values(stateless.findResources('AWS::Lambda::Permission')).find(
          ({ Properties }) =>
            deployment.resolved(Properties.FunctionName) === arn &&
            deployment.resolved(Properties.SourceArn).endsWith(route.permittedSource),
        );
        assert.equal(permission?.Properties.Principal, 'apigateway.amazonaws.com');
      });
    }
  }

  it('has no other routes', () => {
    stateless.resourceCountIs('AWS::ApiGatewayV2::Route', Object.values(ROUTES).flat().length);
  });

  it('sweeps and tells people every minute, and repeats no run that failed', () => {
    stateless.resourceCountIs('AWS::Scheduler::Schedule', 2);
    for (const name of ['refresh-grants/sweep', 'notify'] as const) {
      const { logicalId } = deployment.lambdaOf(name);
      stateless.hasResourceProperties('AWS::Scheduler::Schedule', {
        ScheduleExpression: 'rate(1 minute)',
        State: 'ENABLED',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: { 'Fn::GetAtt': [logicalId, 'Arn'] },
          RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        },
      });
    }
  });

  it('feeds the workers from their queues, and a failed message alone comes back', () => {
    const grants = eventSourceOf('refresh-grants/worker');
    assert.equal(deployment.resolved(grants.EventSourceArn), deployment.arnOf('AWS::SQS::Queue', 'GrantQueue'));
    assert.equal(grants.BatchSize, 10);
    assert.deepEqual(grants.ScalingConfig, { MaximumConcurrency: 40 });
    const mail = eventSourceOf('relay-mail/send');
    assert.equal(deployment.resolved(mail.EventSourceArn), deployment.arnOf('AWS::SQS::Queue', 'MailQueue'));
    assert.equal(mail.BatchSize, 1);
    assert.deepEqual(mail.ScalingConfig, { MaximumConcurrency: 300 });
    for (const source of [grants, mail]) {
      assert.deepEqual(source.FunctionResponseTypes, ['ReportBatchItemFailures']);
    }
  });

  it('hides a message for as long as a worker may work on it', () => {
    const hidden = (queue: string) => Number(deployment.data('AWS::SQS::Queue', queue).Properties.VisibilityTimeout);
    assert.ok(hidden('GrantQueue') >= 6 * deployment.lambdaOf('refresh-grants/worker').properties.Timeout);
    const sending = deployment.lambdaOf('relay-mail/send').properties.Timeout;
    assert.ok(hidden('MailQueue') > sending);
    assert.ok(sending > SENDING_SECONDS);
  });
});

/** Who makes secrets for grants: whoever signs in; while they come from envelopes, also whoever refreshes. */
const MAKES_SECRETS: { readonly [vault: string]: readonly FunctionName[] } = {
  'secrets-manager': ['sign-in'],
  'envelope-to-secrets-manager': ['sign-in', 'refresh-grants/worker'],
};

/** What the handler's source asks of its environment, and what `cloudTokenVault` takes beside. */
const neededBy = (name: FunctionName, vault: string): string[] => {
  const source = readFileSync(new URL(`../../functions/${name}/handler.ts`, import.meta.url), 'utf8');
  const named = source.match(/\bBROKER_[A-Z_]+\b/g) ?? [];
  const besides = [
    ...(vault === 'secrets-manager' ? [] : ['BROKER_VAULT_KEYS_SECRET']),
    ...(vault === 'envelope' ? [] : ['BROKER_VAULT_PREFIX']),
  ];
  const usesVault = source.includes('cloudTokenVault(');
  const makesSecrets = MAKES_SECRETS[vault]?.includes(name) ? ['BROKER_VAULT_KMS_KEY'] : [];
  return [
    ...new Set([
      'BROKER_NAME',
      'BROKER_PUBLIC_URL',
      'BROKER_TABLE',
      ...named,
      ...makesSecrets,
      ...(usesVault ? besides : []),
    ]),
  ].sort();
};

/** The route of a pattern of `ROUTES`, with its integration, and how the ARN ends that may call the function for it. */
const findRoute = ({ resolved }: Deployment, pattern: string) => {
  const path = pattern.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{proxy+}');
  const key = pattern === '/*' ? '$default' : `ANY ${path}`;
  const routes = Object.values(stateless.findResources('AWS::ApiGatewayV2::Route'));
  const route = routes.find(({ Properties }) => Properties.RouteKey === key);
  assert.ok(route, `no route ${key}`);
  const integrationId = /<(\w+)>/.exec(resolved(route.Properties.Target))?.[1] ?? '';
  const integration = stateless.findResources('AWS::ApiGatewayV2::Integration')[integrationId];
  assert.ok(integration, `no integration ${integrationId}`);
  return { integration: integration.Properties, permittedSource: pattern === '/*' ? '/*/*' : `/*/*${path}` };
};

const eventSourceOf = (name: FunctionName) => {
  const { logicalId } = deployment.lambdaOf(name);
  const sources = Object.values(stateless.findResources('AWS::Lambda::EventSourceMapping'));
  const source = sources.find(({ Properties }) => deployment.resolved(Properties.FunctionName) === `<${logicalId}>`);
  assert.ok(source, `nothing feeds ${name}`);
  return source.Properties;
};
