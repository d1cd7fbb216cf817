import type { DeviceAdministration } from './devices.ts';
import type { HistoryAdministration } from './history.ts';
import type { MailboxAdministration } from './mailboxes.ts';
import type { OrganizationAdministration } from './organizations.ts';

export { deviceAdministration } from './devices.ts';
export { historyAdministration } from './history.ts';
export { mailboxAdministration } from './mailboxes.ts';
export { organizationAdministration } from './organizations.ts';

/** Everything an administrator can do; the admin API and the console are two doors to it. */
export interface Administration {
  readonly organizations: OrganizationAdministration;
  readonly devices: DeviceAdministration;
  readonly mailboxes: MailboxAdministration;
  readonly history: HistoryAdministration;
}
