import type { ApiAnswer } from '../api-http/api-call.ts';
import { type Chunk, inChunks } from '../streams/chunks.ts';

/** A multiple of 256 KiB, as all pieces but the last must be (Gmail API, "Upload attachments"). One is held in memory. */
const CHUNK_BYTES = 2 * 1024 * 1024;

/** A connection that breaks more often than this with one message is no connection to send by. */
const RESUMPTIONS = 5;

export type UploadEnd =
  | { readonly outcome: 'sent'; readonly id: string }
  | { readonly outcome: 'refused'; readonly step: 'prepare' | 'send'; readonly answer: ApiAnswer }
  /** The server says that it is not complete, and wants what cannot be given any more, or takes nothing. */
  | { readonly outcome: 'stuck'; readonly at: number }
  /** All of it was handed over, and the API does not say what became of it. */
  | { readonly outcome: 'unknown'; readonly reason: string };

export type Put = (request: {
  readonly method: 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}) => Promise<ApiAnswer>;

/** Where a status query, or a piece, has led. `next`: the octet that the server waits for. */
type Position = { readonly next: number } | { readonly end: UploadEnd };

const DONE: readonly number[] = [200, 201];

/** 308, not in the sense of RFC 9110: the upload is not complete. `Range` names the last octet that was stored. */
const nextOf = (headers: Headers): number => {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(headers.get('range') ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
};

/**
 * Uploads a message piece by piece, and it is sent when the last one is there. Where a connection breaks, the server is asked
 * how far it has come: that also tells whether a message was sent whose reply was lost. Nothing is sent twice by it.
 */
export const uploadMessage = async (message: AsyncIterable<Buffer>, put: Put): Promise<UploadEnd> => {
  let resumptions = 0;
  let wholeHandedOver = false;

  const ask = async (failed: ApiAnswer, step: 'prepare' | 'send'): Promise<Position> => {
    const refused = { end: { outcome: 'refused', step, answer: failed } } as const;
    const reason = failed.outcome === 'unreachable' ? failed.reason : String(failed.status);
    const lost: Position = wholeHandedOver ? { end: { outcome: 'unknown', reason } } : refused;
    if (resumptions++ >= RESUMPTIONS) return lost;
    const answer = await put({ method: 'PUT', headers: { 'content-range': 'bytes */*' }, body: new Uint8Array() });
    if (answer.outcome === 'unreachable') return lost;
    if (answer.status === 308) {
      // It wants more, so nothing was sent yet.
      wholeHandedOver = false;
      return { next: nextOf(answer.headers) };
    }
    return DONE.includes(answer.status) ? { end: endOf(answer) } : lost;
  };

  const putPiece = async ({ bytes, offset, isLast }: Chunk, from: number): Promise<Position> => {
    const end = offset + bytes.length;
    const headers = {
      'content-type': 'message/rfc822',
      'content-range': `bytes ${from}-${end - 1}/${isLast ? end : '*'}`,
    };
    const answer = await put({ method: 'PUT', headers, body: bytes.subarray(from - offset) });
    const step = isLast ? 'send' : 'prepare';
    if (answer.outcome === 'unreachable') {
      if (isLast && answer.handedOver === 'all') wholeHandedOver = true;
      return ask(answer, step);
    }
    if (answer.status === 308) return { next: nextOf(answer.headers) };
    if (DONE.includes(answer.status) && isLast) return { end: endOf(answer) };
    // Said of this request, not of the message (Gmail API, "Resume an interrupted upload").
    if ([500, 502, 504].includes(answer.status)) {
      if (isLast) wholeHandedOver = true;
      return ask(answer, step);
    }
    return { end: { outcome: 'refused', step, answer } };
  };

  for await (const chunk of inChunks(message, CHUNK_BYTES)) {
    const end = chunk.offset + chunk.bytes.length;
    for (let from = chunk.offset; from < end; ) {
      const position = await putPiece(chunk, from);
      if ('end' in position) return position.end;
      const { next } = position;
      if (next === end && chunk.isLast) return { outcome: 'unknown', reason: 'complete, and not accepted' };
      const isStuck = next === from && resumptions++ >= RESUMPTIONS;
      if (isStuck || next < chunk.offset || next > end) return { outcome: 'stuck', at: next };
      from = next;
    }
  }
  throw new Error('an upload ended without its last piece');
};

/** `{"id": "...", "threadId": "..."}` is a message that was sent. */
const endOf = (answer: Extract<ApiAnswer, { outcome: 'replied' }>): UploadEnd => {
  const id = answer.body?.id;
  return typeof id === 'string'
    ? { outcome: 'sent', id }
    : { outcome: 'unknown', reason: `${answer.status} without a message` };
};
