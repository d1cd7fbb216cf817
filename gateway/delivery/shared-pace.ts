import type { MailboxLimits } from '../../shared/domain/outbox.ts';
import { askPermit, messageEnded, NO_PACE, type Pace, type Permit, released } from '../../shared/domain/pace.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';
import type { MailboxPace } from '../../shared/usecases/mail/mailbox-pace.ts';
import type { OpenPace } from '../../shared/usecases/mail/send-outbox.ts';

/**
 * What a gateway takes of a mailbox while the broker, which alone knows of the others, cannot be asked: one of the three
 * connections, and a third of the messages. So the relay and another gateway have room beside it.
 */
const ALONE: MailboxLimits = { connections: 1, messagesPerMinute: 10 };

/** So long the broker does not know of what was sent alone, and would allow it once more: then both must agree. */
const UNKNOWN_TO_BROKER_MS = 61_000;

/** How the last message ended, while the broker has not been told. */
interface Ended {
  readonly at: number;
  readonly wasSent: boolean;
}

/**
 * The gateway's part in the pace that the broker keeps for all (design rule 8). It counts its own messages besides, whoever has
 * permitted them: so by itself it never sends more than the mailbox may, and in a minute of which the broker does not know all,
 * no more than it takes alone.
 */
export const makeSharedPace = ({
  link,
  owner,
  clock,
}: {
  link: Pick<GatewayLink, 'pace'>;
  owner: string;
  clock: Clock;
}): OpenPace => {
  const me = { holder: 'gateway', owner };
  const own = new Map<string, Pace>();
  const untold = new Map<string, Ended>();
  const lastAlone = new Map<string, number>();
  /** Until when the broker has said no: however much comes in meanwhile, it is not asked again. */
  const refusedUntil = new Map<string, number>();

  const ownPace = (mailboxId: string): Pace => own.get(mailboxId) ?? NO_PACE;

  const isAlone = (mailboxId: string): boolean =>
    clock.now() - (lastAlone.get(mailboxId) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_TO_BROKER_MS;

  const askOwn = (mailboxId: string, limits: MailboxLimits): Permit => {
    const permit = askPermit(ownPace(mailboxId), me, limits, clock.now());
    if (permit.granted) own.set(mailboxId, permit.pace);
    return permit;
  };

  return (mailboxId, limits): MailboxPace => {
    /** The broker may believe that this gateway has a connection. */
    let mayHold = false;
    let isSentAlone = false;

    const step = async (wants: 'permit' | 'release') => {
      const ended = untold.get(mailboxId);
      // Rather a second too late than too early: the minute begins when the server has taken it.
      const secondsAgo = ended && Math.max(0, Math.floor((clock.now() - ended.at) / 1000));
      const told = ended && secondsAgo !== undefined ? { ended: { wasSent: ended.wasSent, secondsAgo } } : {};
      const answer = await link.pace({ mailboxId, owner, wants, ...told });
      if (answer.ok && untold.get(mailboxId) === ended) untold.delete(mailboxId);
      return answer;
    };

    return {
      async permit() {
        const waitMs = (refusedUntil.get(mailboxId) ?? 0) - clock.now();
        if (waitMs > 0) return { granted: false, why: 'limit', waitMs };
        const answer = await step('permit');
        if (answer.ok && !answer.value.granted) {
          refusedUntil.set(mailboxId, clock.now() + answer.value.waitMs);
          return { ...answer.value, why: 'limit' };
        }
        mayHold = true;
        // What the broker says no to for good, fetching the token tells better.
        const permit = askOwn(mailboxId, !answer.ok || isAlone(mailboxId) ? ALONE : limits);
        if (!permit.granted) return permit;
        isSentAlone = !answer.ok;
        if (isSentAlone) lastAlone.set(mailboxId, clock.now());
        return { granted: true };
      },
      ended(wasSent) {
        const at = clock.now();
        untold.set(mailboxId, { at, wasSent });
        if (isSentAlone) lastAlone.set(mailboxId, at);
        own.set(mailboxId, messageEnded(ownPace(mailboxId), me, at, wasSent));
      },
      async release() {
        own.set(mailboxId, released(ownPace(mailboxId), me));
        if (!mayHold) return;
        // Who cannot be told finds out by the end of the claim; that one was sent is told with the next step.
        await step('release');
        mayHold = false;
      },
    };
  };
};

/** The relay keeps the pace itself. */
export const openPace: OpenPace = () => ({
  permit: async () => ({ granted: true }),
  ended: () => undefined,
  release: async () => undefined,
});
