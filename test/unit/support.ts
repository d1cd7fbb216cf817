import assert from 'node:assert/strict';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import { inProcessRefresher } from '../../shared/adapters/system/in-process-refresher.ts';
import { ROOT_AUTHORITY } from '../../shared/domain/authority.ts';
import type { Device, Mailbox, Organization } from '../../shared/domain/entities.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import type { Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import { noMailboxTester } from '../../shared/ports/mailbox-tester.ts';
import type { Table } from '../../shared/ports/table.ts';
import type { TokenVault } from '../../shared/ports/token-vault.ts';
import type { WorkQueue } from '../../shared/ports/work-queue.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { makeAdministrationFor } from '../../shared/usecases/administration/index.ts';
import type { DeviceCredential } from '../../shared/usecases/devices/authenticate-device.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import type { ServerFor } from '../../shared/usecases/devices/fetch-token.ts';
import { makeManageRegistration, makeRegisterDevice } from '../../shared/usecases/devices/register-device.ts';
import { makeMaintainGrant } from '../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../shared/usecases/grants/refresh-grant.ts';
import { type GrantWork, makeSweepGrants } from '../../shared/usecases/grants/sweep-grants.ts';
import { makeAcceptMessage } from '../../shared/usecases/mail/accept-message.ts';
import { makeAdoptSubmissions } from '../../shared/usecases/mail/adopt-submissions.ts';
import { makeOpenCourier } from '../../shared/usecases/mail/courier.ts';
import { makeForgetSubmissions } from '../../shared/usecases/mail/forget-submissions.ts';
import type { OutboxWork } from '../../shared/usecases/mail/queue-outbox.ts';
import { makeReadSubmission } from '../../shared/usecases/mail/read-submission.ts';
import { makeRecoverOutboxes } from '../../shared/usecases/mail/recover-outboxes.ts';
import { makeRelayOutbox } from '../../shared/usecases/mail/relay-outbox.ts';
import { makeSweepOutboxes } from '../../shared/usecases/mail/sweep-outboxes.ts';
import { makeResumeOutbox } from '../../shared/usecases/mail/wake-outbox.ts';
import {
  type IdleSlotWork,
  makeEmptyIdleSlot,
  makeSweepIdleSlots,
} from '../../shared/usecases/pairing/empty-idle-slots.ts';
import { makeGiveUpSlot } from '../../shared/usecases/pairing/give-up-slot.ts';
import { signInUseCases } from '../../shared/usecases/sign-in/sign-in-use-cases.ts';
import { makeSignOut } from '../../shared/usecases/sign-in/sign-out.ts';
import type { Fuse } from '../fakes/fuse.ts';
import { identityProviders, type OwnClient } from '../fakes/identity-providers.ts';
import { type ManualClock, manualClock } from '../fakes/manual-clock.ts';
import { memoryBlobStore } from '../fakes/memory-blob-store.ts';
import { memoryKeyRing } from '../fakes/memory-key-ring.ts';
import { memoryLog } from '../fakes/memory-log.ts';
import { type Login, type ScriptedProvider, scriptedProvider } from '../fakes/scripted-provider.ts';
import { scriptedTransport } from '../fakes/scripted-transport.ts';
import { seededRandom } from '../fakes/seeded-random.ts';

/** A sweep's messages are shown at once: tests empty the queue right after it. */
const SWEEP_PACE = { periodSeconds: 1, grantsPerSecond: 3000 };

export const PUBLIC_URL = 'https://broker.example';
/** Where devices ask from (RFC 5737). */
export const PLACE = '192.0.2.1';

const serverFor: ServerFor = (provider, audience) =>
  audience === 'api' ? undefined : { host: `${audience}.${provider}.example`, port: 587, security: 'starttls' };

/** What outlives every process: the stores, the providers, the mail server and time itself. */
export const makeWorld = () => {
  const clock = manualClock();
  const database = openDatabase(':memory:');
  const queueOf = (name: string, fifo: boolean): WorkQueue =>
    sqliteWorkQueue(database, { name, fifo, visibilitySeconds: 900, maxReceives: 100, clock });
  return {
    clock,
    database,
    table: sqliteTable(database),
    accessTokenKeys: memoryKeyRing('access-token-key'),
    vaultKeys: memoryKeyRing('vault-key'),
    attemptKeys: memoryKeyRing('attempt-key'),
    blobs: memoryBlobStore(),
    grantQueue: queueOf('grants', false),
    mailQueue: queueOf('mail', true),
    microsoft: scriptedProvider('microsoft', clock),
    google: scriptedProvider('google', clock),
    /** What organizations have brought. */
    own: [] as OwnClient<ScriptedProvider>[],
    smtp: scriptedTransport(),
    api: scriptedTransport(),
    log: memoryLog(),
    processes: 0,
  };
};

