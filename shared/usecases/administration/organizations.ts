import type { Authority } from '../../domain/authority.ts';
import type { Organization } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { newId } from '../secrets.ts';
import type { AdminKeyAdministration } from './admin-keys.ts';
import { needsKeyForAll, type RecordsWithin } from './reach.ts';

const missing = fail(brokerError('not_found', 'No such organization.'));

type Changes = Partial<Pick<Organization, 'name' | 'locale' | 'enabled'>>;

export const organizationAdministration = ({
  records: { organizations, audit },
  scope,
}: {
  readonly records: Pick<RecordsWithin, 'organizations' | 'audit'>;
  readonly scope: Authority['scope'];
}) => {
  const get = async (id: string): Promise<Result<Organization, BrokerError>> => {
    const organization = await organizations.get(id);
    return organization ? ok(organization) : missing;
  };
  return {
    get,

    list: (): Promise<readonly Organization[]> => organizations.list(),

    /** `enabled` is for a key for all: whom the operator has suspended does not lift it. */
    async update(id: string, changes: Changes): Promise<Result<Organization, BrokerError>> {
      if (changes.enabled !== undefined && scope !== 'all') {
        const found = await get(id);
        return found.ok ? fail(needsKeyForAll()) : found;
      }
      if (!(await organizations.update(id, changes))) return missing;
      const detail = Object.keys(changes).join(', ');
      await audit.add({ organizationId: id, action: 'organization.changed', subject: id, detail });
      return get(id);
    },
  };
};

export type OrganizationAdministration = ReturnType<typeof organizationAdministration>;

/** How customers come and go: for a key for all. */
export const customerAdministration = ({
  organizations,
  notices,
  notificationSettings,
  audit,
  adminKeys,
  clock,
  random,
}: {
  readonly organizations: Records['organizations'];
  readonly notices: Pick<Records['notices'], 'removeAll'>;
  readonly notificationSettings: Pick<Records['notificationSettings'], 'remove'>;
  readonly audit: RecordsWithin['audit'];
  readonly adminKeys: AdminKeyAdministration;
  readonly clock: Clock;
  readonly random: Random;
}) => ({
  async create(name: string, locale: string): Promise<Organization> {
    const id = newId('org', random);
    const organization: Organization = { id, name, locale, enabled: true, createdAt: epochSeconds(clock) };
    await organizations.create(organization);
    await audit.add({ organizationId: id, action: 'organization.created', subject: id, detail: name });
    return organization;
  },

  /** Refused while it has devices or mailboxes: nobody deletes a customer by a slip. Its keys end with it. */
  async remove(id: string): Promise<Result<undefined, BrokerError>> {
    const organization = await organizations.get(id);
    if (organization === undefined) return missing;
    if (await organizations.isInUse(id)) {
      return fail(brokerError('conflict', 'Remove its devices and mailboxes first.'));
    }
    await adminKeys.revokeAllOf(id);
    await notificationSettings.remove(id);
    await notices.removeAll(id);
    await organizations.remove(id);
    // Its own part of the log is shown no more.
    await audit.add({ action: 'organization.removed', subject: id, detail: organization.name });
    return ok(undefined);
  },
});

export type CustomerAdministration = ReturnType<typeof customerAdministration>;
