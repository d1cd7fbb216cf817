import type { Readable } from 'node:stream';
import type { AttemptFailure, AttemptOutcome, Envelope } from '../../domain/submission.ts';
import { ATTEMPT_SECONDS } from '../../domain/timing.ts';
import type { MailSession, OutgoingMessage } from '../../ports/mail-transport.ts';
import { type ApiCaller, type ApiLimits, apiCaller } from './api-call.ts';

/** A request waits as long as SMTP does for the reply to a message; the claim's last two minutes are for what follows. */
export const API_LIMITS: ApiLimits = { requestMs: 300_000, overallMs: ATTEMPT_SECONDS * 1000 };

/** Sends one message by the requests of one API. */
export type ApiSend = (message: OutgoingMessage, call: ApiCaller) => Promise<AttemptOutcome>;

/** An API knows no sessions, and a token that was refused is all that ends one. */
export const apiSession = (send: ApiSend, limits: ApiLimits): MailSession => {
  let isOpen = true;
  return {
    get isOpen() {
      return isOpen;
    },
    async send(message) {
      const { content, envelope } = message;
      // What goes wrong with the content is met where it is read; an error after the end is nobody's.
      content.on('error', () => undefined);
      try {
        const outcome = unfitEnvelope(envelope) ?? (await send(message, apiCaller(limits)));
        if (outcome.outcome === 'held') isOpen = false;
        return outcome;
      } catch (error) {
        if (!isContentFault(content, error)) throw error;
        return {
          outcome: 'deferred',
          reason: 'internal',
          response: 'The stored message could not be read to its end.',
        };
      } finally {
        content.destroy();
      }
    },
    async close() {
      isOpen = false;
    },
  };
};

const isContentFault = (content: Readable, error: unknown): boolean =>
  (content.errored !== null && content.errored === error) ||
  (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE');

/** A bare address of RFC 5321 section 4.1.2 with neither quotes nor address literals, which no mailbox provider uses. */
const PLAIN_ADDRESS = /^[^\s"(),:;<>@[\]\\\p{Cc}]+@[^\s"(),:;<>@[\]\\\p{Cc}]+$/u;

/** Addresses are put into header fields, where a crooked one would be taken for several. */
const unfitEnvelope = ({ to }: Envelope): AttemptFailure | undefined =>
  to.length > 0 && to.every((address) => PLAIN_ADDRESS.test(address))
    ? undefined
    : { outcome: 'failed', reason: 'invalid_recipient', response: 'A recipient is not a plain address.' };
