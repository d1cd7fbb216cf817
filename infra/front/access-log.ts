import { RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/**
 * Who called what, and how it went. Never a header but the caller's own name for itself, and the route instead of the path:
 * links to a sign-in are good for whoever reads them.
 */
const COMMON = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  host: '$context.domainName',
  method: '$context.httpMethod',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  functionLatencyMs: '$context.integrationLatency',
  functionError: '$context.integrationErrorMessage',
  error: '$context.error.message',
  responseBytes: '$context.responseLength',
  sourceIp: '$context.identity.sourceIp',
  userAgent: '$context.identity.userAgent',
} as const;

/** An HTTP API does not tell the version of TLS, and speaks 1.2 at least. */
export const HTTP_API_LOG = AccessLogFormat.custom(JSON.stringify({ ...COMMON, route: '$context.routeKey' }));

/** Once no line has TLSv1 or TLSv1.1 any more, the front for old devices can go. */
export const REST_API_LOG = AccessLogFormat.custom(
  JSON.stringify({
    ...COMMON,
    route: '$context.resourcePath',
    // The other id can be chosen by the caller (developer guide, "Set up CloudWatch logging for REST APIs").
    extendedRequestId: '$context.extendedRequestId',
    tlsVersion: '$context.tlsVersion',
    cipherSuite: '$context.cipherSuite',
  }),
);

/** Below `/aws/vendedlogs/`, where logs that AWS delivers need no entry each in a policy of limited length. */
export const accessLogGroup = (
  scope: Construct,
  id: string,
  { logGroupName, retention }: { readonly logGroupName: string; readonly retention: number },
): LogGroup =>
  new LogGroup(scope, id, {
    logGroupName: `/aws/vendedlogs/${logGroupName}`,
    retention,
    removalPolicy: RemovalPolicy.DESTROY,
  });