export type World = ReturnType<typeof makeWorld>;

interface ProcessOptions {
  /** In place of the world's table; its tokens are found there too, unless there is another vault. */
  readonly table?: Table;
  readonly vault?: TokenVault;
  /** What may end this process. */
  readonly fuse?: Fuse;
  readonly retentionDays?: number;
}

/** One process of the broker: everything composed anew over the world. Several share nothing else. */
export const startProcess = (
  world: World,
  { table = world.table, vault: other, fuse, ...kept }: ProcessOptions = {},
) => {
  world.processes++;
  const { clock, log, microsoft, google, own, smtp, api, accessTokenKeys, attemptKeys } = world;
  const providers = identityProviders({ microsoft, google }, own);
  const random = seededRandom(`process ${world.processes}`);
  const mine = {
    table: fuse?.table(table) ?? table,
    blobs: fuse?.blobs(world.blobs) ?? world.blobs,
    grantQueue: fuse?.queue(world.grantQueue) ?? world.grantQueue,
    mailQueue: fuse?.queue(world.mailQueue) ?? world.mailQueue,
  };
  const vault = other ?? envelopeTokenVault(mine.table, world.vaultKeys);
  const records = brokerRecords(mine.table, accessTokenKeys, clock, random, kept);
  const mailboxTester = noMailboxTester;
  const common = {
    ...mine,
    records,
    vault,
    providers,
    messageFormat: mimeMessageFormat,
    mailboxTester,
    clock,
    random,
    log,
  };
  const refreshGrant = makeRefreshGrant(common);
  const refresher = inProcessRefresher(refreshGrant, mine.grantQueue);
  const scopeFor = (provider: ProviderName, audience: 'smtp' | 'imap' | 'pop' | 'api') =>
    providers.of({ provider }).scopeFor(audience);
  const devices = deviceUseCases({ ...common, refresher, scopeFor, serverFor });
  const openCourier = makeOpenCourier({ ...common, ...devices, transports: { smtp, api } });
  const sendOutbox = makeRelayOutbox({ ...common, openCourier });
  const forMail = { ...common, queue: mine.mailQueue };
  const maintainGrant = makeMaintainGrant({ ...common, refreshGrant });
  const giveUpSlot = makeGiveUpSlot({ records, signOut: makeSignOut({ ...common, grants: records.grants }) });
  const emptyIdleSlot = makeEmptyIdleSlot({ records, giveUpSlot, clock });
  const administrationFor = makeAdministrationFor({ ...common, refresher });
  return {
    ...common,
    ...devices,
    refreshGrant,
    refresher,
    ...signInUseCases({ ...common, attemptKeys, publicUrl: PUBLIC_URL }),
    administrationFor,
    administration: administrationFor(ROOT_AUTHORITY),
    registerDevice: makeRegisterDevice(common),
    manageRegistration: makeManageRegistration(common),
    acceptMessage: makeAcceptMessage({ ...forMail, ...devices }),
    readSubmission: makeReadSubmission(records),
    sendOutbox,
    resumeOutbox: makeResumeOutbox({ ...forMail, ...records }),
    sweepOutboxes: makeSweepOutboxes(forMail),
    recoverOutboxes: makeRecoverOutboxes(forMail),
    adoptSubmissions: makeAdoptSubmissions(forMail),
    forgetSubmissions: makeForgetSubmissions({ ...common, submissions: records.submissions }),
    sweepGrants: makeSweepGrants({ ...common, coolDowns: records.coolDowns, queue: mine.grantQueue, pace: SWEEP_PACE }),
    maintainGrant,
    sweepIdleSlots: makeSweepIdleSlots({ ...common, queue: mine.grantQueue }),
    /** Empties the queues, as their workers would. */
    workGrants: () =>
      drain(mine.grantQueue, (body) => {
        const work = body as GrantWork | IdleSlotWork;
        return 'mailboxId' in work ? maintainGrant(work) : emptyIdleSlot(work);
      }),
    workMail: () => drain(mine.mailQueue, (body) => sendOutbox((body as OutboxWork).mailboxId)),
  };
};

export type Process = ReturnType<typeof startProcess>;

const drain = async (queue: WorkQueue, handle: (body: unknown) => Promise<void>): Promise<void> => {
  for (;;) {
    const messages = await queue.receive({ limit: 10, waitSeconds: 0 });
    if (messages.length === 0) return;
    for (const message of messages) {
      await handle(JSON.parse(message.body));
      await queue.done(message);
    }
  }
};

