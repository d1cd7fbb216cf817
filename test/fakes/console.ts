import { type ConsoleProvider, realProviders } from '../../console/view.ts';
import { consoleApp } from '../../functions/admin/console.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemRandom } from '../../shared/adapters/system/system-random.ts';
import type { AppRegistration } from '../../shared/domain/app-registration.ts';
import { ROOT_AUTHORITY } from '../../shared/domain/authority.ts';
import type { Mailbox } from '../../shared/domain/entities.ts';
import type { GrantTrouble, LiveGrant } from '../../shared/domain/grant.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import type { Submission, SubmissionStatus } from '../../shared/domain/submission.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { KeyRing } from '../../shared/ports/key-ring.ts';
import { noMailboxTester } from '../../shared/ports/mailbox-tester.ts';
import type { RefreshOutcome } from '../../shared/ports/refresher.ts';
import type { TokenVault } from '../../shared/ports/token-vault.ts';
import type { Lease } from '../../shared/records/grants.ts';
import { brokerRecords, type Records } from '../../shared/records/index.ts';
import { adminUseCases } from '../../shared/usecases/administration/admin-use-cases.ts';
import { manualClock } from './manual-clock.ts';
import { noMail } from './no-mail.ts';

export const ADMIN_KEY = 'correct-horse-battery-staple';

const plainKeys: KeyRing = { seal: async (text) => text, open: async (text) => text, isCurrent: async () => true };

const emptyVault: TokenVault = {
  read: async () => undefined,
  store: async () => ({ outcome: 'stored', version: '1' }),
  remove: async () => undefined,
};

/** Both share the inbox. */
const standInOf = (name: ProviderName, exampleAddress: string): ConsoleProvider => ({
  name,
  isStandIn: true,
  links: { inbox: 'http://localhost:8788/' },
  exampleAddress,
});

type ActiveGrant = Extract<LiveGrant, { state: 'active' }>;

