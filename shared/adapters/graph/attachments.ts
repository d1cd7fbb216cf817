import type { AttemptFailure } from '../../domain/submission.ts';
import type { TakenPart } from '../mime/take-apart.ts';
import { inChunks } from '../streams/chunks.ts';
import type { GraphApi, Replied } from './graph-api.ts';

/** From here on a file needs an upload session, and below it a session is refused (facts M71). */
const SESSION_FROM_BYTES = 3_000_000;

/** A multiple of 320 KiB below 4 MB (Graph, "Attach large files"). One is held in memory. */
const PIECE_BYTES = 6 * 320 * 1024;

/** A connection that breaks more often than this with one file is no connection to send by. */
const RESUMPTIONS = 5;

const JSON_TYPE = { 'content-type': 'application/json' };
const jsonOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Undefined: it is attached. */
export const attach = (part: TakenPart, draftPath: string, api: GraphApi): Promise<AttemptFailure | undefined> =>
  part.sizeBytes < SESSION_FROM_BYTES ? attachAtOnce(part, draftPath, api) : upload(part, draftPath, api);

const describe = ({ fileName, mediaType, contentId, isInline }: TakenPart) => ({
  name: fileName,
  contentType: mediaType,
  isInline,
  ...(contentId !== undefined && { contentId }),
});

const attachAtOnce = async (part: TakenPart, draftPath: string, api: GraphApi): Promise<AttemptFailure | undefined> => {
  const pieces: Buffer[] = [];
  for await (const bytes of part.content()) pieces.push(bytes);
  const contentBytes = Buffer.concat(pieces).toString('base64');
  const body = jsonOf({ '@odata.type': '#microsoft.graph.fileAttachment', ...describe(part), contentBytes });
  const answer = await api.ask({ method: 'POST', path: `${draftPath}/attachments`, headers: JSON_TYPE, body });
  return answer.outcome === 'replied' && answer.status === 201 ? undefined : api.failure('prepare', answer);
};

const upload = async (part: TakenPart, draftPath: string, api: GraphApi): Promise<AttemptFailure | undefined> => {
  const path = `${draftPath}/attachments/createUploadSession`;
  const body = jsonOf({ AttachmentItem: { attachmentType: 'file', ...describe(part), size: part.sizeBytes } });
  const begun = await api.ask({ method: 'POST', path, headers: JSON_TYPE, body });
  if (begun.outcome !== 'replied' || begun.status !== 201) return api.failure('prepare', begun);
  const url = begun.body?.uploadUrl;
  if (typeof url !== 'string' || !URL.canParse(url)) return api.failure('prepare', begun);
  return putPieces(part, url, api);
};

/** `"NextExpectedRanges": ["2097152"]`, or `"nextExpectedRanges": ["2097152-3483321"]`: the documentation has both. */
const nextOf = ({ body }: Replied): number | undefined => {
  const ranges = body?.nextExpectedRanges ?? body?.NextExpectedRanges;
  const [first] = Array.isArray(ranges) ? ranges : [];
  const start = typeof first === 'string' ? /^\d+/.exec(first)?.[0] : undefined;
  return start === undefined ? undefined : Number(start);
};

const putPieces = async (part: TakenPart, url: string, api: GraphApi): Promise<AttemptFailure | undefined> => {
  let resumptions = 0;
  for await (const { bytes, offset, isLast } of inChunks(part.content(), PIECE_BYTES)) {
    const end = offset + bytes.length;
    for (let from = offset; from < end; ) {
      const answer = await api.askElsewhere({
        method: 'PUT',
        url,
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `bytes ${from}-${end - 1}/${part.sizeBytes}`,
        },
        body: bytes.subarray(from - offset),
      });
      if (answer.outcome === 'replied' && answer.status === 201 && isLast) return undefined;
      const isTaken = answer.outcome === 'replied' && [200, 202].includes(answer.status);
      const mayResume = answer.outcome === 'unreachable' || [500, 502, 504].includes(answer.status);
      if (!isTaken && (!mayResume || resumptions++ >= RESUMPTIONS)) return api.failure('prepare', answer);
      // The server knows best how far it has come (Graph, "Attach large files", step 3).
      const state = isTaken ? answer : await api.askElsewhere({ method: 'GET', url });
      const next = state.outcome === 'replied' && [200, 202].includes(state.status) ? nextOf(state) : undefined;
      const isStuck = isTaken && next === from && resumptions++ >= RESUMPTIONS;
      if (next === undefined || isStuck || next < offset || next > end) return api.failure('prepare', answer);
      from = next;
    }
  }
  return stuck();
};

const stuck = (): AttemptFailure => ({
  outcome: 'deferred',
  reason: 'mail_server_unavailable',
  response: 'A file was uploaded whole, and the API did not say that it is attached.',
});
