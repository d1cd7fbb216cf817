import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { nameOf } from '../../../shared/adapters/mime/fields.ts';
import { openMessage } from '../../../shared/adapters/mime/message-head.ts';
import { sameAddress } from '../../../shared/domain/provider.ts';
import { sendJson } from '../http.ts';
import { headerText, isAddress, outgoingFields, readHeader } from './mime-header.ts';
import {
  type ApiOptions,
  ApiRefusal,
  type ApiStandIn,
  bodyOf,
  Ended,
  mailboxTally,
  type Served,
  serveApi,
} from './requests.ts';

/** Facts G17 and G18; "Upload attachments" for the multiple. */
const LIMITS = {
  messageBytes: 36_700_160,
  pieceMultipleBytes: 256 * 1024,
  sendsPerMinute: 60,
  sendsPerDay: 2000,
} as const;

const PREFIX = '/gmail';
const SEND_PATH = `${PREFIX}/upload/gmail/v1/users/me/messages/send`;

interface Upload {
  readonly user: string;
  readonly path: string;
  stored: number;
  sent: { readonly id: string } | undefined;
  /** Its requests are served one after the other: what broke off is written down before the next one is answered. */
  turn: Promise<void>;
}

const refuse = (response: ServerResponse, { status, code, message, retryAfterSeconds }: ApiRefusal): void => {
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  const errors = [{ domain: 'global', reason: code, message }];
  sendJson(response, status, { error: { code: status, message, errors } });
};

const badRequest = (message: string) => new ApiRefusal(400, 'badRequest', message);

