import type { BrokerError } from '../../shared/domain/errors.ts';
import type { ServedToken } from '../../shared/domain/gateway.ts';
import type { Audience } from '../../shared/domain/provider.ts';
import { ok, type Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { GatewayLink } from '../../shared/ports/gateway-link.ts';

/** With less life left a token opens no session any more. */
const LAST_USE_SECONDS = 60;

/** Who wishes for more has been refused with the one there is, and wants another. */
const LONGEST_LIFE_SECONDS = 2 * 86_400;

/**
 * Access tokens of served mailboxes, in memory alone. While the broker cannot be reached one is used for as long as it lives,
 * whatever life was wished for; but not again for who wants another in its place, and would take a second refusal for the
 * mailbox's own.
 */
export const makeTokens = ({
  link,
  clock,
}: {
  link: Pick<GatewayLink, 'token'>;
  clock: Clock;
}): GatewayLink['token'] => {
  const held = new Map<string, ServedToken>();
  /** Who asks for the same at the same time is answered by one call. */
  const asked = new Map<string, Promise<Result<ServedToken, BrokerError>>>();

  const lifeOf = (token: ServedToken | undefined): number => (token ? token.expiresAt - epochSeconds(clock) : 0);

  const fetch = async (mailboxId: string, audience: Audience, minTtlSeconds: number) => {
    const name = `${mailboxId}|${audience}`;
    const fetched = await link.token({ mailboxId, audience, minTtlSeconds });
    if (fetched.ok) {
      held.set(name, fetched.value);
      return fetched;
    }
    const former = held.get(name);
    if (fetched.error.kind === 'broker_unreachable') {
      const isGood = former && lifeOf(former) >= LAST_USE_SECONDS && minTtlSeconds <= LONGEST_LIFE_SECONDS;
      return isGood ? ok(former) : fetched;
    }
    held.delete(name);
    return fetched;
  };

  return ({ mailboxId, audience, minTtlSeconds }) => {
    const name = `${mailboxId}|${audience}`;
    const token = held.get(name);
    if (token && lifeOf(token) >= minTtlSeconds) return Promise.resolve(ok(token));
    const key = `${name}|${minTtlSeconds}`;
    const current = asked.get(key) ?? fetch(mailboxId, audience, minTtlSeconds).finally(() => asked.delete(key));
    asked.set(key, current);
    return current;
  };
};