/** The console over a table in memory. `refreshes`: what the refresher will answer. `crashes`: what was logged. */
export const consoleOverMemory = ({
  publicUrl = 'http://localhost:8787',
  standIns = true,
  adminKey = ADMIN_KEY,
  sessions = undefined as Records['sessions'] | undefined,
  mailboxTester = noMailboxTester,
} = {}) => {
  const clock = manualClock();
  const random = systemRandom;
  const database = openDatabase(':memory:');
  const table = sqliteTable(database);
  const own = brokerRecords(table, plainKeys, clock, random, { webhookKeys: plainKeys });
  const records = { ...own, sessions: sessions ?? own.sessions };
  const crashes: string[] = [];
  const refreshes: { answer: RefreshOutcome } = { answer: { outcome: 'fresh' } };
  const refresher = { refreshNow: async () => refreshes.answer, refreshSoon: async () => undefined };
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (event: string) => {
      crashes.push(event);
    },
  };
  const common = { table, records, vault: emptyVault, refresher, mailboxTester, ...noMail, clock, random, log };
  const useCases = adminUseCases({ ...common, adminKey });
  const administration = useCases.administrationFor(ROOT_AUTHORITY);
  const app = consoleApp({
    ...useCases,
    publicUrl,
    providers: standIns
      ? [standInOf('microsoft', 'scanner@contoso.example'), standInOf('google', 'scanner@gmail.example')]
      : realProviders,
    clock,
    random,
    log,
    secureCookies: publicUrl.startsWith('https:'),
  });

  const lease = async (mailboxId: string): Promise<Lease> => {
    const taken = await records.grants.takeLease(mailboxId, 'test', 'change', epochSeconds(clock));
    if (taken === undefined) throw new Error('the lease is taken');
    return taken;
  };

  /** As after a sign-in and its first refresh. */
  const signedIn = async ({ id, provider, address, organizationId }: Mailbox): Promise<void> => {
    const now = epochSeconds(clock);
    const { revision } = await records.grants.get(id);
    const account = { subject: 'subject-1', addresses: [address] };
    const scopes = ['https://outlook.office.com/SMTP.Send', 'offline_access'];
    const held = { provider, account, scopes, signedInAt: now, generation: 1, failures: 0, refreshTokenStoredAt: now };
    const sealed = await records.grants.sealAccessToken(organizationId, id, 'smtp', 'the-access-token');
    const times = { issuedAt: now, issueTimes: [now], expiresAt: now + 3600 };
    const token = { audience: 'smtp', sealed, ...times, scopes, generation: 1 } as const;
    const grant = { state: 'active', provenAt: now, ...held } as const;
    await records.grants.replaceAndRelease(id, await lease(id), revision, grant, undefined, token);
  };

  /** As after the provider has ended the grant. */
  const lapsed = async ({ id, provider, address }: Mailbox): Promise<void> => {
    const now = epochSeconds(clock);
    const { revision } = await records.grants.get(id);
    const trouble = {
      kind: 'conditional_access',
      code: 'AADSTS53003',
      message: 'Access has been blocked by Conditional Access policies.',
      at: now - 300,
      retryAt: now,
      correlationId: '0f4a7e0c-33f4-4c1e-9f1e-0d6c2b8f7a11',
    } as const;
    const account = { subject: 'subject-2', addresses: [address] };
    const signedInAt = now - 86_400;
    const counts = { generation: 1, failures: 1, refreshTokenStoredAt: signedInAt };
    const held = { provider, account, scopes: ['SMTP.Send'], signedInAt, ...counts };
    const grant = { state: 'invalid', invalidSince: now, reason: 'conditional_access', trouble, ...held } as const;
    await records.grants.replaceAndRelease(id, await lease(id), revision, grant, undefined);
  };

  /** As `change` makes it of a grant that is well. */
  const held = async ({ id, provider, address }: Mailbox, change: (grant: ActiveGrant) => LiveGrant): Promise<void> => {
    const now = epochSeconds(clock);
    const { revision } = await records.grants.get(id);
    const account = { subject: 'subject-3', addresses: [address] };
    const counts = { generation: 1, failures: 0, refreshTokenStoredAt: now };
    const known = { provider, account, scopes: ['SMTP.Send'], signedInAt: now - 86_400, ...counts };
    const grant = change({ state: 'active', provenAt: now, ...known });
    await records.grants.replaceAndRelease(id, await lease(id), revision, grant, undefined);
  };

  let submissions = 0;
  const submitted = async (mailbox: Mailbox, clientId: string, status: SubmissionStatus): Promise<Submission> => {
    submissions += 1;
    const submission: Submission = {
      id: `sub_${String(submissions).padStart(9, '0')}`,
      organizationId: mailbox.organizationId,
      clientId,
      slot: 'scan',
      mailboxId: mailbox.id,
      account: mailbox.address,
      messageId: `<${submissions}@broker.example>`,
      envelope: { from: mailbox.address, to: ['anna@contoso.com', 'piotr@contoso.com'] },
      delivered: [],
      rejected: status.state === 'sent' ? [{ address: 'piotr@contoso.com', response: '550 5.1.1 Unknown' }] : [],
      sizeBytes: 120_000,
      acceptedAt: epochSeconds(clock) + submissions,
      attempts: 1,
      lastResponse: status.state === 'sent' ? '250 2.0.0 OK' : '432 4.3.2 Concurrent connections limit exceeded',
      status,
    };
    await records.submissions.create(submission);
    return submission;
  };

  return { app, administration, records, clock, refreshes, crashes, signedIn, lapsed, held, submitted };
};

export type ConsoleOverMemory = ReturnType<typeof consoleOverMemory>;

