import { randomBytes } from 'node:crypto';
import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { sendJson } from '../http.ts';
import type { Draft, DraftStore } from './drafts.ts';
import { badRequest, jsonOf, LIMITS, PREFIX, tooLarge, UPLOADS } from './graph-requests.ts';
import { ApiRefusal, bodyOf, Ended, type mailboxTally, type Served } from './requests.ts';

interface Session {
  readonly draft: Draft;
  readonly name: string;
  readonly contentType: string;
  readonly contentId: string | undefined;
  readonly isInline: boolean;
  readonly sizeBytes: number;
  readonly path: string;
  stored: number;
}

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

/** Files put to drafts: small ones in one request, large ones by upload sessions. */
export const graphAttachments = (url: string, drafts: DraftStore, tally: ReturnType<typeof mailboxTally>) => {
  const sessions = new Map<string, Session>();

  const spendUpload = (user: string, bytes: number): void => {
    const wait = tally.spend(`${user} upload`, bytes, LIMITS.uploadBytes, LIMITS.uploadSeconds);
    if (wait !== undefined)
      throw new ApiRefusal(429, 'ApplicationThrottled', 'Application is over its upload limit.', wait);
  };

  const nameAndType = ({ name, contentType, contentId, isInline }: { readonly [name: string]: unknown }) => {
    if (typeof name !== 'string' || name === '') throw badRequest('The property name is required.');
    return {
      name,
      contentType: typeof contentType === 'string' ? contentType : 'application/octet-stream',
      contentId: typeof contentId === 'string' ? contentId : undefined,
      isInline: isInline === true,
    };
  };

  const attach = async (served: Served, draft: Draft): Promise<void> => {
    const body = await jsonOf(served);
    if (body['@odata.type'] !== '#microsoft.graph.fileAttachment')
      throw badRequest('The type of the attachment is missing.');
    const { contentBytes } = body;
    if (typeof contentBytes !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(contentBytes))
      throw badRequest('Cannot convert contentBytes to Edm.Binary.');
    const bytes = Buffer.from(contentBytes, 'base64');
    spendUpload(draft.user, bytes.length);
    const path = drafts.newPath();
    await writeFile(path, bytes, { mode: 0o600 });
    draft.attachments.push({ ...nameAndType(body), sizeBytes: bytes.length, path });
    sendJson(served.response, 201, {
      '@odata.type': '#microsoft.graph.fileAttachment',
      id: path.slice(-20),
      name: body.name,
    });
  };

  const createSession = async (served: Served, draft: Draft): Promise<void> => {
    const { AttachmentItem: item } = (await jsonOf(served)) as {
      AttachmentItem?: { readonly [name: string]: unknown };
    };
    if (item?.attachmentType !== 'file' || !Number.isInteger(item.size))
      throw badRequest('The AttachmentItem is not complete.');
    const sizeBytes = Number(item.size);
    if (sizeBytes < LIMITS.sessionFromBytes) {
      throw new ApiRefusal(
        400,
        'ErrorAttachmentSizeShouldNotBeLessThanMinimumSize',
        'Attachment size must be greater than the minimum size.',
      );
    }
    if (sizeBytes > LIMITS.sessionToBytes)
      throw new ApiRefusal(400, 'ErrorAttachmentSizeLimitExceeded', 'The attachment is too large.');
    const id = randomBytes(60).toString('base64url');
    const path = drafts.newPath();
    await writeFile(path, '', { mode: 0o600 });
    sessions.set(id, { draft, ...nameAndType(item), sizeBytes, path, stored: 0 });
    const uploadUrl = `${new URL(url).origin}${UPLOADS}${id}`;
    sendJson(served.response, 201, { uploadUrl, expirationDateTime: inAnHour(), nextExpectedRanges: ['0-'] });
  };

  const put = async (served: Served, id: string, session: Session): Promise<void> => {
    const { request, response } = served;
    if (request.headers.authorization !== undefined)
      throw new ApiRefusal(401, 'InvalidAuthenticationToken', 'This address takes no Authorization header.');
    if (request.headers['content-type'] !== 'application/octet-stream')
      throw badRequest('Content-Type must be application/octet-stream.');
    const [, first = '', last = '', total = ''] =
      /^bytes (\d+)-(\d+)\/(\d+)$/.exec(request.headers['content-range'] ?? '') ?? [];
    const length = Number(last) - Number(first) + 1;
    const isLast = Number(last) + 1 === session.sizeBytes;
    if (Number(total) !== session.sizeBytes || Number(request.headers['content-length']) !== length)
      throw badRequest('Content-Range and Content-Length do not fit.');
    if (Number(first) !== session.stored || Number(last) >= session.sizeBytes)
      throw new ApiRefusal(416, 'InvalidRange', 'The bytes must be uploaded in order.');
    if (length > LIMITS.requestBytes) throw tooLarge();
    if (!isLast && length % LIMITS.pieceMultipleBytes !== 0)
      throw badRequest('The size of a piece must be a multiple of 320 KiB.');
    spendUpload(session.draft.user, length);
    try {
      for await (const chunk of bodyOf(served)) await appendFile(session.path, chunk);
    } catch (error) {
      if (error instanceof Ended) await truncate(session.path, session.stored);
      throw error;
    }
    session.stored += length;
    if (!isLast)
      return sendJson(response, 200, { expirationDateTime: inAnHour(), NextExpectedRanges: [String(session.stored)] });
    sessions.delete(id);
    const { draft, name, contentType, contentId, isInline, sizeBytes, path } = session;
    draft.attachments.push({ name, contentType, contentId, isInline, sizeBytes, path });
    response
      .writeHead(201, {
        location: `${new URL(url).origin}${PREFIX}/attachments/${id.slice(0, 20)}`,
        'content-length': 0,
      })
      .end();
  };

  const upload = async (served: Served, id: string): Promise<void> => {
    const session = sessions.get(id);
    if (session === undefined) throw new ApiRefusal(404, 'ErrorItemNotFound', 'The upload session was not found.');
    if (served.request.method === 'PUT') return put(served, id, session);
    if (served.request.method !== 'GET') throw badRequest('Not known here.');
    sendJson(served.response, 200, {
      expirationDateTime: inAnHour(),
      nextExpectedRanges: [`${session.stored}-${session.sizeBytes - 1}`],
    });
  };

  return { attach, createSession, upload };
};
