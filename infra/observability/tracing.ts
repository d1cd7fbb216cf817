import { CfnSamplingRule } from 'aws-cdk-lib/aws-xray';
import type { Construct } from 'constructs';
import type { Watched } from './watched.ts';

/** X-Ray's longest name of a rule. */
const RULE_NAME_CHARACTERS = 32;

/**
 * How much is traced. Where a call begins at a function, Lambda decides, and lets nobody else: one call a second and 5 % of
 * the rest (developer guide, "Visualize Lambda function invocations using AWS X-Ray"). An HTTP API takes no part. So a rule
 * has a say in what begins at the REST API for old devices alone: nearly all of it are fetches of tokens, one like the other.
 */
export const addTracing = (scope: Construct, { settings, legacyApi }: Watched): void => {
  if (settings.tracing === 'off' || legacyApi === undefined) return;
  const ending = '-legacy';
  const { restApiName, deploymentStage } = legacyApi;
  new CfnSamplingRule(scope, 'LegacySampling', {
    samplingRule: {
      ruleName: `${settings.name.slice(0, RULE_NAME_CHARACTERS - ending.length)}${ending}`,
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
