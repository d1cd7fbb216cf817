import type { Result } from '../../shared/domain/result.ts';
import { fail, ok } from '../../shared/domain/result.ts';
import type { AttemptFailure, AttemptOutcome, Envelope } from '../../shared/domain/submission.ts';
import type { MailSession, MailTransport, SendingAccount } from '../../shared/ports/mail-transport.ts';
import { type Gate, makeGate } from './gate.ts';

export interface Delivery {
  readonly user: string;
  readonly accessToken: string;
  readonly envelope: Envelope;
  readonly content: string;
  readonly eightBit: boolean;
  readonly outcome: AttemptOutcome['outcome'];
  /** Which of the sessions it went by, from 1. */
  readonly session: number;
}

export interface ScriptedTransport extends MailTransport {
  /** Every attempt that reached the server, in order. */
  readonly attempts: readonly Delivery[];
  /** Sessions that were asked for, and those open just now. */
  readonly sessions: { readonly opened: number; readonly open: number };
  /** Closed: the server takes the message and does not answer. */
  readonly gate: Gate;
  /** How the next attempts end; after them, and without any, each is `sent`. */
  answerNext(...outcomes: readonly AttemptOutcome[]): void;
  /** How every attempt ends from now on, whatever was scripted. */
  answerAlways(outcome: AttemptOutcome | undefined): void;
  /** No session is given any more, until it is called with nothing. */
  refuseSessions(failure: AttemptFailure | undefined): void;
  /** The next message's session ends with it. */
  dropAfterNext(): void;
  /** What happens while the server has a message in hand, once. */
  duringNext(event: () => Promise<void>): void;
}

const SENT: AttemptOutcome = { outcome: 'sent', response: '250 2.0.0 OK', refused: [] };

export const scriptedTransport = (): ScriptedTransport => {
  const attempts: Delivery[] = [];
  const script: AttemptOutcome[] = [];
  const sessions = { opened: 0, open: 0 };
  const gate = makeGate();
  let always: AttemptOutcome | undefined;
  let refusal: AttemptFailure | undefined;
  let drops = false;
  let during: (() => Promise<void>) | undefined;

  const sessionOf = ({ address: user, accessToken }: SendingAccount): MailSession => {
    const session = ++sessions.opened;
    let isOpen = true;
    sessions.open++;
    const end = (): void => {
      if (isOpen) sessions.open--;
      isOpen = false;
    };
    return {
      get isOpen() {
        return isOpen;
      },
      async send({ envelope, content, eightBit }) {
        if (!isOpen) throw new Error('the session has ended');
        const chunks: Buffer[] = [];
        for await (const chunk of content) chunks.push(Buffer.from(chunk));
        const outcome = script.shift() ?? always ?? SENT;
        const text = Buffer.concat(chunks).toString('utf8');
        attempts.push({ user, accessToken, envelope, content: text, eightBit, outcome: outcome.outcome, session });
        const event = during;
        during = undefined;
        await event?.();
        await gate.pass();
        if (drops) end();
        drops = false;
        return outcome;
      },
      close: async () => end(),
    };
  };

  return {
    attempts,
    sessions,
    gate,
    answerNext: (...outcomes) => script.push(...outcomes),
    answerAlways: (outcome) => {
      script.length = 0;
      always = outcome;
    },
    refuseSessions: (failure) => {
      refusal = failure;
    },
    dropAfterNext: () => {
      drops = true;
    },
    duringNext: (event) => {
      during = event;
    },
    open: async (account): Promise<Result<MailSession, AttemptFailure>> =>
      refusal ? fail(refusal) : ok(sessionOf(account)),
  };
};
