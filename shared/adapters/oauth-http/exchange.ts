import { type JsonObject, parseJsonObject } from '../http-client/json-object.ts';
import { noReplyReason, replyText } from '../http-client/reply.ts';
import { retryAfterSeconds } from '../http-client/retry-after.ts';
import { authenticatedRequest } from './client-authentication.ts';
import type { OAuthEndpoints } from './endpoints.ts';

/** What became of one request to an OAuth endpoint, as it came over the wire. */
export type Exchange =
  | {
      readonly outcome: 'replied';
      readonly status: number;
      readonly retryAfterSeconds?: number;
      /** Undefined when the reply was not one JSON object. */
      readonly body: JsonObject | undefined;
    }
  /** `reason` is a short word: `time-out`, `ECONNREFUSED`, `too large`. */
  | { readonly outcome: 'unreachable'; readonly reason: string };

export interface ExchangeOptions {
  /** Ends the request, reply included. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; for `Retry-After` dates. */
  readonly now?: (() => number) | undefined;
  /** The server that is asked, where it is not the provider's own. */
  readonly endpoints?: OAuthEndpoints | undefined;
}

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** An access token with many groups and an ID token stay far below; it only stops a peer that never ends. */
const REPLY_LIMIT_BYTES = 256 * 1024;

/** Statuses whose Response may not be built with a body (Fetch standard, "null body status"). */
const NULL_BODY_STATUSES: readonly number[] = [204, 205, 304];

/**
 * Lets a vendor's library make its one request through a recording `fetch`, and returns what came over the wire. The
 * libraries drop what decides the outcome (status, `Retry-After`, a rotated refresh token), and their errors may carry
 * the refresh token; so neither their results nor their errors leave this function.
 *
 * Node's own `fetch` is used, so `NODE_USE_ENV_PROXY` makes it obey `HTTPS_PROXY` and `NO_PROXY`.
 */
export const exchangeThrough = async (
  library: (recordingFetch: Fetch) => Promise<unknown>,
  options: ExchangeOptions,
): Promise<Exchange> => {
  let exchange: Exchange | undefined;
  const recordingFetch: Fetch = async (url, init) => {
    if (exchange !== undefined) throw new Error('one call is one request');
    const { recorded, response } = await send(url, init, options);
    exchange = recorded;
    return response();
  };
  let failure = 'nothing went wrong';
  try {
    await library(recordingFetch);
  } catch (error) {
    // The wire has said it all, unless the library gave up before it asked: that is a bug of ours.
    failure = error instanceof Error ? error.name : 'unknown';
  }
  if (exchange === undefined) throw new Error(`the OAuth library sent no request (${failure})`);
  return exchange;
};

const send = async (
  url: string | URL,
  init: RequestInit | undefined,
  { signal, now = Date.now, endpoints }: ExchangeOptions,
): Promise<{ readonly recorded: Exchange; readonly response: () => Response }> => {
  try {
    const asked: RequestInit = {
      ...(init?.method !== undefined && { method: init.method }),
      ...(init?.headers !== undefined && { headers: init.headers }),
      ...(init?.body !== undefined && { body: init.body }),
    };
    const reply = await fetch(url, {
      ...authenticatedRequest(asked, endpoints),
      // A token endpoint does not redirect; following would post the secrets elsewhere (RFC 9700 section 4.12).
      redirect: 'manual',
      signal,
    });
    const text = await replyText(reply, REPLY_LIMIT_BYTES);
    const retryAfter = retryAfterSeconds(reply.headers.get('retry-after'), now());
    return {
      recorded: {
        outcome: 'replied',
        status: reply.status,
        ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }),
        body: parseJsonObject(text),
      },
      response: () =>
        new Response(NULL_BODY_STATUSES.includes(reply.status) ? null : text, {
          status: reply.status,
          headers: reply.headers,
        }),
    };
  } catch (error) {
    const reason = noReplyReason(error);
    return {
      recorded: { outcome: 'unreachable', reason },
      response: () => {
        throw new Error(`no reply: ${reason}`);
      },
    };
  }
};
