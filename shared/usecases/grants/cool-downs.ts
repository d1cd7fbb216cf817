import {
  afterFault,
  type CoolDown,
  type ProviderFault,
  pauseAt,
  pauseBefore,
  probing,
} from '../../domain/cool-down.ts';
import { type Registration, registrationFields } from '../../domain/registration.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { ProviderFailure } from '../../ports/identity-provider.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { CoolDownRecord } from '../../records/cool-downs.ts';
import type { Records } from '../../records/index.ts';

/** Leave to call a provider by a registration; to be handed back with what became of the call. */
export interface Admission {
  readonly known: CoolDownRecord;
  /** This call finds out whether a pause can end; the others wait for it. */
  readonly probe: boolean;
}

/** Enough for any race of workers that fail at once: after the first the others find a pause, and have nothing to write. */
const WRITE_ATTEMPTS = 5;

/**
 * Spares a provider that throttles or fails (design section 7): a pause that all workers keep, for each registration by
 * itself, after which one call finds out and the others follow. A person who asks for a refresh may try during a pause, but not against the provider's own
 * `Retry-After`.
 */
export const makeCoolDowns = ({
  coolDowns,
  clock,
  random,
  log,
}: {
  readonly coolDowns: Records['coolDowns'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}) => {
  const tellPause = (
    registration: Registration,
    before: CoolDown | undefined,
    coolDown: CoolDown,
    now: number,
  ): void => {
    if (pauseAt(coolDown, now) === undefined) return;
    const { cause, failures, code, message, correlationId, until } = coolDown;
    const said = { code, detail: message, provider_correlation_id: correlationId };
    const about = { ...said, failures, pause_seconds: until - now };
    const fields = { ...registrationFields(registration), ...about };
    // One incident, however many mailboxes it has (pain 6), and however often a call finds that it lasts.
    const isNew = before === undefined || before.until === 0 || before.cause !== cause;
    if (!isNew) log.info('provider.still_paused', { ...fields, cause });
    else if (cause === 'registration') log.error('app_registration.refused', fields);
    else log.warn('provider.paused', { ...fields, cause });
  };

  return {
    /** Undefined: not now; `CoolDown` tells until when. */
    async admit(
      registration: Registration,
      known: CoolDownRecord,
      byPerson: boolean,
    ): Promise<Admission | { readonly pausing: CoolDown }> {
      const now = epochSeconds(clock);
      const { coolDown, revision } = known;
      const pausing = pauseAt(coolDown, now);
      if (pausing !== undefined) {
        return byPerson && pausing.cause !== 'throttled' ? { known, probe: true } : { pausing };
      }
      const over = pauseBefore(coolDown, now);
      if (over === undefined) return { known, probe: false };
      const probe = probing(over, now);
      if (await coolDowns.replace(registration, revision, probe)) {
        return { known: { coolDown: probe, revision: revision + 1 }, probe: true };
      }
      const newer = await coolDowns.get(registration);
      const newPause = pauseAt(newer.coolDown, now);
      return newPause === undefined ? { known: newer, probe: false } : { pausing: newPause };
    },

    async failed(registration: Registration, failure: ProviderFailure, { probe }: Admission): Promise<void> {
      const { affects } = failure;
      if (affects === 'grant') return;
      const fault: ProviderFault = { ...failure, affects };
      for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        // Rounded up: what it asks for is waited for in full.
        const now = Math.ceil(clock.now() / 1000);
        const { coolDown, revision } = await coolDowns.get(registration);
        const next = afterFault(coolDown, fault, { now, random: random.fraction(), probe });
        if (next === coolDown) return;
        if (!(await coolDowns.replace(registration, revision, next))) continue;
        tellPause(registration, coolDown, next, now);
        return;
      }
    },

    /** Of what was known before the call nothing is left; what came to be known meanwhile stands. */
    async succeeded(registration: Registration, { known }: Admission): Promise<void> {
      const { coolDown, revision } = known;
      if (coolDown === undefined) return;
      if (!(await coolDowns.replace(registration, revision, undefined)) || coolDown.until === 0) return;
      log.info('provider.resumed', {
        ...registrationFields(registration),
        cause: coolDown.cause,
        after_seconds: epochSeconds(clock) - coolDown.since,
      });
    },
  };
};
