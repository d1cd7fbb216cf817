import { type ApiStep, apiReplyRow } from '../../domain/api-replies.ts';
import { cleanReply, failureBy } from '../../domain/mail-replies.ts';
import type { ProviderName } from '../../domain/provider.ts';
import type { AttemptFailure } from '../../domain/submission.ts';
import type { ApiAnswer } from './api-call.ts';

/** A reply in the provider's own form, taken apart. */
export interface ReadReply {
  /** Status, code and words on one line, as `domain/api-replies.ts` wants it. */
  readonly line: string;
  /** What the provider's support asks for. */
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

const withRequestId = (line: string, requestId: string | undefined): string =>
  requestId === undefined ? line : `${line} (request ${requestId})`;

/** Why an attempt came to nothing, from what the API answered or did not. */
export const failureOf = (
  provider: ProviderName,
  step: ApiStep,
  answer: ApiAnswer,
  read: (answer: Extract<ApiAnswer, { outcome: 'replied' }>) => ReadReply,
  accessToken: string,
): AttemptFailure => {
  if (answer.outcome === 'unreachable') return failureOfConnection(step, answer);
  const reply = read(answer);
  const retryAfterSeconds = answer.retryAfterSeconds ?? reply.retryAfterSeconds;
  const row = apiReplyRow(provider, reply.line, step, retryAfterSeconds !== undefined);
  return failureBy(row, cleanReply(withRequestId(reply.line, reply.requestId), [accessToken]), retryAfterSeconds);
};

const failureOfConnection = (
  step: ApiStep,
  { reason, handedOver }: Extract<ApiAnswer, { outcome: 'unreachable' }>,
): AttemptFailure => {
  if (step === 'send' && handedOver === 'all') {
    return { outcome: 'unknown', response: `The message was handed over whole, and no reply came (${reason}).` };
  }
  const response = `The connection to the API failed (${reason}).`;
  const isNowhere = /^(ENOTFOUND|ERR_SSL_|ERR_TLS_)|CERT/.test(reason);
  return {
    outcome: 'deferred',
    reason: isNowhere ? 'mail_server_misconfigured' : 'mail_server_unavailable',
    response,
    ...(handedOver === 'nothing' && { mailboxWide: true }),
  };
};
