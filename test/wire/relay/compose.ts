import { acceptMailApp } from '../../../functions/relay-mail/accept/app.ts';
import { openDataFolder } from '../../../local/data-folder.ts';
import { envelopeTokenVault } from '../../../shared/adapters/envelope/envelope-token-vault.ts';
import { filesystemBlobStore } from '../../../shared/adapters/filesystem/filesystem-blob-store.ts';
import { configuredIdentityProviders } from '../../../shared/adapters/identity-providers/configured.ts';
import { fileKeyRing } from '../../../shared/adapters/key-ring/file-key-ring.ts';
import { mimeMessageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import { nodemailerTransport, type SmtpTimeouts } from '../../../shared/adapters/nodemailer/nodemailer-transport.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { releaseReceived } from '../../../shared/adapters/sqlite/queue-statements.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';
import { sqliteWorkQueue } from '../../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { inProcessRefresher } from '../../../shared/adapters/system/in-process-refresher.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { mailServers, smtpServers } from '../../../shared/config/mail-servers.ts';
import { parseBrokerConfig } from '../../../shared/config/provider-config.ts';
import { ROOT_AUTHORITY } from '../../../shared/domain/authority.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import { fail } from '../../../shared/domain/result.ts';
import type { BlobStore } from '../../../shared/ports/blob-store.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { MailTransport } from '../../../shared/ports/mail-transport.ts';
import { noMailboxTester } from '../../../shared/ports/mailbox-tester.ts';
import type { Table } from '../../../shared/ports/table.ts';
import type { WorkQueue } from '../../../shared/ports/work-queue.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { makeAdministrationFor } from '../../../shared/usecases/administration/index.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { makeAcceptMessage } from '../../../shared/usecases/mail/accept-message.ts';
import { makeAdoptSubmissions } from '../../../shared/usecases/mail/adopt-submissions.ts';
import { makeOpenCourier } from '../../../shared/usecases/mail/courier.ts';
import type { OutboxWork } from '../../../shared/usecases/mail/queue-outbox.ts';
import { makeReadSubmission } from '../../../shared/usecases/mail/read-submission.ts';
import { makeRecoverOutboxes } from '../../../shared/usecases/mail/recover-outboxes.ts';
import { makeRelayOutbox } from '../../../shared/usecases/mail/relay-outbox.ts';
import { makeSweepOutboxes } from '../../../shared/usecases/mail/sweep-outboxes.ts';
import { signInUseCases } from '../../../shared/usecases/sign-in/sign-in-use-cases.ts';

/** Never contacted: a sign-in's browser stops there. */
export const PUBLIC_URL = 'http://broker.example';

/** As on one machine and in the cloud (local/broker.ts, infra). */
const VISIBILITY_SECONDS = 900;
/** A worker that is killed hundreds of times over one mailbox is no message that kills workers. */
const MAX_RECEIVES = 1000;

/** Mailboxes in hand at once, where nothing else is said. */
const LANES = 4;

/** Where everything is that the processes of one broker share; plain, so that a process can be told. */
export interface Place {
  readonly folder: string;
  /** In the form of BROKER_CONFIG. */
  readonly config: string;
  /** PEM of the mail server's authority. */
  readonly ca: string;
}

/** What stands between a process and the outside, for tests that watch it or end it. */
export interface Wrappers {
  table(table: Table): Table;
  blobs(blobs: BlobStore): BlobStore;
  queue(queue: WorkQueue): WorkQueue;
  transport(transport: MailTransport): MailTransport;
}

const UNWRAPPED: Wrappers = {
  table: (table) => table,
  blobs: (blobs) => blobs,
  queue: (queue) => queue,
  transport: (transport) => transport,
};

/** Nobody in these tests goes by the API: where the mail server is switched off, so is this. */
const noApi: MailTransport = {
  open: async () => fail({ outcome: 'held', reason: 'smtp_switched_off', response: 'No API here.' }),
};

export interface MachineOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly timeouts?: Partial<SmtpTimeouts>;
  readonly wrappers?: Wrappers;
}

/** One process of a broker that takes mail and sends it, over the real adapters of one machine, with a clock of its own. */
export const composeMachine = (place: Place, { clock, log, timeouts = {}, wrappers = UNWRAPPED }: MachineOptions) => {
  const data = openDataFolder(place.folder);
  const database = openDatabase(data.database);
  const table = wrappers.table(sqliteTable(database));
  const accessKeys = fileKeyRing(data.accessKeys);
  const config = parseBrokerConfig(place.config, 'the test');
  const queueNamed = (name: string, fifo: boolean): WorkQueue =>
    sqliteWorkQueue(database, { name, fifo, visibilitySeconds: VISIBILITY_SECONDS, maxReceives: MAX_RECEIVES, clock });
  const common = {
    table,
    records: brokerRecords(table, accessKeys, clock, random),
    vault: envelopeTokenVault(table, fileKeyRing(data.vaultKeys)),
    providers: configuredIdentityProviders(config),
    blobs: wrappers.blobs(filesystemBlobStore(data.blobs)),
    messageFormat: mimeMessageFormat,
    serverFor: mailServers(config.providers),
    scopeFor,
    publicUrl: PUBLIC_URL,
    clock,
    random,
    log,
  };
  const mailQueue = wrappers.queue(queueNamed('mail', true));
  const refresher = inProcessRefresher(makeRefreshGrant(common), queueNamed('grants', false));
  const devices = deviceUseCases({ ...common, refresher });
  const smtp = wrappers.transport(
    nodemailerTransport({
      serverFor: smtpServers(config.providers),
      ca: () => place.ca,
      toSevenBit: mimeMessageFormat.toSevenBit,
      timeouts,
    }),
  );
  const openCourier = makeOpenCourier({ ...common, ...devices, transports: { smtp, api: noApi } });
  const sendOutbox = makeRelayOutbox({ ...common, openCourier });
  const forMail = { ...common, queue: mailQueue };
  const sweepOutboxes = makeSweepOutboxes(forMail);
  const acceptMessage = makeAcceptMessage({ ...forMail, ...devices });

  const lane = async (): Promise<void> => {
    for (;;) {
      const [message] = await mailQueue.receive({ limit: 1, waitSeconds: 0 });
      if (message === undefined) return;
      await sendOutbox((JSON.parse(message.body) as OutboxWork).mailboxId);
      await mailQueue.done(message);
    }
  };
  const workMail = async (lanes = LANES): Promise<void> => {
    await Promise.all(Array.from({ length: lanes }, lane));
  };

  return {
    ...common,
    ...devices,
    smtp,
    mailQueue,
    administration: makeAdministrationFor({ ...common, refresher, mailQueue, mailboxTester: noMailboxTester })(
      ROOT_AUTHORITY,
    ),
    ...signInUseCases({ ...common, mailQueue, attemptKeys: accessKeys }),
    acceptMessage,
    acceptApp: acceptMailApp({
      ...common,
      ...devices,
      acceptMessage,
      beginUpload: async () => fail(brokerError('not_found')),
      readSubmission: makeReadSubmission(common.records),
    }),
    sendOutbox,
    sweepOutboxes,
    /** Empties the mail queue, as its workers would: mailboxes side by side. */
    workMail,
    /** What a minute brings. */
    async work(): Promise<void> {
      await sweepOutboxes();
      await workMail();
    },
    /** As at the start of the only process there is (local/broker.ts). */
    async recover(): Promise<void> {
      releaseReceived(database);
      await makeAdoptSubmissions(forMail)();
      await makeRecoverOutboxes(forMail)();
    },
    close: () => database.close(),
  };
};

export type Machine = ReturnType<typeof composeMachine>;
