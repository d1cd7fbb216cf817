import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { openMessage } from '../../../shared/adapters/mime/message-head.ts';
import { sameAddress } from '../../../shared/domain/provider.ts';
import { sendJson } from '../http.ts';
import { type Draft, draftStore } from './drafts.ts';
import { graphAttachments } from './graph-attachments.ts';
import {
  badRequest,
  jsonOf,
  LIMITS,
  notFound,
  PREFIX,
  REFUSED_TOKEN,
  refuse,
  routeOf,
  tooLarge,
  UPLOADS,
} from './graph-requests.ts';
import { headerText, isAddress, outgoingFields, type ReadHeader, readHeader } from './mime-header.ts';
import {
  type ApiOptions,
  ApiRefusal,
  type ApiStandIn,
  bodyOf,
  mailboxTally,
  type Served,
  serveApi,
  wholeBody,
} from './requests.ts';

const isImmutable = ({ headers }: IncomingMessage): boolean =>
  /IdType="ImmutableId"/.test(String(headers.prefer ?? ''));

/** What of Microsoft Graph sends mail: `sendMail` with MIME, and drafts with attachments, as their documentation has them. */
export const graphStandIn = ({ url, folder, verifyToken, deliver }: ApiOptions): ApiStandIn => {
  const drafts = draftStore(folder);
  const tally = mailboxTally();
  const { attach, createSession, upload } = graphAttachments(url, drafts, tally);

  const userOf = async ({ request }: Served, need: string): Promise<string> => {
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const verdict = await verifyToken(token, need);
    if (verdict.outcome === 'valid') return verdict.address;
    if (verdict.why === 'scope_missing') {
      throw new ApiRefusal(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
    }
    throw new ApiRefusal(401, 'InvalidAuthenticationToken', REFUSED_TOKEN[verdict.why]);
  };

  const mimeOf = async (served: Served): Promise<Buffer> => {
    const { 'content-type': type = '' } = served.request.headers;
    if (!/^text\/plain\b/.test(type))
      throw badRequest('Only messages in MIME format are known here: Content-Type text/plain.');
    const text = (await wholeBody(served, LIMITS.requestBytes, tooLarge)).toString('latin1');
    if (text === '' || !/^[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*$/.test(text)) {
      throw new ApiRefusal(400, 'ErrorMimeContentInvalidBase64String', 'Invalid base64 string for MIME content.');
    }
    return Buffer.from(text, 'base64');
  };

  /** Everything that is refused before anybody is sent anything. */
  const checkToSend = (user: string, { from, recipients }: ReadHeader): void => {
    if (from !== undefined && !sameAddress(from, user)) {
      throw new ApiRefusal(
        403,
        'ErrorSendAsDenied',
        'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message.',
      );
    }
    const invalid = recipients.find((address) => !isAddress(address));
    if (recipients.length === 0 || invalid !== undefined) {
      throw new ApiRefusal(
        400,
        'ErrorInvalidRecipients',
        `At least one recipient is not valid., Recipient "${invalid ?? ''}" is not resolved.`,
      );
    }
    const wait = tally.spend(`${user} sends`, 1, LIMITS.sendsPerMinute, 60);
    if (wait !== undefined)
      throw new ApiRefusal(429, 'ApplicationThrottled', 'Application is over its message rate limit.', wait);
  };

  const deliverAs = (user: string, { recipients }: ReadHeader, content: AsyncIterable<Buffer>) =>
    deliver(content, {
      provider: 'microsoft',
      user,
      envelopeFrom: user,
      envelopeTo: recipients,
      mechanism: 'Microsoft Graph',
    });

  const accepted = (response: ServerResponse): void => {
    response.writeHead(202, { 'request-id': randomUUID(), 'content-length': 0 }).end();
  };

  const sendMail = async (served: Served, user: string): Promise<void> => {
    const { header, rest } = await openMessage(Readable.from([await mimeOf(served)]));
    const read = readHeader(header);
    checkToSend(user, read);
    const content = async function* () {
      yield headerText(outgoingFields(read.fields));
      yield* rest;
    };
    await deliverAs(user, read, content());
    accepted(served.response);
  };

  const wireForm = ({ id, internetMessageId, isSent }: Draft) => ({ id, internetMessageId, isDraft: !isSent });

  const send = async ({ response }: Served, draft: Draft): Promise<void> => {
    const sizes = await Promise.all(
      [draft.path, ...draft.attachments.map(({ path }) => path)].map(async (path) => (await stat(path)).size),
    );
    const [text = 0, ...files] = sizes;
    // As it goes out, in lines of base64.
    const total = text + files.reduce((sum, size) => sum + size, 0) * (4 / 3) * (78 / 76);
    if (total > LIMITS.messageBytes)
      throw new ApiRefusal(400, 'ErrorMessageSizeExceeded', 'The message exceeds the maximum supported size.');
    checkToSend(draft.user, draft.header);
    await deliverAs(draft.user, draft.header, drafts.contentOf(draft));
    await drafts.sent(draft);
    accepted(response);
  };

  const serveRoute = async (served: Served, place: string, draft: Draft): Promise<void> => {
    const { request, response } = served;
    switch (place) {
      case 'attach':
        return attach(served, draft);
      case 'session':
        return createSession(served, draft);
      case 'send':
        for await (const _ of bodyOf(served)) throw badRequest('The action takes no parameters.');
        if (request.headers['content-length'] !== '0')
          throw new ApiRefusal(411, 'LengthRequired', 'A length is required.');
        return send(served, draft);
      case 'update': {
        const { internetMessageId, ...others } = await jsonOf(served);
        if (typeof internetMessageId !== 'string' || Object.keys(others).length > 0)
          throw badRequest('Not known here.');
        draft.internetMessageId = internetMessageId;
        return sendJson(response, 200, wireForm(draft));
      }
      case 'delete':
        await drafts.delete(draft);
        return void response.writeHead(204).end();
      default:
        return sendJson(response, 200, wireForm(draft));
    }
  };

  const serveUser = async (served: Served, place: string, id: string, user: string): Promise<void> => {
    const { request, response, url: asked } = served;
    if (place === 'sendMail') return sendMail(served, user);
    if (place === 'create') {
      const draft = await drafts.create(user, await mimeOf(served), isImmutable(request));
      return sendJson(response, 201, wireForm(draft));
    }
    if (place === 'drafts') {
      const [, wanted] = /^internetMessageId eq '(.*)'$/.exec(asked.searchParams.get('$filter') ?? '') ?? [];
      if (wanted === undefined) throw badRequest('Not known here.');
      const found = drafts
        .list(user)
        .filter(({ internetMessageId }) => internetMessageId === wanted.replaceAll("''", "'"));
      return sendJson(response, 200, { value: found.map(wireForm) });
    }
    const draft = drafts.get(user, id);
    if (draft === undefined || (draft.isSent && place !== 'get')) throw notFound();
    return serveRoute(served, place, draft);
  };

  const { board, handle } = serveApi({
    placeOf: (request, path) => {
      if (path.startsWith(UPLOADS)) return request.method === 'PUT' ? 'piece' : 'piece-state';
      return routeOf(request, path)?.place ?? 'unknown';
    },
    serve: async (served, place) => {
      const { pathname } = served.url;
      if (pathname.startsWith(UPLOADS)) return upload(served, pathname.slice(UPLOADS.length));
      const route = routeOf(served.request, pathname);
      if (route === undefined) throw new ApiRefusal(404, 'ResourceNotFound', 'Resource not found for the segment.');
      const user = await userOf(served, route.need);
      const [, id = ''] = route.path.exec(pathname.slice(PREFIX.length)) ?? [];
      try {
        if (tally.enter(user) > LIMITS.concurrent) {
          throw new ApiRefusal(429, 'ApplicationThrottled', 'Application is over its MailboxConcurrency limit.', 1);
        }
        await serveUser(served, place, decodeURIComponent(id), user);
      } finally {
        tally.leave(user);
      }
    },
    refuse,
  });
  return {
    url,
    setFault: board.set,
    clearFaults: board.clear,
    counters: () => ({ ...board.counters(), concurrent: tally.concurrent() }),
    unfinished: drafts.count,
    handle,
  };
};
