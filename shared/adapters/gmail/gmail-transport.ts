import { cleanReply } from '../../domain/mail-replies.ts';
import { ok } from '../../domain/result.ts';
import type { AttemptOutcome } from '../../domain/submission.ts';
import type { MailTransport, OutgoingMessage } from '../../ports/mail-transport.ts';
import type { ApiCaller, ApiLimits } from '../api-http/api-call.ts';
import { failureOf } from '../api-http/api-failure.ts';
import { API_LIMITS, apiSession } from '../api-http/api-session.ts';
import { withRecipients } from '../mime/header-recipients.ts';
import { openMessage } from '../mime/message-head.ts';
import { chained } from '../streams/chunks.ts';
import { readGmailReply } from './gmail-replies.ts';
import { type Put, type UploadEnd, uploadMessage } from './resumable-upload.ts';

export interface GmailOptions {
  /** Where the API is: `https://gmail.googleapis.com`. */
  readonly url: string;
  readonly limits?: Partial<ApiLimits>;
}

/** Gmail's ceiling for a message that is uploaded (facts G18). */
const MESSAGE_LIMIT_BYTES = 36_700_160;

const SEND_PATH = '/upload/gmail/v1/users/me/messages/send?uploadType=resumable';

/**
 * The Gmail API (`users.messages.send`, resumable upload). It takes the recipients from the header, and it puts the account's
 * own address in the place of a sender that is not one of its aliases.
 */
export const gmailTransport = ({ url, limits = {} }: GmailOptions): MailTransport => ({
  open: async ({ accessToken }) =>
    ok(apiSession((message, call) => sendMessage(message, call, { url, accessToken }), { ...API_LIMITS, ...limits })),
});

const sendMessage = async (
  { content, envelope, sizeBytes }: OutgoingMessage,
  call: ApiCaller,
  { url, accessToken }: { readonly url: string; readonly accessToken: string },
): Promise<AttemptOutcome> => {
  if (sizeBytes > MESSAGE_LIMIT_BYTES) {
    const response = `The message has ${sizeBytes} bytes; the Gmail API takes ${MESSAGE_LIMIT_BYTES}.`;
    return { outcome: 'failed', reason: 'message_too_large', response };
  }
  const { header, rest } = await openMessage(content);
  const authorization = `Bearer ${accessToken}`;
  const begun = await call({
    method: 'POST',
    url: `${url}${SEND_PATH}`,
    headers: { authorization, 'x-upload-content-type': 'message/rfc822' },
    body: new Uint8Array(),
  });
  const location = begun.outcome === 'replied' && begun.status === 200 ? begun.headers.get('location') : null;
  if (location === null || !URL.canParse(location))
    return failureOf('google', 'prepare', begun, readGmailReply, accessToken);
  const message = chained(withRecipients(header, envelope.to), rest);
  // The address of the upload is a credential by itself; the token goes nowhere but to the configured place.
  const headers = new URL(location).origin === new URL(url).origin ? { authorization } : {};
  const put: Put = (request) => call({ ...request, url: location, headers: { ...headers, ...request.headers } });
  return outcomeOf(await uploadMessage(message, put), accessToken);
};

const outcomeOf = (end: UploadEnd, accessToken: string): AttemptOutcome => {
  switch (end.outcome) {
    case 'sent':
      return { outcome: 'sent', response: cleanReply(`200 OK, Gmail message ${end.id}`, [accessToken]), refused: [] };
    case 'unknown':
      return { outcome: 'unknown', response: `The message was handed over whole, and no reply came (${end.reason}).` };
    case 'stuck': {
      const response = `The upload is incomplete and stands at byte ${end.at}.`;
      return { outcome: 'deferred', reason: 'mail_server_unavailable', response };
    }
    case 'refused':
      return failureOf('google', end.step, end.answer, readGmailReply, accessToken);
  }
};
