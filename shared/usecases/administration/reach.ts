import { type Authority, reaches } from '../../domain/authority.ts';
import type { AuditEntry } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { Records } from '../../records/index.ts';

/** Why a key of one organization may not. */
export const needsKeyForAll = (): BrokerError =>
  brokerError('invalid_admin_key', 'This key is for one organization; this needs a key for all.');

/**
 * The records as far as an authority reaches, and all that the administration's use cases are given: what belongs to another
 * organization is found no more than what there never was, by as many reads. Whatever is done to a device or a mailbox
 * begins with the finding of it. Every note in the audit log bears the authority's name.
 */
export const recordsWithin = (records: Records, authority: Authority) => {
  const { organizations, devices, enrolmentTokens, mailboxes, signIns, submissions, audit, appRegistrations } = records;

  const within = <Found extends { readonly organizationId: string }>(found: Found | undefined): Found | undefined =>
    found && reaches(authority, found.organizationId) ? found : undefined;

  /** A list by organization; of one out of reach it is empty. */
  const listWithin =
    <More extends unknown[], Found>(
      list: (organizationId: string, ...more: More) => Promise<readonly Found[]>,
    ): typeof list =>
    async (organizationId, ...more) =>
      reaches(authority, organizationId) ? list(organizationId, ...more) : [];

  const getOrganization = async (id: string) => (reaches(authority, id) ? organizations.get(id) : undefined);

  return {
    organizations: {
      get: getOrganization,
      async list() {
        if (authority.scope === 'all') return organizations.list();
        const own = await organizations.get(authority.organizationId);
        return own ? [own] : [];
      },
      update: async (...[id, changes]: Parameters<typeof organizations.update>) =>
        reaches(authority, id) && (await organizations.update(id, changes)),
    },
    devices: {
      ...devices,
      get: async (clientId: string) => within(await devices.get(clientId)),
      list: listWithin(devices.list),
    },
    enrolmentTokens: { ...enrolmentTokens, list: listWithin(enrolmentTokens.list) },
    mailboxes: {
      ...mailboxes,
      get: async (id: string) => within(await mailboxes.get(id)),
      list: listWithin(mailboxes.list),
    },
    appRegistrations: {
      /** The broker's are for the operator. */
      describe: async () =>
        authority.scope === 'all'
          ? appRegistrations.describeAll()
          : appRegistrations.describeOwn(authority.organizationId),
    },
    signIns: { ...signIns, get: async (id: string) => within(await signIns.get(id)) },
    submissions: { list: listWithin(submissions.list) },
    audit: {
      add: (entry: Omit<AuditEntry, 'id' | 'at' | 'by'>): Promise<void> => audit.add({ ...entry, by: authority.by }),
      list: listWithin(audit.list),
      /** What concerns the broker as a whole. */
      ofBroker: async (limit: number, before?: string) =>
        authority.scope === 'all' ? audit.list(undefined, limit, before) : [],
    },
  };
};

export type RecordsWithin = ReturnType<typeof recordsWithin>;
