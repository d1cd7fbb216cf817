import type { Readable } from 'node:stream';
import type { NodemailerError } from 'nodemailer';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import { isAddress } from '../../domain/envelope.ts';
import { cleanReply } from '../../domain/mail-replies.ts';
import { sameAddress } from '../../domain/provider.ts';
import type { AttemptFailure, AttemptOutcome, Envelope } from '../../domain/submission.ts';
import type { MailSession, OutgoingMessage } from '../../ports/mail-transport.ts';
import { failureOfError, refusedForItself, unasked, wouldBeTakenLater } from './attempt-outcome.ts';

export interface SessionLimits {
  /** Nothing sent for as long as this: the server neither answers nor reads. Found out within twice the time. */
  readonly silenceMs: number;
  /** From the message's end to the reply: servers scan and store meanwhile, and who hangs up too soon sends twice. */
  readonly replyMs: number;
  /** A whole attempt at a message. */
  readonly overallMs: number;
}

export interface SessionOptions {
  readonly accessToken: string;
  /** What the server offered after the sign-in. */
  readonly extensions: readonly string[];
  readonly limits: SessionLimits;
  readonly toSevenBit: (content: Readable) => Readable;
}

/** For a goodbye, and for a transaction's end: neither is worth a wait. */
const PARTING_MS = 2_000;

type SendInfo = Parameters<Parameters<SMTPConnection['send']>[2]>[1];

/** How far a message's content has come. `waiting`: the server has not asked for it. */
type Progress = 'waiting' | 'under way' | 'handed over';

/** A connection that is signed in. */
export const smtpSession = (
  connection: SMTPConnection,
  { accessToken, extensions, limits, toSevenBit }: SessionOptions,
): MailSession => {
  let isOpen = true;
  connection.once('end', () => {
    isOpen = false;
  });
  // Whoever waits for an answer is told of it; between two messages nobody needs to know more than that it has ended.
  connection.on('error', () => undefined);

  const end = (): void => {
    isOpen = false;
    connection.close();
  };

  /** RFC 5321 section 4.1.1.5. Where that fails the next message needs another session. */
  const reset = (): Promise<void> =>
    new Promise((resolve) => {
      const done = (error?: unknown): void => {
        clearTimeout(overdue);
        if (error) end();
        resolve();
      };
      const overdue = setTimeout(done, PARTING_MS, new Error('no answer'));
      connection.once('end', () => done(new Error('ended')));
      connection.reset(done);
    });

  const bytesWritten = (): number => (connection._socket ? connection._socket.bytesWritten : 0);

  const transfer = ({ envelope, content, sizeBytes, eightBit }: OutgoingMessage) => {
    const takesEightBit = extensions.includes('8BITMIME');
    // RFC 6152 section 3: what the server does not take is converted, or not sent.
    const source = eightBit && !takesEightBit ? toSevenBit(content) : content;
    let progress: Progress = 'waiting';
    const over = new Promise<SendInfo>((resolve, reject) => {
      const done = (error: Error | null, info?: SendInfo): void => {
        clearTimeout(overall);
        clearInterval(watch);
        clearTimeout(reply);
        source.destroy();
        content.destroy();
        if (error || !info) reject(error);
        else resolve(info);
      };
      const giveUp = (timeoutType: string): void => {
        end();
        done(Object.assign(new Error('The mail server was silent for too long'), { code: 'ETIMEDOUT', timeoutType }));
      };
      const overall = setTimeout(giveUp, limits.overallMs, 'ATTEMPT_TIMEOUT');
      let reply: NodeJS.Timeout | undefined;
      let writtenBefore = bytesWritten();
      const watch = setInterval(() => {
        if (bytesWritten() === writtenBefore) giveUp('SILENCE_TIMEOUT');
        writtenBefore = bytesWritten();
      }, limits.silenceMs);
      // Nobody reads before the server has answered DATA with 354.
      source.once('resume', () => {
        progress = 'under way';
      });
      source.once('end', () => {
        progress = 'handed over';
        clearInterval(watch);
        reply = setTimeout(giveUp, limits.replyMs, 'REPLY_TIMEOUT');
      });
      // nodemailer reports what goes wrong with the content; this keeps an error after the end from being unhandled.
      source.on('error', () => undefined);
      const size = source === content ? { size: sizeBytes } : {};
      const onWire = { from: envelope.from, to: [...envelope.to], use8BitMime: eightBit && takesEightBit, ...size };
      connection.send(onWire, source, done);
    });
    return { over, progressed: () => progress };
  };

  const attempt = async (message: OutgoingMessage): Promise<AttemptOutcome> => {
    const { over, progressed } = transfer(message);
    const refusals = (errors: readonly NodemailerError[]) =>
      errors.map(({ recipient = '', response = '' }) => ({
        address: asGiven(recipient, message.envelope),
        response: cleanReply(response, [accessToken]),
        tryAgain: wouldBeTakenLater(response),
      }));
    try {
      const { response, rejectedErrors = [] } = await over;
      // A yes to half a message is worth nothing, and what the server makes of the rest nobody knows.
      if (progressed() !== 'handed over') {
        end();
        return { outcome: 'unknown', response: 'The mail server took the message before it was complete.' };
      }
      return { outcome: 'sent', response: cleanReply(response, [accessToken]), refused: refusals(rejectedErrors) };
    } catch (thrown) {
      const error = thrown as NodemailerError;
      const reached = progressed();
      if (reached === 'under way' || error.code === 'ESTREAM') end();
      else if (isOpen) await reset();
      const { rejectedErrors = [] } = error;
      if (rejectedErrors.length > 0 && rejectedErrors.every(({ response = '' }) => refusedForItself(response))) {
        const refused = refusals(rejectedErrors);
        return { outcome: 'sent', response: refused.at(-1)?.response ?? '', refused };
      }
      return failureOfError(error, [accessToken], reached === 'handed over' ? reached : 'sending');
    }
  };

  return {
    get isOpen() {
      return isOpen;
    },

    async send(message) {
      const unfit = unfitAddress(message.envelope);
      if (unfit === undefined) return attempt(message);
      message.content.destroy();
      return unfit;
    },

    async close() {
      if (!isOpen) return;
      isOpen = false;
      await new Promise<void>((resolve) => {
        const overdue = setTimeout(resolve, PARTING_MS);
        connection.once('end', () => {
          clearTimeout(overdue);
          resolve();
        });
        connection.quit();
      });
      connection.close();
    },
  };
};

/** nodemailer parses envelope addresses once more, and would quietly send to whatever it finds in a crooked one. */
const unfitAddress = ({ from, to }: Envelope): AttemptFailure | undefined => {
  if (!isAddress(from)) {
    return unasked('sender_not_allowed', 'The sender is not a plain address.');
  }
  if (to.length === 0 || !to.every(isAddress)) {
    return unasked('invalid_recipient', 'A recipient is not a plain address.');
  }
  return undefined;
};

/** nodemailer may change the domain's letter case. */
const asGiven = (address: string, { to }: Envelope): string =>
  to.find((given) => sameAddress(given, address)) ?? address;
