import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConsoleProvider } from '../console/view.ts';
import { adminApp } from '../functions/admin/app.ts';
import { fetchTokenApp } from '../functions/fetch-token/app.ts';
import { registerDeviceApp } from '../functions/register-device/app.ts';
import { acceptMailApp } from '../functions/relay-mail/accept/app.ts';
import { gatewayApp } from '../functions/relay-mail/gateway/app.ts';
import type { RoutedFunction } from '../functions/routes.ts';
import { signInApp } from '../functions/sign-in/app.ts';
import { envelopeTokenVault } from '../shared/adapters/envelope/envelope-token-vault.ts';
import { filesystemBlobStore } from '../shared/adapters/filesystem/filesystem-blob-store.ts';
import { removeOldBlobs } from '../shared/adapters/filesystem/remove-old-blobs.ts';
import { configuredIdentityProviders } from '../shared/adapters/identity-providers/configured.ts';
import { fileKeyRing } from '../shared/adapters/key-ring/file-key-ring.ts';
import { socketMailProbe } from '../shared/adapters/mail-probe/socket-mail-probe.ts';
import { mailTransports } from '../shared/adapters/mail-transports/mail-transports.ts';
import { mimeMessageFormat } from '../shared/adapters/mime/mime-message-format.ts';
import { openDatabase } from '../shared/adapters/sqlite/open-database.ts';
import { releaseReceived } from '../shared/adapters/sqlite/queue-statements.ts';
import { purgeExpired, sqliteTable } from '../shared/adapters/sqlite/sqlite-table.ts';
import { sqliteWorkQueue } from '../shared/adapters/sqlite/sqlite-work-queue.ts';
import { inProcessRefresher } from '../shared/adapters/system/in-process-refresher.ts';
import { systemClock as clock } from '../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../shared/adapters/system/system-random.ts';
import { httpWebhookSender, type WebhookSenderOptions } from '../shared/adapters/webhook/http-webhook-sender.ts';
import { ConfigError } from '../shared/config/config-document.ts';
import { mailApis } from '../shared/config/mail-apis.ts';
import { mailServers } from '../shared/config/mail-servers.ts';
import type { BrokerConfig } from '../shared/config/provider-config.ts';
import { VERSION } from '../shared/config/version.ts';
import type { MailServer } from '../shared/domain/provider.ts';
import { contentLifeSeconds, RETENTION_DAYS } from '../shared/domain/retention.ts';
import { SUBMISSIONS_PREFIX } from '../shared/domain/submission.ts';
import { UPLOAD_KEPT_SECONDS, UPLOADS_PREFIX } from '../shared/domain/upload.ts';
import { epochSeconds } from '../shared/ports/clock.ts';
import type { Log } from '../shared/ports/log.ts';
import { noticeWording as wording } from '../shared/protocol/notice-mail.ts';
import { scopeFor } from '../shared/protocol/scopes.ts';
import { composeTestMessage } from '../shared/protocol/test-message.ts';
import { brokerRecords } from '../shared/records/index.ts';
import { adminUseCases } from '../shared/usecases/administration/admin-use-cases.ts';
import { countAttempts } from '../shared/usecases/devices/count-attempts.ts';
import { deviceUseCases } from '../shared/usecases/devices/device-use-cases.ts';
import { makeManageRegistration, makeRegisterDevice } from '../shared/usecases/devices/register-device.ts';
import { makeServeGateway } from '../shared/usecases/gateways/serve-gateway.ts';
import { makeMaintainGrant, makeRecoverGrants } from '../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../shared/usecases/grants/refresh-grant.ts';
import { type GrantWork, makeSweepGrants } from '../shared/usecases/grants/sweep-grants.ts';
import { makeWatchAppRegistrations } from '../shared/usecases/grants/watch-app-registrations.ts';
import { makeAcceptMessage } from '../shared/usecases/mail/accept-message.ts';
import { makeAdoptSubmissions } from '../shared/usecases/mail/adopt-submissions.ts';
import { makeBeginUpload } from '../shared/usecases/mail/begin-upload.ts';
import { makeOpenCourier } from '../shared/usecases/mail/courier.ts';
import { makeForgetSubmissions } from '../shared/usecases/mail/forget-submissions.ts';
import type { OutboxWork } from '../shared/usecases/mail/queue-outbox.ts';
import { makeReadSubmission } from '../shared/usecases/mail/read-submission.ts';
import { makeReceiveUpload } from '../shared/usecases/mail/receive-upload.ts';
import { makeRecoverOutboxes } from '../shared/usecases/mail/recover-outboxes.ts';
import { makeRelayOutbox } from '../shared/usecases/mail/relay-outbox.ts';
import { makeSweepOutboxes } from '../shared/usecases/mail/sweep-outboxes.ts';
import { makeTestMailbox } from '../shared/usecases/mail/test-mailbox.ts';
import { makeSweepNotices } from '../shared/usecases/notices/sweep-notices.ts';
import {
  type IdleSlotWork,
  makeEmptyIdleSlot,
  makeSweepIdleSlots,
} from '../shared/usecases/pairing/empty-idle-slots.ts';
import { makeGiveUpSlot } from '../shared/usecases/pairing/give-up-slot.ts';
import { makeReportDeadLetters } from '../shared/usecases/report-dead-letters.ts';
import { signInUseCases } from '../shared/usecases/sign-in/sign-in-use-cases.ts';
import { makeSignOut } from '../shared/usecases/sign-in/sign-out.ts';
import type { DataFolder } from './data-folder.ts';
import { inBackground } from './in-background.ts';
import { nowAndThen } from './now-and-then.ts';
import { localUploadDoor, uploadsApp } from './uploads.ts';
import { type QueueWorker, SWEEP_SECONDS } from './workers.ts';

