import { type Authority, reaches } from '../../domain/authority.ts';
import type { AuditEntry } from '../../domain/entities.ts';
import { type BrokerError, brokerError } from '../../domain/errors.ts';
import type { NoticeEvent, NoticeScope } from '../../domain/notice.ts';
import { NO_SETTINGS } from '../../domain/notification-settings.ts';
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
  const {
    organizations,
    devices,
    enrolmentTokens,
    mailboxes,
    signIns,
    submissions,
    outboxes,
    connectionTests,
    audit,
    appRegistrations,
    gateways,
  } = records;
  const { notices, notificationSettings } = records;

  const within = <Found extends { readonly organizationId: string }>(found: Found | undefined): Found | undefined =>
    found && reaches(authority, found.organizationId) ? found : undefined;

  /** A list by organization; of one out of reach it is empty. */
  const listWithin =
    <More extends unknown[], Found>(
      list: (organizationId: string, ...more: More) => Promise<readonly Found[]>,
    ): typeof list =>
    async (organizationId, ...more) =>
      reaches(authority, organizationId) ? list(organizationId, ...more) : [];

  /** What concerns the broker as a whole is the operator's. */
  const reachesScope = (scope: NoticeScope): boolean =>
    scope === undefined ? authority.scope === 'all' : reaches(authority, scope);

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
    /** Whatever is done to one begins with the finding of it. */
    submissions: {
      retention: submissions.retention,
      async get(id: string) {
        const record = await submissions.get(id);
        return record && reaches(authority, record.submission.organizationId) ? record : undefined;
      },
      page: async (...[organizationId, ...stretch]: Parameters<typeof submissions.page>) =>
        reaches(authority, organizationId)
          ? submissions.page(organizationId, ...stretch)
          : { records: [], next: undefined },
      replace: submissions.replace,
    },
    gateways: {
      /** That of all organizations together is the operator's. */
      list: async (...[organizationId, now]: Parameters<typeof gateways.list>) =>
        reachesScope(organizationId) ? gateways.list(organizationId, now) : [],
    },
    /** Asked for by mailboxes that were found. */
    outboxes,
    connectionTests,
    notices: {
      event: async (scope: NoticeScope, id: string) => (reachesScope(scope) ? notices.event(scope, id) : undefined),
      events: async (scope: NoticeScope, ids: readonly string[]) =>
        reachesScope(scope) ? notices.events(scope, ids) : [],
      list: async (...[scope, ...page]: Parameters<typeof notices.list>): ReturnType<typeof notices.list> =>
        reachesScope(scope) ? notices.list(scope, ...page) : { open: [] },
      createEvent: async (scope: NoticeScope, event: NoticeEvent) =>
        reachesScope(scope) && (await notices.createEvent(scope, event)),
    },
    notificationSettings: {
      ...notificationSettings,
      get: async (scope: NoticeScope) =>
        reachesScope(scope) ? notificationSettings.get(scope) : { settings: NO_SETTINGS, revision: 0 },
      replace: async (...[scope, ...change]: Parameters<typeof notificationSettings.replace>) =>
        reachesScope(scope) && (await notificationSettings.replace(scope, ...change)),
    },
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
