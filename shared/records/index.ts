import type { Clock } from '../ports/clock.ts';
import type { KeyRing } from '../ports/key-ring.ts';
import type { Random } from '../ports/random.ts';
import type { Table } from '../ports/table.ts';
import { adminKeyRecords } from './admin-keys.ts';
import { appRegistrationRecords } from './app-registrations.ts';
import { attemptRecords } from './attempts.ts';
import { auditRecords } from './audit.ts';
import { coolDownRecords } from './cool-downs.ts';
import { deviceAccessRecords } from './device-access.ts';
import { deviceRecords } from './devices.ts';
import { enrolmentTokenRecords } from './enrolment-tokens.ts';
import { grantRecords } from './grants.ts';
import { mailboxRecords } from './mailboxes.ts';
import { organizationRecords } from './organizations.ts';
import { pairingRecords } from './pairings.ts';
import { refreshTokenFamilyRecords } from './refresh-token-families.ts';
import { sessionRecords } from './sessions.ts';
import { signInRecords } from './sign-ins.ts';
import { submissionRecords } from './submissions.ts';

/** Every entity over one table. */
export const brokerRecords = (table: Table, accessTokenKeys: KeyRing, clock: Clock, random: Random) => ({
  organizations: organizationRecords(table),
  devices: deviceRecords(table),
  deviceAccess: deviceAccessRecords(table),
  attempts: attemptRecords(table),
  enrolmentTokens: enrolmentTokenRecords(table),
  mailboxes: mailboxRecords(table),
  grants: grantRecords(table, accessTokenKeys),
  appRegistrations: appRegistrationRecords(table),
  coolDowns: coolDownRecords(table),
  signIns: signInRecords(table),
  pairings: pairingRecords(table),
  refreshTokenFamilies: refreshTokenFamilyRecords(table),
  submissions: submissionRecords(table),
  audit: auditRecords(table, clock, random),
  adminKeys: adminKeyRecords(table),
  sessions: sessionRecords(table),
});

export type Records = ReturnType<typeof brokerRecords>;