/** An organization with two devices and three mailboxes in different states, and some mail. */
export const furnished = async (broker: ConsoleOverMemory) => {
  const { administration, clock, signedIn, lapsed, submitted } = broker;
  const { organizations, devices, mailboxes, adminKeys } = administration;
  const must = <Value>(result: { ok: true; value: Value } | { ok: false; error: unknown }): Value => {
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  };
  const organization = await organizations.create('Contoso', 'en');
  const newMailbox = async (address: string, provider: 'microsoft' | 'google' = 'microsoft') =>
    must(await mailboxes.create(organization.id, { provider, address, aliases: ['copier@contoso.com'] })).mailbox;
  const scan = await newMailbox('scan@contoso.com');
  const alerts = await newMailbox('alerts@contoso.com');
  const fresh = await newMailbox('contoso.fax@gmail.com', 'google');
  await signedIn(scan);
  await lapsed(alerts);
  const metadata = { vendor: 'Konica Minolta', model: 'bizhub C360i', serialNumber: 'AA2J011', location: '2nd floor' };
  const copier = must(await devices.create(organization.id, { clientName: 'Copier, 2nd floor', ...metadata })).device;
  const scanner = must(await devices.create(organization.id, { clientName: 'Scanner at reception' })).device;
  must(await devices.bind(copier.clientId, 'scan', scan.id));
  must(await devices.bind(copier.clientId, 'alerts', alerts.id));
  must(await devices.bind(copier.clientId, 'user:anna', fresh.id));
  const now = epochSeconds(clock);
  const statuses: SubmissionStatus[] = [
    { state: 'queued' },
    { state: 'sending', until: now + 60 },
    { state: 'sent', at: now },
    { state: 'deferred', until: now + 60, reason: 'mail_server_unavailable' },
    { state: 'failed', at: now, reason: 'mail_server_refused_message' },
  ];
  const submissions: Submission[] = [];
  for (const status of statuses) submissions.push(await submitted(scan, copier.clientId, status));
  submissions.push(await submitted(alerts, copier.clientId, { state: 'queued' }));
  const hold = { cause: 'hold', since: now, until: now + 60, reason: 'conditional_access', response: '535' } as const;
  const outbox = await broker.records.outboxes.get(alerts.id);
  await broker.records.outboxes.replace(alerts.id, outbox, { stop: hold }, hold.until);
  const signIn = must(await mailboxes.beginSignIn(fresh.id));
  const adminKey = must(await adminKeys.create('Anna', organization.id));
  must(await adminKeys.create('Backup of the fleet'));
  must(await adminKeys.revoke(must(await adminKeys.create('Bob', organization.id)).key.id));
  return { organization, scan, alerts, fresh, copier, scanner, signIn, adminKey, submissions };
};

export type Furnished = Awaited<ReturnType<typeof furnished>>;

const DAY = 86_400;

/** As long as they come. */
export const GOOGLE_CLIENT_ID = '123456789012-0123456789abcdefghijklmnopqrstuv.apps.googleusercontent.com';

