import type { ApiAnswer } from '../api-http/api-call.ts';
import type { ReadReply } from '../api-http/api-failure.ts';
import { isJsonObject } from '../http-client/json-object.ts';
import { retryAfterSeconds } from '../http-client/retry-after.ts';

type Replied = Extract<ApiAnswer, { outcome: 'replied' }>;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Gmail names the end of a limit in its words alone: `User-rate limit exceeded.  Retry after 2027-01-04T09:30:00.000Z`. */
const RETRY_AFTER = /Retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)/;

/** `{"error": {"code", "message", "status", "errors": [{"reason"}]}}` (Gmail API, "Resolve errors"). */
export const readGmailReply = ({ status, body, headers }: Replied): ReadReply => {
  const error = isJsonObject(body?.error) ? body.error : {};
  const [first] = Array.isArray(error.errors) ? error.errors : [];
  const reason = textOf(isJsonObject(first) ? first.reason : undefined) || textOf(error.status);
  const line = [status, reason, textOf(error.message)].filter(Boolean).join(' ');
  const named = RETRY_AFTER.exec(line)?.[1];
  return {
    line,
    requestId: headers.get('x-request-id') ?? undefined,
    ...(named !== undefined && { retryAfterSeconds: retryAfterSeconds(named, Date.now()) }),
  };
};