/** `users.messages.send` of the Gmail API by resumable upload, as its documentation has it; nothing else of it. */
export const gmailStandIn = ({ url, folder, verifyToken, deliver }: ApiOptions): ApiStandIn => {
  const uploads = new Map<string, Upload>();
  const tally = mailboxTally();

  const userOf = async ({ request }: Served): Promise<string> => {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const verdict = await verifyToken(token);
    if (verdict.outcome === 'valid') return verdict.address;
    if (verdict.why === 'scope_missing') {
      throw new ApiRefusal(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.');
    }
    throw new ApiRefusal(401, 'authError', 'Invalid Credentials');
  };

  const begin = async (served: Served): Promise<void> => {
    const { request, response, url: asked } = served;
    const user = await userOf(served);
    if (asked.searchParams.get('uploadType') !== 'resumable')
      throw badRequest('Only resumable uploads are known here.');
    if (request.headers['x-upload-content-type'] !== 'message/rfc822') throw badRequest('Media type is not supported.');
    for await (const _ of bodyOf(served)) throw badRequest('Metadata is not known here.');
    const id = randomBytes(24).toString('base64url');
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${id}.part`);
    await writeFile(path, '', { mode: 0o600 });
    uploads.set(id, { user, path, stored: 0, sent: undefined, turn: Promise.resolve() });
    response.writeHead(200, {
      location: `${new URL(url).origin}${SEND_PATH}?uploadType=resumable&upload_id=${id}`,
      'content-length': 0,
    });
    response.end();
  };

  const incomplete = (response: ServerResponse, { stored }: Upload): void => {
    response.writeHead(308, { ...(stored > 0 && { range: `bytes=0-${stored - 1}` }), 'content-length': 0 }).end();
  };

  const finish = async (upload: Upload): Promise<{ readonly id: string }> => {
    const { header, rest } = await openMessage(createReadStream(upload.path));
    const { fields, from, recipients } = readHeader(header);
    const { user } = upload;
    const invalid = recipients.find((address) => !isAddress(address));
    if (recipients.length === 0) throw new ApiRefusal(400, 'invalidArgument', 'Recipient address required');
    if (invalid !== undefined) throw new ApiRefusal(400, 'invalidArgument', 'Invalid To header');
    const dayWait = tally.spend(`${user} day`, 1, LIMITS.sendsPerDay, 86_400);
    if (dayWait !== undefined) throw overLimit(dayWait, ' (Mail sending)');
    const minuteWait = tally.spend(`${user} minute`, 1, LIMITS.sendsPerMinute, 60);
    if (minuteWait !== undefined) throw overLimit(minuteWait, '');
    // Gmail sends as the account, whatever the message says, unless that is one of its aliases.
    const isOwn = from !== undefined && sameAddress(from, user);
    const sender = isOwn ? [] : [`From: ${user}`, ...(from === undefined ? [] : [`X-Google-Original-From: ${from}`])];
    const kept = outgoingFields(fields).filter((field) => isOwn || nameOf(field) !== 'from');
    const content = async function* () {
      yield headerText([...sender, ...kept]);
      yield* rest;
    };
    const facts = {
      provider: 'google',
      user,
      envelopeFrom: user,
      envelopeTo: recipients,
      mechanism: 'Gmail API',
    } as const;
    const message = await deliver(content(), facts);
    upload.sent = { id: message.id };
    await rm(upload.path, { force: true });
    return upload.sent;
  };

  const overLimit = (seconds: number, kind: string) => {
    const until = new Date(Date.now() + seconds * 1000).toISOString();
    return new ApiRefusal(429, 'rateLimitExceeded', `User-rate limit exceeded.  Retry after ${until}${kind}`);
  };

  const put = async (served: Served): Promise<void> => {
    const upload = uploads.get(served.url.searchParams.get('upload_id') ?? '');
    if (upload === undefined) throw new ApiRefusal(404, 'notFound', 'Upload not found');
    const answered = upload.turn.then(() => putInto(upload, served));
    upload.turn = answered.catch(() => undefined);
    return answered;
  };

  const putInto = async (upload: Upload, served: Served): Promise<void> => {
    const { request, response } = served;
    const answer = (sent: { readonly id: string }) =>
      sendJson(response, 200, { id: sent.id, threadId: sent.id, labelIds: ['SENT'] });
    const range = request.headers['content-range'] ?? '';
    if (/^bytes \*\/(\*|\d+)$/.test(range)) return upload.sent ? answer(upload.sent) : incomplete(response, upload);
    const [, first = '', last = '', total = ''] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? [];
    if (total === '') throw badRequest('Failed to parse Content-Range header.');
    if (upload.sent || Number(first) !== upload.stored)
      throw badRequest('Invalid request. The range does not follow on what is stored.');
    const length = Number(last) - Number(first) + 1;
    if (Number(request.headers['content-length']) !== length)
      throw badRequest('Content-Length does not fit the range.');
    if (total === '*' && length % LIMITS.pieceMultipleBytes !== 0)
      throw badRequest('The size of a piece must be a multiple of 262144 bytes.');
    if (total !== '*' && Number(total) !== Number(last) + 1)
      throw badRequest('Invalid request. The last piece is not the last.');
    if (Number(last) >= LIMITS.messageBytes) throw new ApiRefusal(413, 'uploadTooLarge', 'Request Too Large');
    try {
      for await (const chunk of bodyOf(served)) await appendFile(upload.path, chunk);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      // What came in whole blocks is kept.
      const { size } = await stat(upload.path);
      upload.stored += size - upload.stored - ((size - upload.stored) % LIMITS.pieceMultipleBytes);
      await truncate(upload.path, upload.stored);
      throw error;
    }
    upload.stored += length;
    if (total === '*') return incomplete(response, upload);
    answer(await finish(upload));
  };

  const { board, handle } = serveApi({
    placeOf: ({ method, headers }, path) => {
      if (path !== SEND_PATH) return 'unknown';
      if (method === 'POST') return 'begin';
      if (method !== 'PUT') return 'unknown';
      if (headers['content-range']?.startsWith('bytes *')) return 'state';
      return headers['content-range']?.endsWith('/*') ? 'piece' : 'last-piece';
    },
    serve: async (served, place) => {
      if (place === 'unknown') throw new ApiRefusal(404, 'notFound', 'Not Found');
      return place === 'begin' ? begin(served) : put(served);
    },
    refuse,
  });
  return {
    url,
    setFault: board.set,
    clearFaults: board.clear,
    counters: () => ({ ...board.counters(), concurrent: tally.concurrent() }),
    unfinished: () => [...uploads.values()].filter(({ sent }) => sent === undefined).length,
    handle,
  };
};
