import {
  ApiMapping,
  DomainName,
  HttpApi,
  HttpStage,
  type IDomainName,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Construct } from 'constructs';
import type { OwnDomain, Settings } from '../settings/settings.ts';
import { accessLogGroup, HTTP_API_LOG } from './access-log.ts';
import { REQUESTS_AT_ONCE, REQUESTS_PER_SECOND } from './limits.ts';
import { leadTo } from './own-domain.ts';

/** The broker's address, still without routes. */
export interface HttpFront {
  readonly api: HttpApi;
  /** What the broker is called by, unless something of one's own stands in front. */
  readonly url: string;
}

/** An HTTP API, and a host name of one's own where one is set. */
export const addHttpFront = (scope: Construct, settings: Settings): HttpFront => {
  const { name, domain } = settings;
  const api = new HttpApi(scope, 'Api', {
    apiName: name,
    description: 'MFP Token Broker: devices, people, gateways',
    createDefaultStage: false,
    // Beside a name of one's own it would be a second address, to which providers send nobody back.
    disableExecuteApiEndpoint: domain !== undefined,
  });
  const stage = stageOf(api, settings);
  if (domain === undefined) return { api, url: api.apiEndpoint };
  mapDomain(scope, domain, { api, stage });
  return { api, url: `https://${domain.name}` };
};

/** Named like the one that CDK makes by itself, which has neither limit nor log. */
const stageOf = (api: HttpApi, { name, logRetentionDays }: Settings): HttpStage => {
  const log = accessLogGroup(api, 'AccessLog', { logGroupName: `${name}/api`, retention: logRetentionDays });
  return new HttpStage(api, 'DefaultStage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: REQUESTS_PER_SECOND, burstLimit: REQUESTS_AT_ONCE },
    accessLogSettings: { destination: new LogGroupLogDestination(log), format: HTTP_API_LOG },
  });
};

/** An HTTP API speaks TLS 1.2 and above, whatever else is chosen for it (developer guide, "Security policies"). */
const mapDomain = (
  scope: Construct,
  domain: OwnDomain,
  { api, stage }: { readonly api: HttpApi; readonly stage: HttpStage },
): void => {
  const domainName = new DomainName(scope, 'Domain', {
    domainName: domain.name,
    certificate: Certificate.fromCertificateArn(scope, 'DomainCertificate', domain.certificateArn),
    securityPolicy: SecurityPolicy.TLS_1_2,
  });
  new ApiMapping(scope, 'DomainMapping', { api, domainName: domainName as IDomainName, stage });
  leadTo(scope, 'Domain', domain, {
    hostName: domainName.regionalDomainName,
    hostedZoneId: domainName.regionalHostedZoneId,
  });
};
