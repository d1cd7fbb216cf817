import type { Readable } from 'node:stream';
import { INSECURE_URL, isSecureUrl } from '../../domain/secure-url.ts';
import { type JsonObject, parseJsonObject } from '../http-client/json-object.ts';
import { noReplyReason, replyText } from '../http-client/reply.ts';
import { retryAfterSeconds } from '../http-client/retry-after.ts';

export interface BrokerRequest {
  readonly method: 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | { readonly stream: Readable; readonly sizeBytes: number };
  /** The reply included. */
  readonly timeoutMs: number;
}

/** What became of one request. Nothing in it is secret, but what the broker itself has put into its reply. */
export type BrokerReply =
  | {
      readonly outcome: 'replied';
      readonly status: number;
      readonly headers: Headers;
      readonly retryAfterSeconds: number | undefined;
      /** Undefined where the reply was not one JSON object. */
      readonly json: JsonObject | undefined;
    }
  /** A short word: `time-out`, `ECONNREFUSED`. */
  | { readonly outcome: 'unreachable'; readonly reason: string };

/** The broker's longest reply is a report's; it only stops a peer that never ends. */
const REPLY_LIMIT_BYTES = 1024 * 1024;

/** Where the broker is; a path of it stays. Throws `TypeError` where that is no URL, or one that tells secrets to the network. */
export const brokerBase = (brokerUrl: string): URL => {
  const base = new URL(brokerUrl.replace(/\/*$/, '/'));
  if (!isSecureUrl(base)) throw new TypeError(`The broker's address ${INSECURE_URL}.`);
  return base;
};

/**
 * One request, over Node's own `fetch`, which keeps connections for the next, and takes the proxy of the composition (R9). No
 * redirect is followed: it would take the credential elsewhere. Throws what reading the content throws.
 */
export const askBroker = async ({ method, url, headers, body, timeoutMs }: BrokerRequest): Promise<BrokerReply> => {
  const stream = typeof body === 'object' && 'stream' in body ? body.stream : undefined;
  const sizeBytes = typeof body === 'object' && 'stream' in body ? body.sizeBytes : undefined;
  try {
    const reply = await fetch(url, {
      method,
      headers: { ...headers, ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }) },
      body: stream ?? body,
      ...(stream && { duplex: 'half' }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    } as RequestInit);
    return {
      outcome: 'replied',
      status: reply.status,
      headers: reply.headers,
      retryAfterSeconds: retryAfterSeconds(reply.headers.get('retry-after'), Date.now()),
      json: parseJsonObject(await replyText(reply, REPLY_LIMIT_BYTES)),
    };
  } catch (error) {
    if (stream?.errored) throw stream.errored;
    return { outcome: 'unreachable', reason: noReplyReason(error) };
  } finally {
    stream?.destroy();
  }
};
