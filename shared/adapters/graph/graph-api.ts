import type { ApiStep } from '../../domain/api-replies.ts';
import { cleanReply } from '../../domain/mail-replies.ts';
import type { AttemptFailure } from '../../domain/submission.ts';
import type { ApiAnswer, ApiCaller, ApiRequest } from '../api-http/api-call.ts';
import { failureOf, type ReadReply } from '../api-http/api-failure.ts';
import { isJsonObject } from '../http-client/json-object.ts';

export type Replied = Extract<ApiAnswer, { outcome: 'replied' }>;

/** Requests to one mailbox. */
export interface GraphApi {
  /** `path` begins with `/me/`. */
  ask(request: Omit<ApiRequest, 'url'> & { readonly path: string }): Promise<ApiAnswer>;
  /** To an address that is a credential by itself: without the token. */
  askElsewhere: ApiCaller;
  failure(step: ApiStep, answer: ApiAnswer): AttemptFailure;
  /** What was said by a reply that says that the message is sent. */
  accepted(answer: Replied): string;
}

export interface GraphAccess {
  readonly url: string;
  readonly accessToken: string;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `{"error": {"code", "message", "innerError": {"request-id"}}}` (Graph, "Error responses"). */
const readReply = ({ status, body, headers }: Replied): ReadReply => {
  const error = isJsonObject(body?.error) ? body.error : {};
  const inner = isJsonObject(error.innerError) ? error.innerError : {};
  return {
    line: [String(status), textOf(error.code), textOf(error.message)].filter(Boolean).join(' '),
    requestId: textOf(inner['request-id']) ?? headers.get('request-id') ?? undefined,
  };
};

export const graphApi = (call: ApiCaller, { url, accessToken }: GraphAccess): GraphApi => ({
  ask: ({ path, headers, ...request }) =>
    call({ ...request, url: `${url}${path}`, headers: { ...headers, authorization: `Bearer ${accessToken}` } }),
  askElsewhere: call,
  failure: (step, answer) => failureOf('microsoft', step, answer, readReply, accessToken),
  accepted: ({ status, headers }) => {
    const requestId = headers.get('request-id');
    return cleanReply(`${status} Accepted${requestId === null ? '' : ` (request ${requestId})`}`, [accessToken]);
  },
});
