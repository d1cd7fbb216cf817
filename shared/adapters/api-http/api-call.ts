import { type JsonObject, parseJsonObject } from '../http-client/json-object.ts';
import { noReplyReason, replyText } from '../http-client/reply.ts';
import { retryAfterSeconds } from '../http-client/retry-after.ts';

/** What became of one request to a provider's API. */
export type ApiAnswer =
  | {
      readonly outcome: 'replied';
      readonly status: number;
      readonly headers: Headers;
      readonly retryAfterSeconds: number | undefined;
      /** Undefined where the reply was not one JSON object. */
      readonly body: JsonObject | undefined;
    }
  | {
      readonly outcome: 'unreachable';
      /** A short word: `time-out`, `ECONNREFUSED`. */
      readonly reason: string;
      /** `all` of the request had left this process, so that the server may have acted on it; or `nothing` had. */
      readonly handedOver: 'nothing' | 'part' | 'all';
    };

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface ApiLimits {
  /** One request, its reply included: whoever hangs up too soon sends twice. */
  readonly requestMs: number;
  /** All requests of one message together. */
  readonly overallMs: number;
}

export type ApiCaller = (request: ApiRequest) => Promise<ApiAnswer>;

/** Replies of both APIs are a few KB; it only stops a peer that never ends. */
const REPLY_LIMIT_BYTES = 256 * 1024;

/** In slices, so that it is known how much of a body has left; each as large as what Node buffers of a connection. */
const SLICE_BYTES = 64 * 1024;

/** Before there was a connection, nothing was handed over. */
const UNCONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$|CERT|^ERR_(SSL|TLS)_/;

/**
 * Requests of one message, over Node's own `fetch`: `NODE_USE_ENV_PROXY`, or the composition's proxy, holds for them (R9).
 * Nothing is repeated here, and no redirect is followed: it would take the token elsewhere.
 */
export const apiCaller = ({ requestMs, overallMs }: ApiLimits): ApiCaller => {
  const overall = AbortSignal.timeout(overallMs);
  return async ({ method, url, headers = {}, body }) => {
    let isWhole = body === undefined || body.length === 0;
    const slices = async function* (bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
        isWhole = at + SLICE_BYTES >= bytes.length;
        yield bytes.subarray(at, at + SLICE_BYTES);
      }
    };
    const content = body && {
      body: body.length === 0 ? body : slices(body),
      headers: { ...headers, 'content-length': String(body.length) },
      duplex: 'half',
    };
    try {
      const reply = await fetch(url, {
        method,
        headers,
        ...content,
        redirect: 'manual',
        signal: AbortSignal.any([overall, AbortSignal.timeout(requestMs)]),
      } as RequestInit);
      return {
        outcome: 'replied',
        status: reply.status,
        headers: reply.headers,
        retryAfterSeconds: retryAfterSeconds(reply.headers.get('retry-after'), Date.now()),
        // The status came, and says more than what is missing of the body.
        body: parseJsonObject(await replyText(reply, REPLY_LIMIT_BYTES).catch(() => '')),
      };
    } catch (error) {
      const reason = noReplyReason(error);
      const handedOver = isWhole ? 'all' : 'part';
      return { outcome: 'unreachable', reason, handedOver: UNCONNECTED.test(reason) ? 'nothing' : handedOver };
    }
  };
};
