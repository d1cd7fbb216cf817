import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { RoutedFunction } from '../../functions/routes.ts';
import { DEVICE_ROUTES } from '../../infra/front/device-routes.ts';
import {
  BODY_LIMIT_BYTES,
  bestRoute,
  HOP_BY_HOP,
  type HttpReply,
  type HttpRequest,
  ownReply,
  type Route,
  SOURCE_IP,
} from './api-gateway.ts';
import type { Invocation } from './lambda-function.ts';

/** Names as they were sent, the first spelling of each; and every value under it. */
const gathered = (pairs: Iterable<readonly [name: string, value: string]>): Record<string, string[]> => {
  const all = new Map<string, { readonly name: string; readonly values: string[] }>();
  for (const [name, value] of pairs) {
    const entry = all.get(name.toLowerCase()) ?? { name, values: [] };
    entry.values.push(value);
    all.set(name.toLowerCase(), entry);
  }
  return Object.fromEntries([...all.values()].map(({ name, values }) => [name, values]));
};

const lastOf = (values: Record<string, string[]>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, all]) => [name, all.at(-1) ?? '']));

const orNull = <Value extends object>(value: Value): Value | null => (Object.keys(value).length === 0 ? null : value);

/** A name of one's own is mapped to the stage with no path between; the stage shows in the context alone. */
const REST_STAGE = 'devices';

/** What a REST API knows of callers only with sign-in by AWS or with client certificates. */
const NO_IDENTITY = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
} as const;

/**
 * The same request as the event of a REST API that takes every type for binary, payload format 1.0 (developer guide, "Set up
 * Lambda proxy integrations in API Gateway"): every body in base64, headers and query values once singly, of several the last,
 * and once all, and `null` for what there is none of. Cookies are a header like any other.
 */
export const toRestEvent = (
  { method, target, headers, body }: HttpRequest,
  { pattern }: Route,
  sourceIp: string,
): APIGatewayProxyEvent => {
  const [rawTarget = '', rawQueryString = ''] = target.split(/\?(.*)/s);
  const path = decodeURIComponent(rawTarget);
  const resource = pattern.replaceAll(/:(\w+)/g, '{$1}');
  const multiValueHeaders = gathered([
    ...headers.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())),
    ['X-Amzn-Trace-Id', `Root=1-${randomUUID()}`],
    ['X-Forwarded-For', sourceIp],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Proto', 'https'],
  ]);
  const query = gathered(new URLSearchParams(rawQueryString));
  const parameters = [...pattern.matchAll(/:(\w+)/g)].map(([name, key]) => {
    const index = pattern.split('/').indexOf(name);
    return [key, path.split('/')[index] ?? ''] as const;
  });
  const now = new Date();
  return {
    resource,
    path,
    httpMethod: method,
    headers: lastOf(multiValueHeaders),
    multiValueHeaders,
    queryStringParameters: orNull(lastOf(query)),
    multiValueQueryStringParameters: orNull(query),
    pathParameters: orNull(Object.fromEntries(parameters)),
    stageVariables: null,
    requestContext: {
      accountId: '000000000000',
      apiId: 'restapi',
      authorizer: null,
      domainName: 'scan.contoso.example',
      domainPrefix: 'scan',
      extendedRequestId: randomUUID(),
      httpMethod: method,
      identity: { ...NO_IDENTITY, sourceIp, userAgent: lastOf(multiValueHeaders)['User-Agent'] ?? null },
      path: `/${REST_STAGE}${path}`,
      protocol: 'HTTP/1.1',
      requestId: randomUUID(),
      requestTime: now.toUTCString(),
      requestTimeEpoch: now.getTime(),
      resourceId: 'abc123',
      resourcePath: resource,
      stage: REST_STAGE,
    },
    body: body.length === 0 ? null : body.toString('base64'),
    isBase64Encoded: body.length > 0,
  };
};

/** A REST API renames it, as `Authorization` and some others (developer guide, "Important notes"). */
const REMAPPED = 'www-authenticate';

/** What the function returned, as a REST API passes it on. */
export const toRestReply = (invoked: Invocation): HttpReply => {
  if (invoked.outcome === 'too_large') return ownReply(413, 'Request Too Long');
  if (invoked.outcome === 'failed') return ownReply(502, 'Internal server error');
  const {
    statusCode,
    headers = {},
    multiValueHeaders = {},
    body,
    isBase64Encoded = false,
  } = invoked.payload as APIGatewayProxyResult;
  // A bare result, as an HTTP API would take it, is malformed here.
  if (typeof statusCode !== 'number') return ownReply(502, 'Internal server error');
  const all = [
    ...Object.entries(headers).map(([name, value]) => [name, String(value)] as const),
    ...Object.entries(multiValueHeaders).flatMap(([name, values]) =>
      values.map((value) => [name, String(value)] as const),
    ),
  ];
  return {
    status: statusCode,
    headers: all.map(([name, value]) => [name.toLowerCase() === REMAPPED ? `x-amzn-Remapped-${name}` : name, value]),
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
};

export type InvokeRestRoute = (name: RoutedFunction, event: APIGatewayProxyEvent) => Promise<Invocation>;

/** One request all the way through the front for devices with old TLS. */
export const passThroughRest = async (
  request: HttpRequest,
  invoke: InvokeRestRoute,
  sourceIp = SOURCE_IP,
): Promise<HttpReply> => {
  if (request.body.length > BODY_LIMIT_BYTES) return ownReply(413, 'Request Too Long');
  const route = bestRoute(DEVICE_ROUTES, request.target.split('?')[0] ?? '');
  // "Missing Authentication Token" but for the gateway response in infra/front/legacy-front.ts.
  if (route === undefined) return ownReply(404, 'Not Found');
  return toRestReply(await invoke(route.name, toRestEvent(request, route, sourceIp)));
};