/** A worker's turn at a mailbox ends within the limits of `makeRelayOutbox`; after this another may take it. */
const MAIL_VISIBILITY_SECONDS = 900;
const GRANT_VISIBILITY_SECONDS = 120;
/** A message that makes the worker crash so often is set aside. */
const MAX_RECEIVES = 5;

/** How much is done side by side: providers answer slowly, this machine may be small. */
const GRANT_CONCURRENCY = 8;
/** Mailboxes: what is sent for one is one thing after the other, and mostly waiting. */
const MAIL_CONCURRENCY = 16;

/** Every sweep's work, and a rate that eight workers keep up with while a provider takes a third of a second. */
const SWEEP_PACE = { periodSeconds: SWEEP_SECONDS, grantsPerSecond: 24 };

export interface LocalBrokerOptions {
  readonly data: DataFolder;
  readonly config: BrokerConfig;
  readonly publicUrl: string;
  readonly adminKey: string;
  /** Which providers the console shows, and where stand-ins take their place. */
  readonly shownProviders: readonly ConsoleProvider[];
  /** PEM of authorities for mail servers that no public one vouches for. */
  readonly certificateAuthority: (server: MailServer) => string | undefined;
  readonly notices?: LocalNotices;
  /** For so many days mail that has ended is kept. */
  readonly retentionDays?: number;
  readonly log: Log;
}

/** How people are told (docs/notifications.md). */
export interface LocalNotices {
  /** By which the operator tells where an organization has no mailbox that works. */
  readonly operatorMailboxId?: string | undefined;
  /** How long mail waits for more to tell. */
  readonly gatherSeconds?: number | undefined;
  readonly webhooks: WebhookSenderOptions;
}

