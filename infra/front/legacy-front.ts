import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  CfnRestApi,
  type DomainName,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  ResponseType,
  RestApi,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigateway';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Construct } from 'constructs';
import type { BrokerFunctions } from '../functions/broker-functions.ts';
import type { OwnDomain, Settings } from '../settings/settings.ts';
import { accessLogGroup, REST_API_LOG } from './access-log.ts';
import { DEVICE_ROUTES } from './device-routes.ts';
import { REQUESTS_AT_ONCE, REQUESTS_PER_SECOND } from './limits.ts';
import { leadTo } from './own-domain.ts';
import { withBraces } from './patterns.ts';

/** A REST API's own limit, unless AWS is asked for more; the functions end with it. */
const INTEGRATION_TIMEOUT = Duration.seconds(29);

/** It takes 1.0 to 1.3 (developer guide, "Choose a security policy for your custom domain"). */
const TLS_POLICY = SecurityPolicy.TLS_1_0;

/**
 * A second address, for devices that know no TLS 1.2: they present their credentials over TLS 1.0 or 1.1, so nothing but what
 * devices need is there. It takes a REST API, as an HTTP API speaks TLS 1.2 and above alone.
 *
 * A REST API renames one header of replies, `WWW-Authenticate` (developer guide, "Important notes"): a device that shows its
 * credential only when asked is never asked here.
 */
export const addLegacyFront = (
  scope: Construct,
  { domain, settings, functions }: { domain: OwnDomain; settings: Settings; functions: BrokerFunctions },
): RestApi => {
  const api = deviceApi(scope, settings);
  addDeviceRoutes(api, functions);
  const domainName = api.addDomainName('Domain', {
    domainName: domain.name,
    certificate: Certificate.fromCertificateArn(scope, 'LegacyCertificate', domain.certificateArn),
    endpointType: EndpointType.REGIONAL,
    securityPolicy: TLS_POLICY,
  });
  announce(scope, domain, domainName);
  return api;
};

const deviceApi = (scope: Construct, { name, logRetentionDays, tracing }: Settings): RestApi => {
  const log = accessLogGroup(scope, 'LegacyAccessLog', {
    logGroupName: `${name}/legacy-api`,
    retention: logRetentionDays,
  });
  const api = new RestApi(scope, 'LegacyApi', {
    restApiName: `${name}-legacy`,
    description: 'MFP Token Broker: devices with old TLS',
    endpointTypes: [EndpointType.REGIONAL],
    // By that address everybody could have TLS 1.2, and none of the names that devices are told.
    disableExecuteApiEndpoint: true,
    // Every body arrives in base64, so that no byte of a message is taken for text.
    binaryMediaTypes: ['*/*'],
    // Without a role that the account has for it, once in a region, a REST API writes no log (developer guide, "Set up
    // CloudWatch logging for REST APIs"). It stays when the stack goes, as others may have come to need it.
    cloudWatchRole: true,
    cloudWatchRoleRemovalPolicy: RemovalPolicy.RETAIN,
    deployOptions: {
      stageName: 'devices',
      throttlingRateLimit: REQUESTS_PER_SECOND,
      throttlingBurstLimit: REQUESTS_AT_ONCE,
      accessLogDestination: new LogGroupLogDestination(log),
      accessLogFormat: REST_API_LOG,
      tracingEnabled: tracing === 'on',
    },
  });
  // What is negotiated at the name is the policy of the API, not that of the name (developer guide, "How to change a
  // security policy"). CDK's own class has no setting for it.
  cfnOf(api).securityPolicy = TLS_POLICY;
  // CDK's own output is the address that is switched off.
  api.node.tryRemoveChild('Endpoint');
  // By itself it says "Missing Authentication Token" where there is nothing, which leads people astray.
  api.addGatewayResponse('Nowhere', {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    statusCode: '404',
    templates: { 'application/json': '{"message":"Not Found"}' },
  });
  return api;
};

const cfnOf = ({ node }: RestApi): CfnRestApi => {
  if (!(node.defaultChild instanceof CfnRestApi)) throw new TypeError(`${node.path} is no REST API`);
  return node.defaultChild;
};

const addDeviceRoutes = (api: RestApi, { byName }: BrokerFunctions): void => {
  for (const [name, patterns] of Object.entries(DEVICE_ROUTES)) {
    const integration = new LambdaIntegration(byName[name as keyof typeof DEVICE_ROUTES].target, {
      timeout: INTEGRATION_TIMEOUT,
      // The console's own try would be a second permission on the function.
      allowTestInvoke: false,
    });
    for (const pattern of patterns) {
      api.root.resourceForPath(withBraces(pattern)).addMethod('ANY', integration);
    }
  }
};

const announce = (scope: Construct, domain: OwnDomain, domainName: DomainName): void => {
  leadTo(scope, 'LegacyDomain', domain, {
    hostName: domainName.domainNameAliasDomainName,
    hostedZoneId: domainName.domainNameAliasHostedZoneId,
  });
  new CfnOutput(scope, 'LegacyUrl', {
    value: `https://${domain.name}`,
    description: 'The address for devices that know no TLS 1.2',
  });
};
