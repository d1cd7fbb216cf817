import type { Authority, AuthorityOverAll } from '../../domain/authority.ts';
import type { Mailbox } from '../../domain/entities.ts';
import type { BlobStore } from '../../ports/blob-store.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MailboxTester } from '../../ports/mailbox-tester.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { Table } from '../../ports/table.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { makeDescribeMailbox } from '../describe-mailbox.ts';
import { makeRemoveSubmission } from '../mail/forget-submissions.ts';
import { makeTryOutboxNow } from '../mail/wake-outbox.ts';
import { makeHoldSignedOut } from '../notices/hold-signed-out.ts';
import { dropMailbox, makeNotices } from '../notices/raise-notice.ts';
import { makeGiveUpSlot } from '../pairing/give-up-slot.ts';
import { makeSignOut } from '../sign-in/sign-out.ts';
import { type AdminKeyAdministration, adminKeyAdministration } from './admin-keys.ts';
import { type AppRegistrationAdministration, appRegistrationAdministration } from './app-registrations.ts';
import { type ConnectionTestAdministration, connectionTestAdministration } from './connection-tests.ts';
import { type DeviceAdministration, deviceAdministration } from './devices.ts';
import { type EnrolmentTokenAdministration, enrolmentTokenAdministration } from './enrolment-tokens.ts';
import { type GatewayAdministration, gatewayAdministration } from './gateways.ts';
import { type HistoryAdministration, historyAdministration } from './history.ts';
import { type MailboxAdministration, mailboxAdministration } from './mailboxes.ts';
import { type NotificationAdministration, notificationAdministration } from './notifications.ts';
import {
  type CustomerAdministration,
  customerAdministration,
  type OrganizationAdministration,
  organizationAdministration,
} from './organizations.ts';
import { recordsWithin } from './reach.ts';
import { type SubmissionAdministration, submissionAdministration } from './submissions.ts';

/** What every administrator can do, within the reach of the key. */
interface CommonAdministration {
  readonly organizations: OrganizationAdministration;
  readonly enrolmentTokens: EnrolmentTokenAdministration;
  readonly devices: DeviceAdministration;
  readonly gateways: GatewayAdministration;
  readonly mailboxes: MailboxAdministration;
  readonly connectionTests: ConnectionTestAdministration;
  readonly history: HistoryAdministration;
  readonly submissions: SubmissionAdministration;
  readonly appRegistrations: AppRegistrationAdministration;
  readonly notifications: NotificationAdministration;
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
  readonly mailboxTester: MailboxTester;
  /** Of messages, to delete from. */
  readonly blobs: Pick<BlobStore, 'delete'>;
  readonly mailQueue: Pick<WorkQueue, 'send'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export const makeAdministrationFor = (dependencies: AdministrationDependencies): AdministrationFor => {
  const { grants, submissions, outboxes } = dependencies.records;
  const signOut = makeSignOut({ ...dependencies, grants });
  const notices = makeNotices(dependencies);
  const common = {
    ...dependencies,
    notices,
    removeSubmission: makeRemoveSubmission({ ...dependencies, submissions }),
    tryOutboxNow: makeTryOutboxNow({ ...dependencies, outboxes, queue: dependencies.mailQueue }),
    dropNotices: (mailbox: Mailbox) => dropMailbox(notices, mailbox),
    holdSignedOut: makeHoldSignedOut({ ...dependencies, outboxes, notices }),
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
      gateways: gatewayAdministration(within),
      mailboxes: mailboxAdministration(within),
      connectionTests: connectionTestAdministration(within),
      history: historyAdministration(within),
      submissions: submissionAdministration(within),
      appRegistrations: appRegistrationAdministration(within),
      notifications: notificationAdministration({ ...within, scope: authority.scope }),
    };
    const { scope } = authority;
    if (scope === 'organization') return { scope, ...forEverybody };
    const { organizations, notices: told, notificationSettings } = dependencies.records;
    const { audit } = records;
    const adminKeys = adminKeyAdministration({ ...dependencies, audit });
    const customers = customerAdministration({
      ...dependencies,
      ...{ organizations, notices: told, notificationSettings, audit, adminKeys },
    });
    return {
      scope,
      ...forEverybody,
      organizations: { ...forEverybody.organizations, ...customers },
      adminKeys,
    };
  }
  return administrationFor;
};
