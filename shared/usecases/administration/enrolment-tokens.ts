import type { EnrolmentToken } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { hashOf, longSecret, newId } from '../secrets.ts';
import type { RecordsWithin } from './reach.ts';

/** A week is long enough to walk through a building. */
export const DEFAULT_ENROLMENT_SECONDS = 7 * 86_400;
export const DEFAULT_ENROLMENT_USES = 1;

export interface NewEnrolmentToken {
  readonly token: EnrolmentToken;
  /** Shown once. */
  readonly enrolmentToken: string;
}

export const enrolmentTokenAdministration = ({
  records: { organizations, enrolmentTokens, audit },
  clock,
  random,
}: {
  readonly records: Pick<RecordsWithin, 'organizations' | 'enrolmentTokens' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  const noteDown = ({ id, organizationId }: EnrolmentToken, action: string, detail: string): Promise<void> =>
    audit.add({ organizationId, action, subject: id, detail });

  return {
    async create(
      organizationId: string,
      uses = DEFAULT_ENROLMENT_USES,
      expiresInSeconds = DEFAULT_ENROLMENT_SECONDS,
    ): Promise<Result<NewEnrolmentToken, BrokerError>> {
      if ((await organizations.get(organizationId)) === undefined) {
        return fail(brokerError('not_found', 'No such organization.'));
      }
      const enrolmentToken = longSecret(random);
      const now = epochSeconds(clock);
      const token: EnrolmentToken = {
        id: newId('enr', random),
        tokenHash: hashOf(enrolmentToken),
        organizationId,
        uses,
        usesLeft: uses,
        expiresAt: now + expiresInSeconds,
        createdAt: now,
      };
      await enrolmentTokens.create(token);
      await noteDown(token, 'enrolment-token.created', `${uses} uses`);
      return ok({ token, enrolmentToken });
    },

    /** Newest first; those that ran out are forgotten some time after. */
    async list(organizationId: string): Promise<readonly EnrolmentToken[]> {
      const tokens = await enrolmentTokens.list(organizationId);
      return [...tokens].sort((one, other) => other.createdAt - one.createdAt);
    },

    /** No device registers with it any more; those that did are left alone. To revoke it again changes nothing. */
    async revoke(organizationId: string, id: string): Promise<Result<undefined, BrokerError>> {
      const token = (await enrolmentTokens.list(organizationId)).find((listed) => listed.id === id);
      if (token === undefined) return fail(brokerError('not_found', 'No such enrolment token.'));
      if (token.revokedAt !== undefined) return ok(undefined);
      await enrolmentTokens.revoke(token, epochSeconds(clock));
      await noteDown(token, 'enrolment-token.revoked', `${token.uses - token.usesLeft} of ${token.uses} uses taken`);
      return ok(undefined);
    },
  };
};

export type EnrolmentTokenAdministration = ReturnType<typeof enrolmentTokenAdministration>;
