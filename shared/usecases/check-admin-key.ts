import { type BrokerError, brokerError } from '../domain/errors.ts';
import type { Result } from '../domain/result.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Records } from '../records/index.ts';
import { countAttempts } from './count-attempts.ts';
import { hashOf, matchesAny } from './secrets.ts';

/** Whether a key is the admin key. Errors: `invalid_admin_key`, `too_many_attempts`. */
export type CheckAdminKey = (key: string, place: string) => Promise<Result<undefined, BrokerError>>;

export const adminKeyCheck = (dependencies: {
  readonly records: Pick<Records, 'attempts'>;
  readonly adminKey: string;
  readonly clock: Clock;
  readonly log: Log;
}): { readonly adminKeyHash: string; readonly checkAdminKey: CheckAdminKey } => {
  const { records, adminKey } = dependencies;
  const { admit } = countAttempts(dependencies);
  const adminKeyHash = hashOf(adminKey);
  return {
    adminKeyHash,
    async checkAdminKey(key, place) {
      const before = await records.attempts.get(place, 'admin');
      const isRight = matchesAny(key, [adminKeyHash]);
      return admit({ place, claimed: 'admin' }, before, { isRight, refusal: brokerError('invalid_admin_key') });
    },
  };
};
