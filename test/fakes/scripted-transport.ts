import type { AttemptOutcome, Envelope } from '../../shared/domain/submission.ts';
import type { MailTransport } from '../../shared/ports/mail-transport.ts';
import { type Gate, makeGate } from './gate.ts';

export interface Delivery {
  readonly user: string;
  readonly accessToken: string;
  readonly envelope: Envelope;
  readonly content: string;
  readonly outcome: AttemptOutcome['outcome'];
}

export interface ScriptedTransport extends MailTransport {
  /** Every attempt that reached the server, in order. */
  readonly attempts: readonly Delivery[];
  /** Closed: the server takes the message and does not answer. */
  readonly gate: Gate;
  /** How the next attempts end; after them, and without any, each is `sent`. */
  answerNext(...outcomes: readonly AttemptOutcome[]): void;
  /** How every attempt ends from now on, whatever was scripted. */
  answerAlways(outcome: AttemptOutcome | undefined): void;
}

const SENT: AttemptOutcome = { outcome: 'sent', response: '250 2.0.0 OK', refused: [] };

export const scriptedTransport = (): ScriptedTransport => {
  const attempts: Delivery[] = [];
  const script: AttemptOutcome[] = [];
  let always: AttemptOutcome | undefined;
  const gate = makeGate();
  return {
    attempts,
    gate,
    answerNext: (...outcomes) => script.push(...outcomes),
    answerAlways: (outcome) => {
      script.length = 0;
      always = outcome;
    },
    async send({ user, accessToken, envelope, content }) {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      const outcome = script.shift() ?? always ?? SENT;
      attempts.push({
        ...{ user, accessToken, envelope, outcome: outcome.outcome },
        content: Buffer.concat(chunks).toString('utf8'),
      });
      await gate.pass();
      return outcome;
    },
  };
};
