import type { BrokerError } from '../../domain/errors.ts';
import type { GatewayIdentity } from '../../domain/gateway.ts';
import { MAILBOX_LIMITS } from '../../domain/outbox.ts';
import {
  askPermit,
  type Holder,
  messageEnded,
  type Pace,
  type Permit,
  released,
  succeeding,
} from '../../domain/pace.ts';
import { ok, type Result } from '../../domain/result.ts';
import { SENDING_SECONDS } from '../../domain/timing.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PaceAnswer, PaceStep } from '../../ports/gateway-link.ts';
import type { Records } from '../../records/index.ts';
import { makeServedMailbox } from './served-mailbox.ts';

/** As for the relay's workers (`mailbox-pace.ts`): of those who collide one is through. */
const WRITE_ATTEMPTS = 20;

const LATER = { granted: false, why: 'limit', waitMs: 1000 } as const;

/** Whoever says it again, as the answer was lost, has said it once: then no message is on its way. */
const withEnded = (pace: Pace, who: Holder, ended: PaceStep['ended'], nowMs: number): Pace => {
  const mine = pace.connections[who.holder];
  if (ended === undefined || mine?.owner !== who.owner || !mine.sending) return pace;
  // No message takes longer, and none has come to its end yet to be.
  const secondsAgo = Math.min(Math.max(ended.secondsAgo, 0), SENDING_SECONDS);
  return messageEnded(pace, who, nowMs - secondsAgo * 1000, ended.wasSent);
};

const answerOf = (permit: Permit): PaceAnswer =>
  permit.granted ? { granted: true } : { granted: false, why: permit.why, waitMs: permit.waitMs };

/** A gateway's part in a mailbox's pace, which it shares with the relay and with other gateways (`GatewayLink.pace`). */
export const makeGatewayPace = (dependencies: {
  readonly records: Pick<Records, 'gateways' | 'mailboxes' | 'outboxes'>;
  readonly clock: Clock;
}) => {
  const { records, clock } = dependencies;
  const served = makeServedMailbox(dependencies);

  return ({ gatewayId, ...gateway }: GatewayIdentity) =>
    async ({ mailboxId, owner, ended, wants }: PaceStep): Promise<Result<PaceAnswer, BrokerError>> => {
      const mailbox = await served({ gatewayId, ...gateway }, mailboxId);
      if (!mailbox.ok) return mailbox;
      const who = { holder: `gateway:${gatewayId}`, owner };
      const limits = MAILBOX_LIMITS[mailbox.value.provider];
      for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        const known = await records.outboxes.pace(mailboxId);
        const now = clock.now();
        // A gateway's folder belongs to one process: another owner is what a kill has left.
        const told = withEnded(succeeding(known.pace, who, now), who, ended, now);
        const permit: Permit =
          wants === 'release' ? { granted: true, pace: released(told, who) } : askPermit(told, who, limits, now);
        const pace = permit.granted ? permit.pace : told;
        if (pace === known.pace || (await records.outboxes.setPace(mailboxId, known, pace))) {
          return ok(answerOf(permit));
        }
      }
      return ok(LATER);
    };
};
