import type { NoticeScope } from '../domain/notice.ts';
import { NO_SETTINGS, type NotificationSettings } from '../domain/notification-settings.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, keys, whenRevision } from './items.ts';

export interface NotificationSettingsRecord {
  readonly settings: NotificationSettings;
  readonly revision: number;
}

/** Associated data: a secret moved to another organization does not open. */
const secretContext = (scope: NoticeScope): string => `webhook-secret|${scope ?? 'broker'}`;

/** How an organization, or the operator, wants to be told. */
export const notificationSettingsRecords = (table: Table, webhookKeys: KeyRing) => ({
  async get(scope: NoticeScope): Promise<NotificationSettingsRecord> {
    const item = await table.get(keys.notifications(scope));
    if (item === undefined) return { settings: NO_SETTINGS, revision: 0 };
    const { revision, ...settings } = entity<NotificationSettings & { revision: number }>(item);
    return { settings, revision };
  },

  /** False: somebody else has changed them meanwhile. */
  async replace(
    scope: NoticeScope,
    { revision }: Pick<NotificationSettingsRecord, 'revision'>,
    settings: NotificationSettings,
  ): Promise<boolean> {
    const put = { ...keys.notifications(scope), ...attributes(settings), revision: revision + 1 };
    return (await table.write({ put, when: whenRevision(revision) })) === 'written';
  },

  async remove(scope: NoticeScope): Promise<void> {
    await table.write({ delete: keys.notifications(scope) });
  },

  sealSecret: (scope: NoticeScope, secret: string): Promise<string> => webhookKeys.seal(secret, secretContext(scope)),
  openSecret: (scope: NoticeScope, sealed: string): Promise<string> => webhookKeys.open(sealed, secretContext(scope)),
});
