import { createHash } from 'node:crypto';
import { CfnSamplingRule } from 'aws-cdk-lib/aws-xray';
import type { Construct } from 'constructs';
import type { Watched } from './watched.ts';

/** X-Ray's longest name of a rule. */
const RULE_NAME_CHARACTERS = 32;

/** A name that is too long is cut, and told apart from another that begins alike. */
const ruleNameOf = (broker: string): string => {
  const ending = '-legacy';
  if (broker.length + ending.length <= RULE_NAME_CHARACTERS) return broker + ending;
  const apart = `-${createHash('sha256').update(broker).digest('hex').slice(0, 8)}${ending}`;
  return broker.slice(0, RULE_NAME_CHARACTERS - apart.length) + apart;
};

/**
 * How much is traced. Where a call begins at a function, Lambda decides, and lets nobody else: one call a second and 5 % of
 * the rest (developer guide, "Visualize Lambda function invocations using AWS X-Ray"). An HTTP API takes no part. So a rule
 * has a say in what begins at the REST API for old devices alone: nearly all of it are fetches of tokens, one like the other.
 */
export const addTracing = (scope: Construct, { settings, legacyApi }: Watched): void => {
  if (settings.tracing === 'off' || legacyApi === undefined) return;
  const { restApiName, deploymentStage } = legacyApi;
  new CfnSamplingRule(scope, 'LegacySampling', {
    samplingRule: {
      ruleName: ruleNameOf(settings.name),
      serviceType: 'AWS::ApiGateway::Stage',
      serviceName: `${restApiName}/${deploymentStage.stageName}`,
      reservoirSize: 1,
      fixedRate: 0.01,
      priority: 1000,
      host: '*',
      httpMethod: '*',
      urlPath: '*',
      resourceArn: '*',
      version: 1,
    },
  });
};
