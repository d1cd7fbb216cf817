import type { Hono } from 'hono';
// Marked deprecated in favour of a package that is not published yet; kept to this one file.
import { handle, type LambdaEvent } from 'hono/aws-lambda';
import type { BrokerEnv } from '../http/app.ts';

/** API Gateway decodes the path; these in it would end it, or be decoded once more. */
const NOT_IN_A_PATH = /[%?#\\\s\p{Cc}]/gu;

type HttpApiEvent = Extract<LambdaEvent, { routeKey: string }>;

/** An app behind API Gateway (HTTP API, payload 2.0, where form bodies arrive in base64). */
export const httpHandler = (app: Hono<BrokerEnv>) => {
  const answer = handle(app);
  return (event: HttpApiEvent) => {
    const { method } = event.requestContext.http;
    // Means nothing there (RFC 9110 section 9.3.1), and no `Request` can be made with it.
    const body = method === 'GET' || method === 'HEAD' ? null : event.body;
    return answer({ ...event, rawPath: event.rawPath.replace(NOT_IN_A_PATH, encodeURIComponent), body });
  };
};
