import type { KeyRing } from '../ports/key-ring.ts';
import type { Table } from '../ports/table.ts';
import { attemptRecords } from './attempts.ts';
import { deviceAccessRecords } from './device-access.ts';
import { deviceRecords } from './devices.ts';
import { grantRecords } from './grants.ts';
import { mailboxRecords } from './mailboxes.ts';
import { organizationRecords } from './organizations.ts';
import { outboxRecords } from './outboxes.ts';
import { pairingRecords } from './pairings.ts';
import { refreshTokenFamilyRecords } from './refresh-token-families.ts';

/** What it takes to serve devices. The function that does has no other code in its bundle, as it is the one that is waited for. */
export const recordsForDevices = (table: Table, accessTokenKeys: KeyRing) => ({
  organizations: organizationRecords(table),
  devices: deviceRecords(table),
  deviceAccess: deviceAccessRecords(table),
  attempts: attemptRecords(table),
  mailboxes: mailboxRecords(table),
  grants: grantRecords(table, accessTokenKeys),
  outboxes: outboxRecords(table),
  pairings: pairingRecords(table),
  refreshTokenFamilies: refreshTokenFamilyRecords(table),
});

export type RecordsForDevices = ReturnType<typeof recordsForDevices>;
