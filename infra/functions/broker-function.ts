import { existsSync } from 'node:fs';
import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  CfnFunction,
  Code,
  type IFunction,
  type IVersion,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Egress } from '../network/egress-stack.ts';
import { DeploymentError } from '../settings/deployment-error.ts';
import type { Settings } from '../settings/settings.ts';

export interface BrokerFunctionProps {
  readonly settings: Pick<Settings, 'logRetentionDays' | 'rollout' | 'tracing'>;
  /** The folder below `functions/`. */
  readonly name: string;
  /** In AWS. */
  readonly functionName: string;
  readonly description: string;
  readonly bundles: string;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
  /** So many run at once at most, and so many always can; `undefined`: as many as the account has left. */
  readonly reservedConcurrency: number | undefined;
  /** The network whose addresses its calls come from; `undefined`: Lambda's own, from any. */
  readonly egress: Egress | undefined;
}

/** Node starts no faster with more (facts/aws.md section 3), and TLS and JSON no longer wait for a processor. */
const MEMORY_MB = 512;

/** What Lambda itself does in a function's name to have it in a network (developer guide, "Giving functions access to a VPC"). */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** Neither takes a resource (service authorization reference of X-Ray). */
const TRACING_ACTIONS = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

/**
 * One bundled function with a role and a log group of its own. The role begins with nothing but writing that log, not
 * with AWS's managed policy, which may write every log of the account.
 *
 * Lines are logged as plain text, as far as Lambda is concerned: the functions' own are JSON already. Its JSON format could
 * leave out the lines at start and end of each call, but treats lines without a level or a time, which is how metrics are
 * written, in a way that nobody could try out here.
 */
export class BrokerFunction extends Construct {
  readonly lambda: LambdaFunction;
  /** As text, for who names the function without waiting for it. */
  readonly functionName: string;
  /** What calls, queues and schedules are to reach. */
  readonly target: IFunction;
  /** What `Invoke` takes as `FunctionName` to reach it. */
  readonly invokedAs: string;
  /** Where a new version takes over by and by, what leads callers to the old one and the new one. */
  readonly live: Alias | undefined;

  constructor(scope: Construct, id: string, props: BrokerFunctionProps) {
    super(scope, id);
    const { functionName, description, egress, settings } = props;
    this.functionName = functionName;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
    logGroup.grantWrite(role);
    if (egress !== undefined) this.letJoinNetwork(role, functionName);
    if (settings.tracing === 'on') this.letTrace(role);
    this.lambda = this.function(props, { role, logGroup });
    this.live = settings.rollout === 'all-at-once' ? undefined : this.alias();
    // CDK's own types do not allow for exactOptionalPropertyTypes.
    this.target = (this.live ?? this.lambda) as IFunction;
    this.invokedAs = this.live === undefined ? this.lambda.functionName : `${this.lambda.functionName}:live`;
  }

  private function(props: BrokerFunctionProps, given: { role: Role; logGroup: LogGroup }): LambdaFunction {
    const { functionName, description, timeout, environment, reservedConcurrency, egress, settings } = props;
    const made = new LambdaFunction(this, 'Function', {
      functionName,
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundleOf(props), { exclude: ['meta.json'] }),
      handler: 'index.handler',
      memorySize: MEMORY_MB,
      timeout,
      environment,
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      ...(egress !== undefined && { vpc: egress.network, securityGroups: [egress.securityGroup] }),
      ...given,
    });
    // By its own setting for it, CDK would mix the rights to it with the others.
    if (settings.tracing === 'on') cfnOf(made).tracingConfig = { mode: 'Active' };
    return made;
  }

  /** Every deployment that changes the function makes a version; which of them callers reach, CodeDeploy says. */
  private alias(): Alias {
    return new Alias(this, 'Live', {
      aliasName: 'live',
      version: this.lambda.currentVersion as IVersion,
      description: 'What callers reach',
    });
  }

  /**
   * Rights to no resource of their own, each in a policy by itself, so that rule packs are told of it why it takes none. Below
   * the role, for the function is made when its role is whole.
   */
  private letJoinNetwork(role: Role, functionName: string): void {
    const own = Stack.of(this).formatArn({ service: 'lambda', resource: `function:${functionName}` });
    const all = { actions: NETWORK_ACTIONS, resources: ['*'] };
    // A call of Lambda's carries no such key, one of the function's own code does (developer guide, "Using source function
    // ARN to control function access behavior").
    const byItself = { ArnLike: { 'lambda:SourceFunctionArn': [own, `${own}:*`] } };
    const statements = [
      new PolicyStatement(all),
      new PolicyStatement({ ...all, effect: Effect.DENY, conditions: byItself }),
    ];
    new Policy(role, 'Network', { roles: [role], statements });
  }

  private letTrace(role: Role): void {
    new Policy(role, 'Tracing', {
      roles: [role],
      statements: [new PolicyStatement({ actions: TRACING_ACTIONS, resources: ['*'] })],
    });
  }

  /** These actions on exactly these resources. */
  may(actions: readonly string[], ...resources: readonly string[]): this {
    this.lambda.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
    return this;
  }

  /** The same, as long as every partition touched is one of these (`*` stands for any end). */
  mayInPartitions(action: string, table: string, partitions: readonly string[]): this {
    const conditions = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...partitions] } };
    this.lambda.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [table], conditions }));
    return this;
  }
}

const bundleOf = ({ bundles, name }: BrokerFunctionProps): string => {
  const folder = `${bundles}/${name}`;
  if (existsSync(`${folder}/index.mjs`)) return folder;
  throw new DeploymentError(`${folder}/index.mjs is missing. Run "npm run build" first.`);
};

const cfnOf = ({ node }: LambdaFunction): CfnFunction => {
  if (!(node.defaultChild instanceof CfnFunction)) throw new TypeError(`${node.path} is no function`);
  return node.defaultChild;
};
