import { Duration, Stack } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type MetricOptions,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Alias } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { ROUTES } from '../../functions/routes.ts';
import type { Rollout } from '../settings/settings.ts';
import type { BrokerFunction } from './broker-function.ts';
import type { BrokerFunctions } from './broker-functions.ts';

/** The part of the calls that a new version gets first, and for how long. */
const CONFIGURATIONS = {
  'canary-10-percent-5-minutes': LambdaDeploymentConfig.CANARY_10PERCENT_5MINUTES,
  'canary-10-percent-30-minutes': LambdaDeploymentConfig.CANARY_10PERCENT_30MINUTES,
  'linear-10-percent-every-minute': LambdaDeploymentConfig.LINEAR_10PERCENT_EVERY_1MINUTE,
} as const satisfies { readonly [Name in Exclude<Rollout, 'all-at-once'>]: unknown };

const EACH_MINUTE = { period: Duration.minutes(1), statistic: 'Sum' } as const satisfies MetricOptions;

/**
 * Of all replies: half of what a version gets at first, so that one that answers nothing is found out. In two minutes of
 * three, as one bad minute may be the provider's.
 */
const FAILED_REPLIES_PERCENT = 5;

/** In a minute. Where few devices ask, one reply is more than one in twenty: a provider that was away for once. */
const FAILED_REPLIES = 3;

/** What a function throws is a bug; two of them, as one call may have been cut off by the machine it ran on. */
const ERRORS_A_MINUTE = 2;

export interface RolloutProps {
  readonly rollout: Rollout;
  readonly functions: BrokerFunctions;
  readonly api: HttpApi;
  /** The front for devices with old TLS. */
  readonly legacyApi: RestApi | undefined;
}

/**
 * A new version takes over by and by: CodeDeploy shifts each function's alias to it, and back to the old one as soon as an
 * alarm goes off; then the whole deployment goes back. Nothing of it where all calls go to the new version at once.
 */
export const addRollout = (scope: Construct, { rollout, functions, api, legacyApi }: RolloutProps): void => {
  if (rollout === 'all-at-once') return;
  const within = new Construct(scope, 'Rollout');
  const frontAlarms = [
    repliesAlarm(within, 'FailedReplies', [api.metricServerError(EACH_MINUTE), api.metricCount(EACH_MINUTE)]),
    ...(legacyApi === undefined ? [] : [legacyAlarm(within, legacyApi)]),
  ];
  const application = new LambdaApplication(within, 'Application');
  const functionsByName = Object.entries(functions.byName);
  const role = deployerRole(within, functionsByName);
  for (const [name, made] of functionsByName) {
    if (made.live === undefined) throw new Error(`${name} has no alias`);
    const errors = errorAlarm(within, name, made.live);
    new LambdaDeploymentGroup(within, `Group ${name}`, {
      application,
      alias: made.live,
      deploymentConfig: CONFIGURATIONS[rollout],
      alarms: name in ROUTES ? [errors, ...frontAlarms] : [errors],
      // CDK would add AWS's managed policy, which may shift the aliases of every function in the account.
      role: role.withoutPolicyUpdates(),
    });
  }
};

/** A part of the replies, not a number of them: in a large fleet some fail every minute, because of a provider. */
const repliesAlarm = (scope: Construct, id: string, [failed, all]: readonly [IMetric, IMetric]): Alarm =>
  new Alarm(scope, id, {
    alarmDescription:
      'More than one in twenty replies failed (5xx), and three or more in a minute: a deployment that is under way goes back. Read the log of the functions before the next.',
    metric: new MathExpression({
      // What is missing is not filled, as a minute is told late: the last ones would always seem to be good.
      expression: `IF(failed >= ${FAILED_REPLIES}, 100 * failed / all, 0)`,
      usingMetrics: { failed, all },
      period: EACH_MINUTE.period,
      label: 'failed replies (%)',
    }),
    threshold: FAILED_REPLIES_PERCENT,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });

const legacyAlarm = (scope: Construct, api: RestApi): Alarm =>
  repliesAlarm(scope, 'FailedLegacyReplies', [api.metricServerError(EACH_MINUTE), api.metricCount(EACH_MINUTE)]);

const errorAlarm = (scope: Construct, name: string, alias: Alias): Alarm =>
  new Alarm(scope, `Errors ${name}`, {
    alarmDescription: `${name} throws or runs out of time: a deployment that is under way goes back. Read its log before the next.`,
    metric: alias.metricErrors(EACH_MINUTE),
    threshold: ERRORS_A_MINUTE,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });

/**
 * What AWSCodeDeployRoleForLambdaLimited allows for all functions, for these alone; and in the role itself, as it must be
 * there before a deployment begins.
 */
const deployerRole = (scope: Construct, functions: readonly (readonly [string, BrokerFunction])[]): Role => {
  // Written out: an alias waits for its group, and so for this role; a role that waited for functions would close the circle.
  const arnOf = (functionName: string): string =>
    Stack.of(scope).formatArn({ service: 'lambda', resource: `function:${functionName}` });
  const arns = functions.flatMap(([, { functionName }]) => [arnOf(functionName), `${arnOf(functionName)}:live`]);
  const shift = ['lambda:GetAlias', 'lambda:UpdateAlias', 'lambda:GetProvisionedConcurrencyConfig'];
  return new Role(scope, 'Deployer', {
    description: 'CodeDeploy shifts the aliases of the functions',
    assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
    inlinePolicies: {
      deploy: new PolicyDocument({
        statements: [
          new PolicyStatement({ actions: shift, resources: arns }),
          // It asks for alarms by name, and IAM looks at the whole list (CloudWatch API reference, DescribeAlarms).
          new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }),
        ],
      }),
    },
  });
};
