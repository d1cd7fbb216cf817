import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { panelString } from '../../domain/identifiers.ts';
import type { Result } from '../../domain/result.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { oauthErrorReply, problemReply } from '../../protocol/error-replies.ts';
import { preferredLanguage } from '../../protocol/texts/index.ts';
import { correlated } from '../correlation/correlation.ts';
import { isPassingFault } from '../vaults/passing-fault.ts';

/** OAuth endpoints answer in the shape of RFC 6749 section 5.2, everything else with problem details (RFC 9457). */
export type ErrorShape = 'oauth' | 'problem';

export interface BrokerEnv {
  Variables: { requestId: string; errorShape: ErrorShape };
}

export type BrokerContext = Context<BrokerEnv>;

/** The same for who reads a request or replies to it: also one with more variables fits. */
export type AnyContext = Omit<BrokerContext, 'set'>;

/** Enough for every form and JSON of the broker. */
export const SMALL_BODY_BYTES = 64 * 1024;

/** Longer than every path of the broker; its parts become keys, and those have a limit in the table. */
const PATH_LIMIT = 512;

const REQUEST_ID_LENGTH = 16;

export const newRequestId = (random: Random): string => `req_${panelString(REQUEST_ID_LENGTH, random.bytes)}`;

/** The error as this request's reply, in its shape and its language. */
export const replyError = (c: AnyContext, error: BrokerError, extraHeaders: Record<string, string> = {}): Response => {
  const language = preferredLanguage(c.req.header('accept-language'));
  const render = c.get('errorShape') === 'oauth' ? oauthErrorReply : problemReply;
  const reply = render({ error, language, requestId: c.get('requestId') });
  return new Response(JSON.stringify(reply.body), {
    status: reply.status,
    headers: { 'Content-Type': reply.contentType, ...reply.headers, ...extraHeaders },
  });
};

/** The value as JSON, or the error as its reply. */
export const replyResult = <Value>(
  c: AnyContext,
  result: Result<Value, BrokerError>,
  toJson: (value: Value) => object,
  status: 200 | 201 | 202 = 200,
): Response => (result.ok ? c.json(toJson(result.value), status) : replyError(c, result.error));

/** What is thrown is a bug, unless it passes by itself: AWS throttles, or did not answer in time. Who asked is told to come again. */
export const kindOfThrown = (error: unknown): 'store_unavailable' | 'internal' =>
  isPassingFault(error) ? 'store_unavailable' : 'internal';

/**
 * What is thrown is a bug, unless the client hung up in the middle of its request, which makes the reading of it fail:
 * that must not alarm anybody.
 */
export const logThrown = (log: Log, c: AnyContext, error: unknown): void => {
  const hungUp = c.req.raw.signal.aborted;
  log[hungUp ? 'info' : 'error'](hungUp ? 'request.abandoned' : 'request.crashed', {
    method: c.req.method,
    path: c.req.path,
    kind: kindOfThrown(error),
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
};

/**
 * An app with what every reply of the broker has: a request id, no caching, no sniffing, errors in the documented shape,
 * a body limit. What is thrown is logged and answered without its text: with 503 where it passes by itself, else with 500.
 */
export const brokerApp = ({
  errorShape,
  log,
  random,
  bodyLimitBytes = SMALL_BODY_BYTES,
  tooLarge = brokerError('payload_too_large', `The limit is ${bodyLimitBytes} bytes.`),
}: {
  errorShape: ErrorShape;
  log: Log;
  random: Random;
  /** `none`: the app reads bodies as streams, and looks at their length by itself. */
  bodyLimitBytes?: number | 'none';
  tooLarge?: BrokerError;
}): Hono<BrokerEnv> => {
  // Node loads its fetch with the first of these, which takes a good half as long as all else at a start. There a function
  // has two processors, in a request a part of one (facts/aws.md section 3).
  new Response();
  const app = new Hono<BrokerEnv>();
  app.use(async (c, next) => {
    const requestId = newRequestId(random);
    c.set('requestId', requestId);
    c.set('errorShape', errorShape);
    await correlated({ request_id: requestId }, next);
    // Not `c.header`, which from here on makes a new response around the old one's stream each time.
    const { headers } = c.res;
    headers.set('X-Request-Id', requestId);
    headers.set('X-Content-Type-Options', 'nosniff');
    headers.set('Referrer-Policy', 'no-referrer');
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  });
  app.use(async (c, next) => (c.req.path.length > PATH_LIMIT ? replyError(c, brokerError('not_found')) : next()));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        return replyError(c, brokerError('method_not_allowed', `Allowed: ${allow}.`), { Allow: allow });
      },
    }),
  );
  if (bodyLimitBytes !== 'none') {
    app.use(bodyLimit({ maxSize: bodyLimitBytes, onError: (c) => replyError(c as BrokerContext, tooLarge) }));
  }
  app.notFound((c) => replyError(c, brokerError('not_found')));
  app.onError((error, c) => {
    logThrown(log, c, error);
    return replyError(c, brokerError(kindOfThrown(error)));
  });
  return app;
};
