import type { Clock } from '../ports/clock.ts';
import { type KeyRing, noKeyRing } from '../ports/key-ring.ts';
import type { Random } from '../ports/random.ts';
import type { Table } from '../ports/table.ts';
import { adminKeyRecords } from './admin-keys.ts';
import { appRegistrationRecords } from './app-registrations.ts';
import { auditRecords } from './audit.ts';
import { connectionTestRecords } from './connection-tests.ts';
import { coolDownRecords } from './cool-downs.ts';
import { enrolmentTokenRecords } from './enrolment-tokens.ts';
import { recordsForDevices } from './for-devices.ts';
import { gatewayRecords } from './gateways.ts';
import { noticeRecords } from './notices.ts';
import { notificationSettingsRecords } from './notification-settings.ts';
import { reconnectLinkRecords } from './reconnect-links.ts';
import { sessionRecords } from './sessions.ts';
import { signInRecords } from './sign-ins.ts';
import { submissionRecords } from './submissions.ts';
import { uploadRecords } from './uploads.ts';

/**
 * Every entity over one table. `webhookKeys`: for who sets or uses the secrets of webhooks. `retentionDays`: for how long
 * mail that has ended is kept, for who accepts or sends it.
 */
export const brokerRecords = (
  table: Table,
  accessTokenKeys: KeyRing,
  clock: Clock,
  random: Random,
  { webhookKeys = noKeyRing, retentionDays }: { readonly webhookKeys?: KeyRing; readonly retentionDays?: number } = {},
) => ({
  ...recordsForDevices(table, accessTokenKeys),
  enrolmentTokens: enrolmentTokenRecords(table),
  appRegistrations: appRegistrationRecords(table),
  coolDowns: coolDownRecords(table),
  signIns: signInRecords(table),
  submissions: submissionRecords(table, retentionDays),
  uploads: uploadRecords(table),
  gateways: gatewayRecords(table),
  connectionTests: connectionTestRecords(table),
  notices: noticeRecords(table),
  notificationSettings: notificationSettingsRecords(table, webhookKeys),
  reconnectLinks: reconnectLinkRecords(table),
  audit: auditRecords(table, clock, random),
  adminKeys: adminKeyRecords(table),
  sessions: sessionRecords(table),
});

export type Records = ReturnType<typeof brokerRecords>;
