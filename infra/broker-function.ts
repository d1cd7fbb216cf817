import { existsSync } from 'node:fs';
import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DeploymentError } from './settings.ts';

export interface BrokerFunctionProps {
  /** The folder below `functions/`. */
  readonly name: string;
  /** In AWS. */
  readonly functionName: string;
  readonly description: string;
  readonly bundles: string;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
}

/** Node starts no faster with more (facts/aws.md section 3), and TLS and JSON no longer wait for a processor. */
const MEMORY_MB = 512;

/**
 * One bundled function with a role and a log group of its own. The role begins with nothing but writing that log, not
 * with AWS's managed policy, which may write every log of the account.
 */
export class BrokerFunction extends Construct {
  readonly lambda: LambdaFunction;

  constructor(scope: Construct, id: string, props: BrokerFunctionProps) {
    super(scope, id);
    const { name, functionName, description, bundles, timeout, environment } = props;
    const folder = `${bundles}/${name}`;
    if (!existsSync(`${folder}/index.mjs`)) {
      throw new DeploymentError(`${folder}/index.mjs is missing. Run "npm run build" first.`);
    }
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description });
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName,
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(folder, { exclude: ['meta.json'] }),
      handler: 'index.handler',
      memorySize: MEMORY_MB,
      timeout,
      environment,
      role,
      logGroup,
    });
    logGroup.grantWrite(role);
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
