import type { Hono } from 'hono';
// Marked deprecated in favour of a package that is not published yet; kept to this one file.
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import { correlated } from '../correlation/correlation.ts';
import type { BrokerEnv } from '../http/app.ts';
import { type Invocation, invokedAs } from './invocation.ts';

/** API Gateway decodes the path; these in it would end it, or be decoded once more. */
const NOT_IN_A_PATH = /[%?#\\\s\p{Cc}]/gu;

type HttpApiEvent = Extract<LambdaEvent, { routeKey: string }>;
type RestApiEvent = Extract<LambdaEvent, { resource: string }>;

const escaped = (path: string): string => path.replace(NOT_IN_A_PATH, encodeURIComponent);

/** One with GET means nothing (RFC 9110 section 9.3.1), and no `Request` can be made with it. */
const bodyWith = (method: string, body: string | null): string | null =>
  method === 'GET' || method === 'HEAD' ? null : body;

const tidied = (event: HttpApiEvent | RestApiEvent): HttpApiEvent | RestApiEvent =>
  'rawPath' in event
    ? { ...event, rawPath: escaped(event.rawPath), body: bodyWith(event.requestContext.http.method, event.body) }
    : { ...event, path: escaped(event.path), body: bodyWith(event.httpMethod, event.body) };

/**
 * An app behind API Gateway: an HTTP API (payload 2.0, where form bodies arrive in base64), or the REST API for old devices
 * (payload 1.0, where all bodies do; infra/front/legacy-front.ts).
 */
export const httpHandler = (app: Hono<BrokerEnv>) => {
  const answer = handle(app);
  return (event: HttpApiEvent | RestApiEvent, invocation?: Invocation) => {
    const from = { api_request_id: event.requestContext.requestId, ...invokedAs(invocation) };
    return correlated(from, () => answer(tidied(event)));
  };
};