/** SQLite and files in place of AWS; the same apps and use cases as in the cloud. */
export const localBroker = (options: LocalBrokerOptions) => {
  const { data, config, publicUrl, retentionDays = RETENTION_DAYS.unlessSet, log } = options;
  const database = openDatabase(data.database);
  const table = sqliteTable(database);
  const accessKeys = fileKeyRing(data.accessKeys);
  const vault = envelopeTokenVault(table, fileKeyRing(data.vaultKeys));
  const blobs = filesystemBlobStore(data.blobs);
  const queueNamed = (name: string, fifo: boolean, visibilitySeconds: number) =>
    sqliteWorkQueue(database, { name, fifo, visibilitySeconds, maxReceives: MAX_RECEIVES, clock });
  const grantQueue = queueNamed('grants', false, GRANT_VISIBILITY_SECONDS);
  const mailQueue = queueNamed('mail', true, MAIL_VISIBILITY_SECONDS);
  const providers = configuredIdentityProviders(config);
  const serverFor = mailServers(config.providers);

  const webhookKeys = fileKeyRing(data.webhookKeys);
  const records = brokerRecords(table, accessKeys, clock, random, { webhookKeys, retentionDays });
  const messageFormat = mimeMessageFormat;
  const common = {
    table,
    records,
    messageFormat,
    vault,
    providers,
    blobs,
    serverFor,
    scopeFor,
    publicUrl,
    clock,
    random,
    log,
  };
  const refreshGrant = makeRefreshGrant(common);
  const refresher = inProcessRefresher(refreshGrant, grantQueue);
  const forDevices = deviceUseCases({ ...common, refresher });
  const { acquireAccessToken, checkDevice, authenticateDevice } = forDevices;
  const signIn = signInUseCases({ ...common, mailQueue, attemptKeys: accessKeys });
  const transports = mailTransports(config.providers, options.certificateAuthority);
  const openCourier = makeOpenCourier({ ...common, transports, acquireAccessToken });
  const sendOutbox = makeRelayOutbox({ ...common, openCourier });

  const mailboxTester = makeTestMailbox({
    ...common,
    refresher,
    acquireAccessToken,
    probe: socketMailProbe({ ca: options.certificateAuthority }),
    composeMessage: composeTestMessage,
  });

  const apiFor = mailApis(config.providers);
  const serveGateway = makeServeGateway({ ...common, apiFor, acquireAccessToken, checkDevice, queue: mailQueue });

  const apps = {
    'fetch-token': fetchTokenApp({ ...common, ...forDevices }),
    'register-device': registerDeviceApp({
      ...common,
      registerDevice: makeRegisterDevice(common),
      manageRegistration: makeManageRegistration(common),
      countAttempts: countAttempts(common),
    }),
    'sign-in': signInApp({ ...common, ...signIn }),
    uploads: uploadsApp({ ...common, receiveUpload: makeReceiveUpload(common) }),
    'relay-mail/accept': acceptMailApp({
      ...common,
      authenticateDevice,
      beginUpload: makeBeginUpload({ ...common, authenticateDevice, uploadDoor: localUploadDoor(common) }),
      acceptMessage: makeAcceptMessage({ ...common, checkDevice, queue: mailQueue }),
      readSubmission: makeReadSubmission(records),
    }),
    'relay-mail/gateway': gatewayApp({ ...common, serveGateway, authenticateDevice }),
    admin: adminApp({
      ...common,
      ...adminUseCases({ ...common, refresher, mailboxTester, mailQueue, adminKey: options.adminKey }),
      providers: options.shownProviders,
      secureCookies: publicUrl.startsWith('https:'),
      version: VERSION,
    }),
  } satisfies Record<RoutedFunction | 'uploads', unknown>;

  const maintainGrant = makeMaintainGrant({ ...common, refreshGrant });
  const giveUpSlot = makeGiveUpSlot({ records, signOut: makeSignOut({ ...common, grants: records.grants }) });
  const emptyIdleSlot = makeEmptyIdleSlot({ ...common, giveUpSlot });
  const workGrants = (work: GrantWork | IdleSlotWork): Promise<void> =>
    'mailboxId' in work ? maintainGrant(work) : emptyIdleSlot(work);
  const workers: readonly QueueWorker[] = [
    {
      name: 'grants',
      queue: grantQueue,
      concurrency: GRANT_CONCURRENCY,
      handle: (body) => workGrants(body as GrantWork | IdleSlotWork),
    },
    {
      name: 'mail',
      queue: mailQueue,
      concurrency: MAIL_CONCURRENCY,
      handle: async (body) => sendOutbox((body as OutboxWork).mailboxId),
    },
  ];
  const mail = { ...common, queue: mailQueue };
  const { webhooks = { allowsPrivate: false }, ...notices } = options.notices ?? {};
  const telling = { operatorMailboxId: undefined, ...notices, webhooks: httpWebhookSender(webhooks), wording };
  const contentLifeMs = contentLifeSeconds(records.submissions.retention) * 1000;
  const sweeps = [
    makeSweepGrants({ ...common, coolDowns: records.coolDowns, queue: grantQueue, pace: SWEEP_PACE }),
    makeSweepOutboxes(mail),
    makeSweepIdleSlots({ ...common, queue: grantQueue }),
    makeReportDeadLetters({ queues: { grants: grantQueue, mail: mailQueue }, log }),
    makeWatchAppRegistrations({ ...common, ...records }),
    inBackground(makeSweepNotices({ ...mail, ...telling }), log),
    () => purgeExpired(database, epochSeconds(clock)),
    () => removeOldBlobs(data.blobs, UPLOADS_PREFIX, clock.now() - UPLOAD_KEPT_SECONDS * 1000),
    makeForgetSubmissions({ ...common, submissions: records.submissions }),
    nowAndThen(3600, clock, () => removeOldBlobs(data.blobs, SUBMISSIONS_PREFIX, clock.now() - contentLifeMs)),
  ];
  /** Before the workers start: this process is alone with its data, so whoever had something in hand is dead. */
  const recover = async (): Promise<void> => {
    releaseReceived(database);
    await makeRecoverGrants({ table, grants: records.grants })();
    await makeAdoptSubmissions(mail)();
    await makeRecoverOutboxes(mail)();
  };
  return { apps, workers, sweeps, recover, serveGateway, close: () => database.close() };
};

const readAuthority = (file: string): string => {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch {
    throw new ConfigError(`ca_file names ${file}, which cannot be read.`);
  }
  try {
    new X509Certificate(pem);
    return pem;
  } catch {
    throw new ConfigError(`ca_file names ${file}, which does not begin with a certificate in PEM form.`);
  }
};

/** PEM files named in the configuration (`ca_file`), for the mail server that each was named for. */
export const configuredAuthorities = (config: BrokerConfig) => {
  const authorities = new Map<string, string>();
  for (const provider of Object.values(config.providers)) {
    for (const server of [provider.smtp, provider.pop, provider.imap]) {
      if (server?.ca_file) authorities.set(`${server.host}:${server.port}`, readAuthority(server.ca_file));
    }
  }
  return ({ host, port }: MailServer): string | undefined => authorities.get(`${host}:${port}`);
};
