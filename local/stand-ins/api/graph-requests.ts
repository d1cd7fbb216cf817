import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../http.ts';
import { ApiRefusal, type Served, wholeBody } from './requests.ts';

/** Facts M63, M69, M71, M72; the least of a session, 2 MiB, is what a reader measured (msgraph-sdk-java#52). */
export const LIMITS = {
  requestBytes: 4 * 1024 * 1024,
  pieceMultipleBytes: 320 * 1024,
  sessionFromBytes: 2 * 1024 * 1024,
  sessionToBytes: 150 * 1024 * 1024,
  messageBytes: 35 * 1024 * 1024,
  concurrent: 4,
  sendsPerMinute: 30,
  uploadBytes: 150 * 1024 * 1024,
  uploadSeconds: 300,
} as const;

export const PREFIX = '/graph/v1.0';
/** Another host at Microsoft, which knows no token but that of the address. */
export const UPLOADS = '/graph/attachment-sessions/';

export const refuse = (response: ServerResponse, { status, code, message, retryAfterSeconds }: ApiRefusal): void => {
  const requestId = randomUUID();
  response.setHeader('request-id', requestId);
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
  const innerError = {
    date: new Date().toISOString().slice(0, 19),
    'request-id': requestId,
    'client-request-id': requestId,
  };
  sendJson(response, status, { error: { code, message, innerError } });
};

export const badRequest = (message: string) => new ApiRefusal(400, 'BadRequest', message);
export const tooLarge = () => new ApiRefusal(413, 'RequestEntityTooLarge', 'The request entity is too large.');
export const notFound = () =>
  new ApiRefusal(404, 'ErrorItemNotFound', 'The specified object was not found in the store.');

export const REFUSED_TOKEN = {
  unknown: 'IDX14100: JWT is not well formed, there are no dots (.).',
  expired: 'Lifetime validation failed, the token is expired.',
  wrong_audience: 'Access token validation failure. Invalid audience.',
} as const;

/** Which requests there are; `need` is the permission for them. */
const ROUTES: readonly {
  readonly place: string;
  readonly method: string;
  readonly path: RegExp;
  readonly need: string;
}[] = [
  { place: 'sendMail', method: 'POST', path: /^\/me\/sendMail$/, need: 'Mail.Send' },
  { place: 'drafts', method: 'GET', path: /^\/me\/mailFolders\/drafts\/messages$/, need: 'Mail.ReadWrite' },
  { place: 'create', method: 'POST', path: /^\/me\/messages$/, need: 'Mail.ReadWrite' },
  { place: 'get', method: 'GET', path: /^\/me\/messages\/([^/]+)$/, need: 'Mail.ReadWrite' },
  { place: 'update', method: 'PATCH', path: /^\/me\/messages\/([^/]+)$/, need: 'Mail.ReadWrite' },
  { place: 'delete', method: 'DELETE', path: /^\/me\/messages\/([^/]+)$/, need: 'Mail.ReadWrite' },
  { place: 'attach', method: 'POST', path: /^\/me\/messages\/([^/]+)\/attachments$/, need: 'Mail.ReadWrite' },
  {
    place: 'session',
    method: 'POST',
    path: /^\/me\/messages\/([^/]+)\/attachments\/createUploadSession$/,
    need: 'Mail.ReadWrite',
  },
  { place: 'send', method: 'POST', path: /^\/me\/messages\/([^/]+)\/send$/, need: 'Mail.Send' },
];

export const routeOf = ({ method }: IncomingMessage, path: string) =>
  ROUTES.find(
    (route) => route.method === method && path.startsWith(PREFIX) && route.path.test(path.slice(PREFIX.length)),
  );

export const jsonOf = async (served: Served): Promise<{ readonly [name: string]: unknown }> => {
  const { 'content-type': type = '' } = served.request.headers;
  const text = (await wholeBody(served, LIMITS.requestBytes, tooLarge)).toString('utf8');
  if (!/^application\/json\b/.test(type)) throw badRequest('Unsupported content type.');
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('Unable to read JSON request payload.');
  }
};