/** An organization whose mailboxes are in trouble in three ways, client secrets that run out, and a provider that is down. */
export const troubled = async ({ administration, records, clock, held }: ConsoleOverMemory) => {
  const { organizations, mailboxes } = administration;
  const now = epochSeconds(clock);
  const day = (days: number): string => new Date((now + days * DAY) * 1000).toISOString().slice(0, 10);
  const organization = await organizations.create('Fabrikam', 'en');
  const newMailbox = async (address: string, provider: ProviderName): Promise<Mailbox> => {
    const made = await mailboxes.create(organization.id, { provider, address, aliases: [] });
    if (!made.ok) throw new Error(made.error.kind);
    return made.value.mailbox;
  };
  const trouble = (kind: GrantTrouble['kind'], code: string): GrantTrouble => ({
    kind,
    code,
    message: 'The answer was cut off.',
    at: now - 60,
    retryAt: now + 240,
    correlationId: `correlation-of-${code}`,
  });
  const old = await newMailbox('old@fabrikam.com', 'microsoft');
  await held(old, (grant) => ({ ...grant, refreshTokenStoredAt: now - 85 * DAY }));
  const failing = await newMailbox('failing@fabrikam.com', 'microsoft');
  await held(failing, (grant) => ({ ...grant, failures: 3, trouble: trouble('vault_unavailable', 'Throttled') }));
  const spared = await newMailbox('spared@fabrikam.com', 'google');
  await held(spared, (grant) => ({ ...grant, failures: 3, trouble: trouble('provider_unavailable', 'http_503') }));
  const waiting = await newMailbox('waiting@fabrikam.com', 'google');
  await held(waiting, ({ provenAt: _notYet, ...grant }) => ({
    ...grant,
    state: 'unproven',
    failures: 1,
    trouble: trouble('provider_unavailable', 'http_502'),
  }));
  await putAppRegistration(records, {
    provider: 'microsoft',
    clientId: '11111111-2222-3333-4444-555555555555',
    clientSecrets: [{ expiresOn: day(5), refusedAt: now - 60 }, { expiresOn: day(45) }],
  });
  const clientSecrets = [{ expiresOn: day(-3) }, {}];
  await putAppRegistration(records, { provider: 'google', clientId: GOOGLE_CLIENT_ID, clientSecrets });
  const { revision } = await records.coolDowns.get({ provider: 'google' });
  await records.coolDowns.replace({ provider: 'google' }, revision, {
    cause: 'outage',
    failures: 7,
    since: now - 3600,
    until: now + 300,
    code: 'http_500',
    message: 'The provider answered with HTTP status 500.',
    correlationId: 'correlation-of-the-outage',
  });
  return { organization, old, failing, spared, waiting };
};

/** The pages of that organization. */
export const troubledPages = ({ organization, ...mailboxes }: Awaited<ReturnType<typeof troubled>>) => [
  `/console/organizations/${organization.id}`,
  ...Object.values(mailboxes).map(({ id }) => `/console/mailboxes/${id}`),
];

/** Every page that a GET shows. */
export const consolePages = (state: Furnished) => {
  const { organization, scan, alerts, fresh, copier, scanner, signIn, adminKey, submissions } = state;
  const here = `/console/organizations/${organization.id}`;
  return [
    '/',
    '/console/organizations/new',
    here,
    `${here}/edit`,
    `${here}/remove`,
    `${here}/enrolment-tokens/new`,
    `${here}/devices/new`,
    `${here}/mailboxes/new`,
    ...[here, '/console'].flatMap((whose) => ['', '/edit', '/secret'].map((step) => `${whose}/notifications${step}`)),
    ...[copier, scanner].map(({ clientId }) => `/console/devices/${clientId}`),
    ...['edit', 'secret', 'remove'].map((step) => `/console/devices/${copier.clientId}/${step}`),
    ...[scan, alerts, fresh].map(({ id }) => `/console/mailboxes/${id}`),
    ...['sign-out', 'remove', 'test'].map((step) => `/console/mailboxes/${scan.id}/${step}`),
    `/console/mailboxes/${fresh.id}?done=mailbox_created`,
    `/console/sign-ins/${signIn.id}`,
    '/console/submissions',
    `/console/submissions?organization_id=${organization.id}`,
    `/console/submissions?mailbox_id=${scan.id}&state=failed`,
    `/console/submissions?mailbox_id=${fresh.id}`,
    ...submissions.map(({ id }) => `/console/submissions/${id}`),
    ...submissions.map(({ id }) => `/console/submissions/${id}/remove`),
    '/console/audit',
    '/console/keys',
    '/console/keys/new',
    `/console/keys/${adminKey.key.id}/revoke`,
  ];
};

/** As a worker that has met the registration. */
export const putAppRegistration = async (
  { appRegistrations }: Pick<Records, 'appRegistrations'>,
  registration: AppRegistration,
): Promise<void> => {
  await appRegistrations.replace(await appRegistrations.get(registration), registration);
};
