import type { MailboxLimits } from '../../shared/domain/outbox.ts';
import { NO_PACE, type Pace } from '../../shared/domain/pace.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { GatewayLink, PaceAnswer } from '../../shared/ports/gateway-link.ts';
import { type MailboxPace, makeMailboxPace } from '../../shared/usecases/mail/mailbox-pace.ts';
import type { OpenPace } from '../../shared/usecases/mail/send-outbox.ts';

/**
 * What a gateway takes of a mailbox while the broker, which alone knows of the others, cannot be asked: one of the three
 * connections, and a third of the messages. So the relay and another gateway have room beside it.
 */
const ALONE: MailboxLimits = { connections: 1, messagesPerMinute: 10 };

/** So long the broker does not know of what was sent alone, and would allow it once more: then both must agree. */
const UNKNOWN_TO_BROKER_MS = 61_000;

/** One process, so nobody comes in between. */
const memoryPace = () => {
  const paces = new Map<string, Pace>();
  return {
    pace: async (mailboxId: string) => ({ pace: paces.get(mailboxId) ?? NO_PACE, revision: 0 }),
    async setPace(mailboxId: string, _known: unknown, pace: Pace): Promise<boolean> {
      paces.set(mailboxId, pace);
      return true;
    },
  };
};

/** The gateway's part in the pace that the broker keeps for all (design rule 8). */
export const makeSharedPace = ({
  link,
  owner,
  clock,
}: {
  link: Pick<GatewayLink, 'pace'>;
  owner: string;
  clock: Clock;
}): OpenPace => {
  const alonePace = makeMailboxPace({ outboxes: memoryPace(), clock });
  const lastAlone = new Map<string, number>();

  return (mailboxId): MailboxPace => {
    const alone = alonePace(mailboxId, { holder: 'gateway', owner }, ALONE);
    let ended: { readonly at: number; readonly wasSent: boolean } | undefined;

    const step = async (wants: 'permit' | 'release') => {
      const secondsAgo = ended && Math.max(0, Math.round((clock.now() - ended.at) / 1000));
      const told = ended && secondsAgo !== undefined ? { ended: { wasSent: ended.wasSent, secondsAgo } } : {};
      const answer = await link.pace({ mailboxId, owner, wants, ...told });
      if (answer.ok) ended = undefined;
      return answer;
    };

    const permitAlone = async (): Promise<PaceAnswer> => {
      const permit = await alone.permit();
      if (permit.granted) lastAlone.set(mailboxId, clock.now());
      return permit;
    };

    return {
      async permit() {
        const answer = await step('permit');
        // What the broker says no to for good, fetching the token tells better.
        if (!answer.ok) return permitAlone();
        const wasAlone = clock.now() - (lastAlone.get(mailboxId) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_TO_BROKER_MS;
        if (!answer.value.granted || !wasAlone) return answer.value;
        return alone.permit();
      },
      ended(wasSent) {
        ended = { at: clock.now(), wasSent };
        alone.ended(wasSent);
      },
      async release() {
        // Who cannot be told finds out by the end of the claim.
        await step('release');
        await alone.release();
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
