import * as v from 'valibot';
import type { BrokerError } from '../../domain/errors.ts';
import { ok, type Result } from '../../domain/result.ts';
import { isSecureUrl } from '../../domain/secure-url.ts';
import type { PassedMessage } from '../../ports/gateway-link.ts';
import { answerIn, unreachable } from './broker-answer.ts';
import { askBroker } from './broker-call.ts';

/** The reply to `POST /v1/uploads` (`protocol/upload.ts`), in the domain's spelling; of headers the names are data. */
const LINK = v.object({ uploadId: v.string(), url: v.pipe(v.string(), v.url()) });
const HEADERS = v.object({ headers: v.record(v.string(), v.string()) });

/** Uploads a message with the gateway's own credential, and gives the upload's id. Each time anew: it can be repeated. */
export const uploadMessage = async (
  {
    base,
    own,
    timeoutMs,
    contentTimeoutMs,
  }: {
    readonly base: URL;
    readonly own: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
    readonly contentTimeoutMs: number;
  },
  message: Pick<PassedMessage, 'sizeBytes' | 'open'>,
): Promise<Result<string, BrokerError>> => {
  const { sizeBytes } = message;
  const begun = await askBroker({
    method: 'POST',
    url: new URL('v1/uploads', base),
    headers: { ...own, 'content-type': 'application/json' },
    body: JSON.stringify({ size_bytes: sizeBytes }),
    timeoutMs,
  });
  const link = answerIn(begun, LINK);
  if (!link.ok) return link;
  const given = v.safeParse(HEADERS, begun.outcome === 'replied' ? begun.json : undefined);
  const url = new URL(link.value.url);
  if (!given.success || !isSecureUrl(url)) return unreachable('The broker gave no proper link to upload to.');
  const { headers } = given.output;
  const put = await askBroker({
    method: 'PUT',
    url,
    headers,
    body: { stream: await message.open(), sizeBytes },
    timeoutMs: contentTimeoutMs,
  });
  // The storage behind the link speaks no language of the broker's; and whatever went wrong, a new upload may be right.
  if (put.outcome === 'replied' && put.status >= 200 && put.status < 300) return ok(link.value.uploadId);
  const why = put.outcome === 'replied' ? `HTTP status ${put.status}` : put.reason;
  return unreachable(`The message could not be uploaded (${why}).`);
};
