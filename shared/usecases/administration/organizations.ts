import type { Organization } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { newId } from '../secrets.ts';

interface Dependencies {
  readonly records: Pick<Records, 'organizations' | 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}

const missing = fail(brokerError('not_found', 'No such organization.'));

export const organizationAdministration = ({ records, clock, random }: Dependencies) => {
  const { organizations, audit } = records;
  return {
    async create(name: string, locale: string): Promise<Organization> {
      const id = newId('org', random);
      const organization: Organization = { id, name, locale, enabled: true, createdAt: epochSeconds(clock) };
      await organizations.create(organization);
      await audit.add({ organizationId: id, by: 'admin', action: 'organization.created', subject: id, detail: name });
      return organization;
    },

    list: (): Promise<readonly Organization[]> => organizations.list(),

    async get(id: string): Promise<Result<Organization, BrokerError>> {
      const organization = await organizations.get(id);
      return organization ? ok(organization) : missing;
    },

    async update(
      id: string,
      changes: Partial<Pick<Organization, 'name' | 'locale' | 'enabled'>>,
    ): Promise<Result<Organization, BrokerError>> {
      if (!(await organizations.update(id, changes))) return missing;
      const detail = Object.keys(changes).join(', ');
      await audit.add({ organizationId: id, by: 'admin', action: 'organization.changed', subject: id, detail });
      return this.get(id);
    },

    /** Refused while it has devices or mailboxes: nobody deletes a customer by a slip. */
    async remove(id: string): Promise<Result<undefined, BrokerError>> {
      if ((await organizations.get(id)) === undefined) return missing;
      if (await organizations.isInUse(id)) {
        return fail(brokerError('conflict', 'Remove its devices and mailboxes first.'));
      }
      await organizations.remove(id);
      await audit.add({ organizationId: id, by: 'admin', action: 'organization.removed', subject: id });
      return ok(undefined);
    },
  };
};

export type OrganizationAdministration = ReturnType<typeof organizationAdministration>;
