import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { ROUTES, type RoutedFunction } from '../../functions/routes.ts';
import { close, listen } from './aws-json.ts';
import type { Invocation } from './lambda-function.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query as on the request line. */
  readonly target: string;
  /** Names in any case; the same one as often as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Of a request's body (quotas of HTTP APIs and of REST APIs). */
export const BODY_LIMIT_BYTES = 10 * 1024 * 1024;

/** Everything else arrives in base64, a form and a body without a type among it. */
const TEXT_TYPE = /^(text\/|application\/(json|xml|javascript)\s*(;|$))/i;

/** Between API Gateway and its caller. */
export const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);

/** `X-Forwarded-…` and the like are API Gateway's own; who called is always the same here. */
export const SOURCE_IP = '192.0.2.1';

export interface Route {
  readonly name: RoutedFunction;
  readonly pattern: string;
}

type Routes = { readonly [Name in RoutedFunction]?: readonly string[] };

/** By API Gateway's rule: the most exact route wins, a greedy one next, `$default` last. */
export const bestRoute = (routes: Routes, path: string): Route | undefined => {
  const segments = path.split('/');
  const fits = (pattern: string): boolean => {
    const wanted = pattern.split('/');
    const isGreedy = wanted.at(-1) === '*';
    const fixed = isGreedy ? wanted.slice(0, -1) : wanted;
    return (
      (isGreedy ? segments.length > fixed.length : segments.length === fixed.length) &&
      fixed.every((part, index) => part === segments[index] || (part.startsWith(':') && segments[index] !== ''))
    );
  };
  const rank = (pattern: string): number =>
    (pattern === '/*' ? 10_000 : 0) + (pattern.endsWith('*') ? 1000 : 0) + pattern.split(':').length;
  return Object.entries(routes)
    .flatMap(([name, patterns]) => patterns.map((pattern) => ({ name: name as RoutedFunction, pattern })))
    .filter(({ pattern }) => pattern === '/*' || fits(pattern))
    .sort((a, b) => rank(a.pattern) - rank(b.pattern))[0];
};

/** Which function answers a path. */
export const routeOf = (path: string): Route => {
  const best = bestRoute(ROUTES, path);
  if (best === undefined) throw new Error(`no route for ${path}`);
  return best;
};

const joined = (pairs: Iterable<readonly [name: string, value: string]>): Record<string, string> => {
  const all = new Map<string, string>();
  for (const [name, value] of pairs) all.set(name, all.has(name) ? `${all.get(name)},${value}` : value);
  return Object.fromEntries(all);
};

/**
 * A request as an HTTP API's event, payload format 2.0 (developer guide, "Create AWS Lambda proxy integrations"): the
 * path decoded, names in lower case, what is there twice joined by commas, cookies apart.
 */
export const toEvent = ({ method, target, headers, body }: HttpRequest): APIGatewayProxyEventV2 => {
  const [rawTarget = '', rawQueryString = ''] = target.split(/\?(.*)/s);
  const rawPath = decodeURIComponent(rawTarget);
  const { pattern } = routeOf(rawPath);
  const routeKey =
    pattern === '/*' ? '$default' : `ANY ${pattern.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{proxy+}')}`;
  const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  const cookies = lower.filter(([name]) => name === 'cookie').flatMap(([, value]) => value.split(/;\s*/));
  const kept = lower.filter(([name]) => name !== 'cookie' && !HOP_BY_HOP.has(name));
  const { host = 'localhost', ...others } = joined(kept);
  const isText = TEXT_TYPE.test(others['content-type'] ?? '');
  const now = new Date();
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString,
    ...(cookies.length > 0 && { cookies }),
    headers: {
      ...others,
      host,
      ...(body.length > 0 && { 'content-length': String(body.length) }),
      'x-amzn-trace-id': `Root=1-${randomUUID()}`,
      'x-forwarded-for': SOURCE_IP,
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    ...(rawQueryString !== '' && { queryStringParameters: joined(new URLSearchParams(rawQueryString)) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: host.replace(/:\d+$/, ''),
      domainPrefix: host.split(/[.:]/)[0] ?? '',
      http: {
        method,
        path: rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: SOURCE_IP,
        userAgent: others['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: now.toUTCString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
};

export const ownReply = (status: number, message: string): HttpReply => ({
  status,
  headers: [['content-type', 'application/json']],
  body: Buffer.from(JSON.stringify({ message })),
});

/** What the function returned as the reply; one that failed is not told apart from any other. */
export const toReply = (invoked: Invocation): HttpReply => {
  if (invoked.outcome === 'too_large') return ownReply(413, 'Request Entity Too Large');
  if (invoked.outcome === 'failed') return ownReply(500, 'Internal Server Error');
  const {
    statusCode,
    headers = {},
    cookies = [],
    body = '',
    isBase64Encoded = false,
  } = invoked.payload as APIGatewayProxyStructuredResultV2;
  if (statusCode === undefined) return ownReply(500, 'Internal Server Error');
  return {
    status: statusCode,
    headers: [
      ...Object.entries(headers).map(([name, value]) => [name, String(value)] as const),
      ...cookies.map((cookie) => ['set-cookie', cookie] as const),
    ],
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
};

export type InvokeRoute = (name: RoutedFunction, event: APIGatewayProxyEventV2) => Promise<Invocation>;

/** One request all the way through. */
export const passThrough = async (request: HttpRequest, invoke: InvokeRoute): Promise<HttpReply> => {
  if (request.body.length > BODY_LIMIT_BYTES) return ownReply(413, 'Request Entity Too Large');
  const event = toEvent(request);
  return toReply(await invoke(routeOf(event.rawPath).name, event));
};

const pairs = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index] ?? '', flat[2 * index + 1] ?? '']);

/** A small HTTP server in front of the functions, for browsers, redirects and whoever else speaks HTTP. */
export const startApiGateway = async (
  invoke: InvokeRoute,
  observe: (request: HttpRequest, reply: HttpReply) => void = () => undefined,
) => {
  const server = createServer(async (incoming, response) => {
    const { method = 'GET', url: target = '/', rawHeaders } = incoming;
    const request: HttpRequest = { method, target, headers: pairs(rawHeaders), body: await buffer(incoming) };
    const reply = await passThrough(request, invoke);
    observe(request, reply);
    response.writeHead(reply.status, reply.headers.flat());
    response.end(reply.body);
  });
  const port = await listen(server);
  return { url: `http://localhost:${port}`, close: () => close(server) };
};
