import type { Readable } from 'node:stream';
import { isAddress } from '../../domain/envelope.ts';
import type { AttemptFailure, AttemptOutcome, Envelope } from '../../domain/submission.ts';
import { ATTEMPT_SECONDS } from '../../domain/timing.ts';
import type { MailSession, OutgoingMessage } from '../../ports/mail-transport.ts';
import { MimeFault } from '../mime/walk.ts';
import { type ApiCaller, type ApiLimits, apiCaller } from './api-call.ts';

/** A request waits as long as SMTP does for the reply to a message; the claim's last two minutes are for what follows. */
export const API_LIMITS: ApiLimits = { requestMs: 300_000, overallMs: ATTEMPT_SECONDS * 1000 };

/** Sends one message by the requests of one API. */
export type ApiSend = (message: OutgoingMessage, call: ApiCaller) => Promise<AttemptOutcome>;

/** An API knows no sessions, and a token that was refused is all that ends one. */
export const apiSession = (send: ApiSend, limits: ApiLimits): MailSession => {
  let isOpen = true;

  const attempt = async (message: OutgoingMessage, call: ApiCaller): Promise<AttemptOutcome> => {
    try {
      return unfitEnvelope(message.envelope) ?? (await send(message, call));
    } catch (error) {
      const failure = failureOfContent(message.content, error);
      if (failure === undefined) throw error;
      return failure;
    }
  };

  return {
    get isOpen() {
      return isOpen;
    },
    async send(message) {
      const { content } = message;
      const call = apiCaller(limits);
      let isAsked = false;
      // What goes wrong with the content is met where it is read; an error after the end is nobody's.
      content.on('error', () => undefined);
      try {
        const outcome = await attempt(message, (request) => {
          isAsked = true;
          return call(request);
        });
        if (outcome.outcome === 'held') isOpen = false;
        return outcome.outcome === 'failed' && !isAsked ? { ...outcome, withoutContact: true } : outcome;
      } finally {
        content.destroy();
      }
    },
    async close() {
      isOpen = false;
    },
  };
};

/** Undefined: it is no fault of the content. */
const failureOfContent = (content: Readable, error: unknown): AttemptFailure | undefined => {
  // It was readable when it was accepted; the fields that it was given since may have made its header too long.
  if (error instanceof MimeFault) {
    return { outcome: 'failed', reason: 'mail_server_refused_message', response: error.message };
  }
  if (!isContentFault(content, error)) return undefined;
  return { outcome: 'deferred', reason: 'internal', response: 'The stored message could not be read to its end.' };
};

const isContentFault = (content: Readable, error: unknown): boolean =>
  (content.errored !== null && content.errored === error) ||
  (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE');

/** Addresses are put into header fields, where a crooked one would be taken for several. */
const unfitEnvelope = ({ to }: Envelope): AttemptFailure | undefined =>
  to.length > 0 && to.every(isAddress)
    ? undefined
    : { outcome: 'failed', reason: 'invalid_recipient', response: 'A recipient is not a plain address.' };
