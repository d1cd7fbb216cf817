import { ok } from '../../domain/result.ts';
import type { AttemptOutcome } from '../../domain/submission.ts';
import type { MailTransport, OutgoingMessage } from '../../ports/mail-transport.ts';
import { type ApiCaller, type ApiLimits, apiCaller } from '../api-http/api-call.ts';
import { API_LIMITS, apiSession } from '../api-http/api-session.ts';
import { messageIdOf, withRecipients } from '../mime/header-recipients.ts';
import { openMessage } from '../mime/message-head.ts';
import { chained } from '../streams/chunks.ts';
import { sendAsDraft } from './draft.ts';
import { type GraphAccess, type GraphApi, graphApi } from './graph-api.ts';
import { MIME_LIMIT_BYTES, mimeRequest } from './mime-request.ts';

export interface GraphOptions {
  /** Where the API is: `https://graph.microsoft.com/v1.0`. */
  readonly url: string;
  readonly limits?: Partial<ApiLimits>;
  /** Of the requests that delete a draft. */
  readonly tidyingLimits?: Partial<ApiLimits>;
}

const TIDYING_LIMITS: ApiLimits = { requestMs: 15_000, overallMs: 15_000 };

interface SendOptions {
  readonly access: GraphAccess;
  readonly tidyingLimits: ApiLimits;
}

/**
 * Microsoft Graph: `POST /me/sendMail` with the message as it is (facts M68); what is too large for one request is sent as a
 * draft (M71). Both take the recipients from the header, and 202 is the one status that counts (M70).
 */
export const graphTransport = ({ url, limits = {}, tidyingLimits = {} }: GraphOptions): MailTransport => ({
  open: async ({ accessToken }) => {
    const options = { access: { url, accessToken }, tidyingLimits: { ...TIDYING_LIMITS, ...tidyingLimits } };
    return ok(apiSession((message, call) => sendMessage(message, call, options), { ...API_LIMITS, ...limits }));
  },
});

const sendMessage = async (
  { content, envelope }: OutgoingMessage,
  call: ApiCaller,
  { access, tidyingLimits }: SendOptions,
): Promise<AttemptOutcome> => {
  const { header, rest } = await openMessage(content);
  const addressed = withRecipients(header, envelope.to);
  const { start, isAll } = await readUpTo(MIME_LIMIT_BYTES, addressed, rest);
  const api = graphApi(call, access);
  if (isAll) return sendAtOnce(start, api);
  return sendAsDraft(chained(start, rest), messageIdOf(header), {
    api,
    // What is left to tidy up is tidied up even where the attempt's own time is over: this time begins when it is needed.
    tidying: () => graphApi(apiCaller(tidyingLimits), access),
  });
};

const sendAtOnce = async (message: Buffer, api: GraphApi): Promise<AttemptOutcome> => {
  const answer = await api.ask({ path: '/me/sendMail', ...mimeRequest(message) });
  if (answer.outcome === 'replied' && answer.status === 202) {
    return { outcome: 'sent', response: api.accepted(answer), refused: [] };
  }
  return api.failure('send', answer);
};

/** A little more than the limit, or all there is. What comes after it is still in `rest`. */
const readUpTo = async (limitBytes: number, first: Buffer, rest: AsyncIterator<Buffer>) => {
  const pieces = [first];
  let length = first.length;
  let isAll = false;
  while (length <= limitBytes && !isAll) {
    const { value, done } = await rest.next();
    if (done) isAll = true;
    else {
      pieces.push(value);
      length += value.length;
    }
  }
  return { start: Buffer.concat(pieces), isAll };
};
