import type { MailboxLimits } from '../../domain/outbox.ts';
import { askPermit, type Holder, messageEnded, type Pace, released } from '../../domain/pace.ts';
import type { Clock } from '../../ports/clock.ts';
import type { OutboxRecords } from '../../records/outboxes.ts';

/** Enough for any number of gateways and a worker that ask at once: of those who collide one is through. */
const WRITE_ATTEMPTS = 20;

/** One holder's share in what a mailbox may do (design rule 8). */
export interface MailboxPace {
  /** Leave to send one message, now; or why not, and when to ask again. */
  permit(): Promise<
    { readonly granted: true } | { readonly granted: false; readonly why: 'busy' | 'limit'; readonly waitMs: number }
  >;
  /** The message has been sent, or not; to be said before the next permit. Written down with that, or at the release. */
  ended(wasSent: boolean): void;
  /** The connection is closed. */
  release(): Promise<void>;
}

export const makeMailboxPace =
  ({ outboxes, clock }: { outboxes: Pick<OutboxRecords, 'pace' | 'setPace'>; clock: Clock }) =>
  (mailboxId: string, who: Holder, limits: MailboxLimits): MailboxPace => {
    let last: { readonly at: number; readonly wasSent: boolean } | undefined;
    const withLast = (pace: Pace): Pace => (last ? messageEnded(pace, who, last.at, last.wasSent) : pace);

    return {
      async permit() {
        for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
          const known = await outboxes.pace(mailboxId);
          const answer = askPermit(withLast(known.pace), who, limits, clock.now());
          if (!answer.granted) return answer;
          if (!(await outboxes.setPace(mailboxId, known, answer.pace))) continue;
          last = undefined;
          return { granted: true };
        }
        return { granted: false, why: 'limit', waitMs: 1000 };
      },

      ended(wasSent) {
        last = { at: clock.now(), wasSent };
      },

      async release() {
        for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
          const known = await outboxes.pace(mailboxId);
          if (known.pace.connections[who.holder]?.owner !== who.owner) return;
          if (await outboxes.setPace(mailboxId, known, released(withLast(known.pace), who))) return;
        }
      },
    };
  };
