import { type Authority, authorityOf, ROOT_AUTHORITY } from '../../domain/authority.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Records } from '../../records/index.ts';
import type { SessionKey } from '../../records/sessions.ts';
import { countAttempts } from '../devices/count-attempts.ts';
import { hashOf, matchesAny } from '../secrets.ts';

/** Whose key it is, and how to ask later on whether it still is one. */
export interface KnownKey {
  readonly authority: Authority;
  readonly key: SessionKey;
}

/** Which admin key a text is. Errors: `invalid_admin_key`, `too_many_attempts`. */
export type CheckAdminKey = (key: string, place: string) => Promise<Result<KnownKey, BrokerError>>;

export interface AdminKeyDependencies {
  readonly records: Pick<Records, 'attempts' | 'adminKeys'>;
  /** The one that the broker was set up with. */
  readonly adminKey: string;
  readonly clock: Clock;
  readonly log: Log;
}

export const adminKeyCheck = (
  dependencies: AdminKeyDependencies,
): { readonly adminKeyHash: string; readonly checkAdminKey: CheckAdminKey } => {
  const { records, adminKey } = dependencies;
  const { admit } = countAttempts(dependencies);
  const adminKeyHash = hashOf(adminKey);
  return {
    adminKeyHash,
    async checkAdminKey(key, place) {
      const keyHash = hashOf(key);
      const [before, made] = await Promise.all([records.attempts.get(place, 'admin'), records.adminKeys.get(keyHash)]);
      const authority = made && authorityOf(made);
      // Nobody guesses one of 2^256: it passes whatever else was presented here. And it clears no count, or whoever has one
      // could go on for ever guessing at the key for all, which may be of somebody's choice.
      if (authority) return ok({ authority, key: { kind: 'made', keyHash } });
      const isRight = matchesAny(key, [adminKeyHash]);
      const refusal = brokerError('invalid_admin_key');
      const admitted = await admit({ place, claimed: 'admin' }, before, { isRight, refusal });
      return admitted.ok ? ok({ authority: ROOT_AUTHORITY, key: { kind: 'root' } }) : admitted;
    },
  };
};