export const value = <Value, Failure>(result: Result<Value, Failure>): Value => {
  assert.ok(result.ok, `expected success, got ${JSON.stringify(result)}`);
  return result.value;
};

export const failure = <Value, Failure>(result: Result<Value, Failure>): Failure => {
  assert.ok(!result.ok, 'expected a failure');
  return result.error;
};

export const now = ({ clock }: { clock: Clock }): number => epochSeconds(clock);

export const advanceSeconds = ({ clock }: { clock: ManualClock }, seconds: number): Promise<void> =>
  clock.advance(seconds * 1000);

/** Lets everybody do what they can while time stands still. */
export const meanwhile = ({ clock }: { clock: ManualClock }): Promise<void> => clock.advance(0);

/** Lets time run until the work is over, however it ends. */
export const settle = async <Value>(world: { clock: ManualClock }, work: Promise<Value>): Promise<Value> => {
  let over = false;
  const watched = work.finally(() => {
    over = true;
  });
  watched.catch(() => undefined); // told to whoever awaits it below
  await new Promise(setImmediate);
  for (let steps = 0; !over; steps++) {
    assert.ok(steps < 3000, 'five minutes have passed, and the work is not over');
    await world.clock.advance(100);
  }
  return watched;
};

export interface Office {
  readonly organization: Organization;
  readonly mailbox: Mailbox;
  readonly device: Device;
  readonly credential: DeviceCredential;
}

/** An organization with one mailbox, and a device whose slot `scan` is bound to it. Nobody has signed in. */
export const openOffice = async (
  { administration }: Process,
  { provider = 'microsoft', address = 'scan@contoso.example' }: { provider?: ProviderName; address?: string } = {},
): Promise<Office> => {
  const organization = await administration.organizations.create('Contoso', 'en');
  const { mailbox } = value(await administration.mailboxes.create(organization.id, { provider, address, aliases: [] }));
  const made = value(await administration.devices.create(organization.id, { clientName: 'Printer' }));
  const { clientId } = made.device;
  value(await administration.devices.bind(clientId, 'scan', mailbox.id));
  return {
    organization,
    mailbox,
    device: made.device,
    credential: { clientId, clientSecret: made.clientSecret, place: PLACE },
  };
};

/** A subject for each address: the same account is the same at every login. */
export const accountOf = (address: string): Login['account'] => ({
  subject: `subject-of-${address}`,
  addresses: [address],
});

/** From the administrator's link to the provider's login page. */
export const depart = async (process: Process, mailbox: Mailbox) => {
  const signIn = value(await process.administration.mailboxes.beginSignIn(mailbox.id));
  return { signIn, ...value(await process.departForProvider(signIn.id)) };
};

export type Departed = Awaited<ReturnType<typeof depart>>;

/** Somebody logs in at the provider, and the browser comes back. */
export const comeBack = (world: World, process: Process, departed: Departed, login: Login) => {
  const { state, code } = world[departed.provider].login(departed.authorizationUrl, login);
  return process.completeSignIn(callbackOf(departed, { state, code }));
};

export const callbackOf = (
  { provider, browserSecret }: Pick<Departed, 'provider' | 'browserSecret'>,
  query: { state?: string; code?: string; error?: string },
) => ({
  provider,
  browserSecret,
  state: query.state,
  code: query.code,
  error: query.error,
  errorDescription: undefined,
});

/** The whole sign-in, by the owner of the mailbox. */
export const signIn = async (world: World, process: Process, mailbox: Mailbox, login: Partial<Login> = {}) => {
  const departed = await depart(process, mailbox);
  return settle(world, comeBack(world, process, departed, { account: accountOf(mailbox.address), ...login }));
};

/** A process with an office whose mailbox is signed in. */
export const signedInOffice = async (world: World, options: Parameters<typeof openOffice>[1] = {}) => {
  const process = startProcess(world);
  const office = await openOffice(process, options);
  value(await signIn(world, process, office.mailbox));
  return { process, ...office };
};

/** A fetch with the defaults of the wire. */
export const tokenRequest = (
  credential: DeviceCredential,
  changes: Partial<Parameters<Process['fetchToken']>[0]> = {},
): Parameters<Process['fetchToken']>[0] => ({
  ...credential,
  slot: 'scan',
  audience: 'smtp',
  minTtlSeconds: 600,
  ...changes,
});

export const tokenStatusOf = async ({ describeMailbox }: Process, mailbox: Mailbox) =>
  (await describeMailbox(mailbox)).tokenStatus;

/** Everything at rest, as text: to look for what must not stand there. */
export const everythingAtRest = ({ database }: World): string =>
  JSON.stringify(database.prepare('SELECT pk, sk, item FROM items').all());
