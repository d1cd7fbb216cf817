import type { Authority, AuthorityOverAll } from '../../domain/authority.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { Records } from '../../records/index.ts';
import { makeDescribeMailbox } from '../describe-mailbox.ts';
import { makeGiveUpSlot } from '../pairing/give-up-slot.ts';
import { makeSignOut } from '../sign-in/sign-out.ts';
import { type AdminKeyAdministration, adminKeyAdministration } from './admin-keys.ts';
import { type AppRegistrationAdministration, appRegistrationAdministration } from './app-registrations.ts';
import { type DeviceAdministration, deviceAdministration } from './devices.ts';
import { type EnrolmentTokenAdministration, enrolmentTokenAdministration } from './enrolment-tokens.ts';
import { type HistoryAdministration, historyAdministration } from './history.ts';
import { type MailboxAdministration, mailboxAdministration } from './mailboxes.ts';
import {
  type CustomerAdministration,
  customerAdministration,
  type OrganizationAdministration,
  organizationAdministration,
} from './organizations.ts';
import { recordsWithin } from './reach.ts';

/** What every administrator can do, within the reach of the key. */
interface CommonAdministration {
  readonly organizations: OrganizationAdministration;
  readonly enrolmentTokens: EnrolmentTokenAdministration;
  readonly devices: DeviceAdministration;
  readonly mailboxes: MailboxAdministration;
  readonly history: HistoryAdministration;
  readonly appRegistrations: AppRegistrationAdministration;
}

export interface AdministrationOfOne extends CommonAdministration {
  readonly scope: 'organization';
}

export interface AdministrationOfAll extends CommonAdministration {
  readonly scope: 'all';
  readonly organizations: OrganizationAdministration & CustomerAdministration;
  readonly adminKeys: AdminKeyAdministration;
}

/** The admin API and the console are two doors to it; what is for a key for all is not there without one. */
export type Administration = AdministrationOfAll | AdministrationOfOne;

/** There is no administration but for an authority, so that nobody forgets to ask how far it reaches. */
export interface AdministrationFor {
  (authority: AuthorityOverAll): AdministrationOfAll;
  (authority: Authority): Administration;
}

export interface AdministrationDependencies {
  readonly table: Table;
  readonly records: Records;
  /** It needs no more of it than to delete from it. */
  readonly vault: TokenVault;
  readonly refresher: Refresher;
  readonly clock: Clock;
  readonly random: Random;
}

export const makeAdministrationFor = (dependencies: AdministrationDependencies): AdministrationFor => {
  const { grants } = dependencies.records;
  const signOut = makeSignOut({ ...dependencies, grants });
  const common = {
    ...dependencies,
    describeMailbox: makeDescribeMailbox({ grants, clock: dependencies.clock }),
    signOut,
  };
  const giveUpSlot = makeGiveUpSlot({ ...dependencies, signOut });

  function administrationFor(authority: AuthorityOverAll): AdministrationOfAll;
  function administrationFor(authority: Authority): Administration;
  function administrationFor(authority: Authority): Administration {
    const records = recordsWithin(dependencies.records, authority);
    const within = { ...common, records };
    const forEverybody = {
      organizations: organizationAdministration({ ...within, scope: authority.scope }),
      enrolmentTokens: enrolmentTokenAdministration(within),
      devices: deviceAdministration({ ...within, giveUpSlot: (binding) => giveUpSlot(binding, authority.by) }),
      mailboxes: mailboxAdministration(within),
      history: historyAdministration(records),
      appRegistrations: appRegistrationAdministration(within),
    };
    const { scope } = authority;
    if (scope === 'organization') return { scope, ...forEverybody };
    const { organizations } = dependencies.records;
    const { audit } = records;
    const adminKeys = adminKeyAdministration({ ...dependencies, audit });
    const customers = customerAdministration({ ...dependencies, organizations, audit, adminKeys });
    return {
      scope,
      ...forEverybody,
      organizations: { ...forEverybody.organizations, ...customers },
      adminKeys,
    };
  }
  return administrationFor;
};
