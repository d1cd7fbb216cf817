import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { Records } from '../../records/index.ts';
import { makeDescribeMailbox } from '../describe-mailbox.ts';
import { makeSignOut } from '../sign-out.ts';
import { type AppRegistrationAdministration, appRegistrationAdministration } from './app-registrations.ts';
import { type DeviceAdministration, deviceAdministration } from './devices.ts';
import { type EnrolmentTokenAdministration, enrolmentTokenAdministration } from './enrolment-tokens.ts';
import { type HistoryAdministration, historyAdministration } from './history.ts';
import { type MailboxAdministration, mailboxAdministration } from './mailboxes.ts';
import { type OrganizationAdministration, organizationAdministration } from './organizations.ts';

/** Everything an administrator can do; the admin API and the console are two doors to it. */
export interface Administration {
  readonly organizations: OrganizationAdministration;
  readonly enrolmentTokens: EnrolmentTokenAdministration;
  readonly devices: DeviceAdministration;
  readonly mailboxes: MailboxAdministration;
  readonly appRegistrations: AppRegistrationAdministration;
  readonly history: HistoryAdministration;
}

/** Built once for every composition. Of the vault it needs no more than to delete from it. */
export const administrationOf = (dependencies: {
  readonly table: Table;
  readonly records: Records;
  readonly vault: TokenVault;
  readonly refresher: Refresher;
  readonly clock: Clock;
  readonly random: Random;
}): Administration => {
  const { records, clock } = dependencies;
  const { grants } = records;
  return {
    organizations: organizationAdministration(dependencies),
    enrolmentTokens: enrolmentTokenAdministration(dependencies),
    devices: deviceAdministration(dependencies),
    mailboxes: mailboxAdministration({
      ...dependencies,
      describeMailbox: makeDescribeMailbox({ grants, clock }),
      signOut: makeSignOut({ ...dependencies, grants }),
    }),
    appRegistrations: appRegistrationAdministration(dependencies),
    history: historyAdministration(records),
  };
};
