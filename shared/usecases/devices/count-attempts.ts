import { type AttemptScope, type Attempts, lockedFor } from '../../domain/attempts.ts';
import type { BrokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Attempted } from '../../records/attempts.ts';
import type { Records } from '../../records/index.ts';
import type { Claimed } from '../../records/items.ts';

/** What was found out about a credential, before anybody is told. */
export interface Verdict {
  readonly isRight: boolean;
  /** What its bearer is told when it is wrong, and there were not too many. */
  readonly refusal: BrokerError;
}

const scopeOf = (claimed: Claimed): AttemptScope =>
  claimed === 'admin' || claimed === 'pairing' ? `${claimed}_at_place` : 'device_at_place';

/** An administrator chooses the admin key, and a pairing code is short; a device's secret is neither. */
const isGuessable = (claimed: Claimed | undefined): boolean => claimed === 'admin' || claimed === 'pairing';

const tooMany = (retryAfterSeconds: number): BrokerError => ({ kind: 'too_many_attempts', retryAfterSeconds });

/** Bounds how often wrong credentials are presented (RFC 6749 section 10.10, RFC 9700). */
export const countAttempts = ({
  records: { attempts },
  clock,
  log,
}: {
  readonly records: Pick<Records, 'attempts'>;
  readonly clock: Clock;
  readonly log: Log;
}) => {
  /**
   * Counts what was wrong. Once there were too many, its bearer is told to wait instead, and it is not counted, so that
   * every lock heals while a device goes on trying.
   */
  const refuse = async (attempted: Attempted, refusal: BrokerError): Promise<BrokerError> => {
    const { place, claimed } = attempted;
    const now = epochSeconds(clock);
    const { ofPlace, ofDevice } = await attempts.around(attempted);
    const wait = Math.max(lockedFor('place', ofPlace, now), lockedFor('device', ofDevice, now));
    // Of what could be guessed every wrong one counts, or a locked place would be a place to guess from.
    if (wait > 0 && !isGuessable(claimed)) return tooMany(wait);
    await attempts.addFailure(attempted, now).catch((error: unknown) => {
      // It is refused all the same.
      log.warn('attempt.not_counted', { place, error: String(error) });
    });
    log.info('attempt.refused', { claimed, place, kind: refusal.kind });
    return wait > 0 ? tooMany(wait) : refusal;
  };

  return {
    refuse,

    /**
     * For a credential that says whose it is, with the wrong ones before it at this place: locked, not even the right one is
     * let through. The right one writes nothing, unless there were wrong ones.
     */
    async admit(
      attempted: Attempted & { readonly claimed: Claimed },
      before: Attempts | undefined,
      { isRight, refusal }: Verdict,
    ): Promise<Result<undefined, BrokerError>> {
      const { place, claimed } = attempted;
      const wait = lockedFor(scopeOf(claimed), before, epochSeconds(clock));
      if (wait > 0) return fail(tooMany(wait));
      if (!isRight) return fail(await refuse(attempted, refusal));
      // Whoever has one code of their own must not guess at others with it for ever.
      if (before && claimed !== 'pairing') {
        await attempts.forget(place, claimed).catch((error: unknown) => {
          log.warn('attempt.not_forgotten', { claimed, place, error: String(error) });
        });
      }
      return ok(undefined);
    },
  };
};

export type CountAttempts = ReturnType<typeof countAttempts>;
