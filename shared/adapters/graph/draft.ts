import type { AttemptFailure, AttemptOutcome } from '../../domain/submission.ts';
import { isJsonObject } from '../http-client/json-object.ts';
import { spoolMessage, type TakenPart } from '../mime/take-apart.ts';
import { attach } from './attachments.ts';
import type { GraphApi, Replied } from './graph-api.ts';
import { MIME_LIMIT_BYTES, mimeRequest } from './mime-request.ts';

/** The id by which a draft is still found when it lies among the sent items (Graph, "Immutable identifiers"). */
const IMMUTABLE_ID = { prefer: 'IdType="ImmutableId"' };

interface Apis {
  readonly api: GraphApi;
  /** With a time of its own, from this call on. */
  readonly tidying: () => GraphApi;
}

/**
 * Sends a message that is too large for one request: a draft made of the message without its largest files, these attached one
 * by one, and then the draft's `send`. Nobody gets anything before that; whatever goes wrong before it, the draft is deleted.
 */
export const sendAsDraft = async (
  message: AsyncIterable<Buffer>,
  messageId: string | undefined,
  apis: Apis,
): Promise<AttemptOutcome> => {
  const spooled = await spoolMessage(message);
  try {
    const reduced = await spooled.reduce(MIME_LIMIT_BYTES);
    if (!reduced.ok) return { outcome: 'failed', reason: 'message_too_large', response: tooLarge(reduced.error) };
    if (messageId !== undefined) await deleteLeftDrafts(messageId, apis);
    const draft = await createDraft(reduced.value.message, apis.api);
    return 'outcome' in draft ? draft : await finish(draft, messageId, reduced.value.taken, apis);
  } finally {
    await spooled.close();
  }
};

const tooLarge = (why: string): string => `Microsoft Graph takes up to 3 MB of a message without its files. ${why}`;

interface Draft {
  readonly path: string;
  readonly internetMessageId: unknown;
}

const createDraft = async (message: Buffer, api: GraphApi): Promise<Draft | AttemptFailure> => {
  const { headers, ...request } = mimeRequest(message);
  const answer = await api.ask({ path: '/me/messages', ...request, headers: { ...headers, ...IMMUTABLE_ID } });
  if (answer.outcome !== 'replied' || answer.status !== 201) return api.failure('prepare', answer);
  const { id, internetMessageId } = answer.body ?? {};
  if (typeof id !== 'string') return api.failure('prepare', answer);
  return { path: `/me/messages/${encodeURIComponent(id)}`, internetMessageId };
};

const finish = async (
  draft: Draft,
  messageId: string | undefined,
  taken: readonly TakenPart[],
  { api, tidying }: Apis,
): Promise<AttemptOutcome> => {
  let wasSent: AttemptOutcome | undefined;
  try {
    wasSent =
      (await keepMessageId(draft, messageId, api)) ?? (await attachAll(draft, taken, api)) ?? (await send(draft, api));
    return wasSent;
  } finally {
    const mayBeSent = wasSent?.outcome === 'sent' || wasSent?.outcome === 'unknown';
    if (!mayBeSent) await tidying().ask({ method: 'DELETE', path: draft.path, headers: IMMUTABLE_ID });
  }
};

/** Exchange takes it from the message; of a draft it can be set (Graph, "Update message"). A repeat must carry the same. */
const keepMessageId = async (
  { path, internetMessageId }: Draft,
  wanted: string | undefined,
  api: GraphApi,
): Promise<AttemptFailure | undefined> => {
  if (wanted === undefined || internetMessageId === wanted) return undefined;
  const body = Buffer.from(JSON.stringify({ internetMessageId: wanted }));
  const answer = await api.ask({
    method: 'PATCH',
    path,
    headers: { ...IMMUTABLE_ID, 'content-type': 'application/json' },
    body,
  });
  return answer.outcome === 'replied' && answer.status === 200 ? undefined : api.failure('prepare', answer);
};

const attachAll = async (
  { path }: Draft,
  taken: readonly TakenPart[],
  api: GraphApi,
): Promise<AttemptFailure | undefined> => {
  for (const part of taken) {
    const failure = await attach(part, path, api);
    if (failure) return failure;
  }
  return undefined;
};

const send = async ({ path }: Draft, api: GraphApi): Promise<AttemptOutcome> => {
  const answer = await api.ask({ method: 'POST', path: `${path}/send`, headers: IMMUTABLE_ID, body: Buffer.alloc(0) });
  if (answer.outcome === 'replied' && answer.status === 202) return sent(answer, api);
  const failure = api.failure('send', answer);
  // A server that failed may have sent it before that; and then deleting the "draft" would delete what was sent.
  const hasFailed = answer.outcome === 'replied' && answer.status >= 500;
  if (failure.outcome !== 'unknown' && !hasFailed) return failure;
  // By its immutable id a message that was sent is found among the sent items: no draft any more.
  const found = await api.ask({ method: 'GET', path: `${path}?$select=isDraft`, headers: IMMUTABLE_ID });
  const isDraft = found.outcome === 'replied' && found.status === 200 ? found.body?.isDraft : undefined;
  if (found.outcome === 'replied' && isDraft === false) return sent(found, api);
  // As before the sending: nobody has got it. Where no reply came, the server may still be at it.
  if (hasFailed && isDraft === true) return api.failure('prepare', answer);
  return { outcome: 'unknown', response: failure.response };
};

const sent = (answer: Replied, api: GraphApi): AttemptOutcome => ({
  outcome: 'sent',
  response: api.accepted(answer),
  refused: [],
});

/** Of an earlier try at the same message, whose worker died or whose draft was made without an answer. Best effort. */
const deleteLeftDrafts = async (messageId: string, { api, tidying }: Apis): Promise<void> => {
  const filter = encodeURIComponent(`internetMessageId eq '${messageId.replaceAll("'", "''")}'`);
  const path = `/me/mailFolders/drafts/messages?$filter=${filter}&$select=id`;
  const answer = await api.ask({ method: 'GET', path, headers: IMMUTABLE_ID });
  const found = answer.outcome === 'replied' && answer.status === 200 ? answer.body?.value : undefined;
  const { ask } = tidying();
  for (const draft of Array.isArray(found) ? found : []) {
    if (!isJsonObject(draft) || typeof draft.id !== 'string') continue;
    await ask({
      method: 'DELETE',
      path: `/me/messages/${encodeURIComponent(draft.id)}`,
      headers: IMMUTABLE_ID,
    });
  }
};
