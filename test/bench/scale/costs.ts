import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { envelopeTokenVault } from '../../../shared/adapters/envelope/envelope-token-vault.ts';
import { open, seal } from '../../../shared/adapters/key-ring/aes-gcm.ts';
import { newKeySetText, parseKeySet } from '../../../shared/adapters/key-ring/key-set.ts';
import { secretsManagerTokenVault } from '../../../shared/adapters/secrets-manager/secrets-manager-token-vault.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import type { Grant } from '../../../shared/domain/grant.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { ok } from '../../../shared/domain/result.ts';
import { IN_USE_SECONDS, RESTORED_AFTER_SECONDS, USE_RECORDED_EVERY_SECONDS } from '../../../shared/domain/timing.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { IdentityProvider } from '../../../shared/ports/identity-provider.ts';
import type { KeyRing } from '../../../shared/ports/key-ring.ts';
import type { Log, LogFields } from '../../../shared/ports/log.ts';
import type { TokenVault } from '../../../shared/ports/token-vault.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { attributes, keys } from '../../../shared/records/items.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { newDevice } from '../../../shared/usecases/devices/register-device.ts';
import { makeMaintainGrant } from '../../../shared/usecases/grants/maintain-grants.ts';
import { makeRefreshGrant } from '../../../shared/usecases/grants/refresh-grant.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { identityProviders } from '../../fakes/identity-providers.ts';
import { startSecretsManager } from '../../fakes/secrets-manager.ts';
import { itemBytes, type Metered, meteredTable } from './dynamodb-units.ts';
import { START } from './usage.ts';

export type VaultName = 'secrets-manager' | 'envelope';

/** What one thing that the broker does costs at AWS. */
export interface Cost {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly secretReads: number;
  /** Of the pool of fifty a second. */
  readonly secretWrites: number;
  /** Item by item, for whoever wants to know where the units go. */
  readonly metered: readonly Metered[];
  /** What it tells the log. */
  readonly logged: readonly Logged[];
}

export interface Logged {
  readonly event: string;
  readonly fields: LogFields;
}

export interface Costs {
  /** A message of the sweep that leads to a refresh. */
  readonly refreshed: Cost;
  /** The same, where the vault is written besides. */
  readonly stored: Cost;
  /** A message that finds nothing to do but to set the due time. */
  readonly postponed: Cost;
  readonly fetched: Cost;
  /** What a fetch costs more when it notes the use. */
  readonly used: Cost;
  /** What a fetch costs more that notes the use and finds no token alive: it refreshes, and has the grant looked at. */
  readonly waited: Cost;
  /** Bytes of one mailbox in the table, and in the index. */
  readonly storedBytes: number;
  readonly indexBytes: number;
}

/** Characters. Microsoft's access tokens are JWTs with many claims; refresh tokens of both as seen in documented samples. */
const TOKEN_SIZES = {
  microsoft: { access: 2300, refresh: 1200 },
  google: { access: 220, refresh: 110 },
} as const;

/** What is logged, until it is taken. */
const notedLog = () => {
  const lines: Logged[] = [];
  const note = (event: string, fields: LogFields = {}): void => void lines.push({ event, fields });
  const log: Log = { info: note, warn: note, error: note };
  return { log, takeLines: (): readonly Logged[] => lines.splice(0) };
};

const ORGANIZATION = { id: 'org_mfz0k3a2bxxxxxxxxxxxx', name: 'Contoso', locale: 'en', enabled: true };
const MAILBOX_ID = 'mbx_mfz0k3a2bxxxxxxxxxxxx';

/** Answers at once; rotates as the real one does. */
const instantProvider = (name: ProviderName): IdentityProvider => {
  const { access, refresh } = TOKEN_SIZES[name];
  let calls = 0;
  const unused = (): never => {
    throw new Error('only refreshes are asked for');
  };
  return {
    name,
    clientId: 'client',
    clientSecrets: [],
    scopeFor: (audience) => scopeFor(name, audience),
    authorizationUrl: unused,
    redeemCode: unused,
    explainRedirectError: unused,
    refresh: async () => {
      const rotated = { refreshToken: String(++calls).padStart(refresh, 'r') };
      return ok({
        accessToken: 'a'.repeat(access),
        expiresInSeconds: 3600,
        scopes: [scopeFor(name, 'smtp') ?? ''],
        formerStaysValid: name === 'microsoft',
        ...(name === 'microsoft' ? rotated : {}),
      });
    },
  };
};

/** Secrets Manager's fake, and how often it was asked. */
const countedSecrets = async () => {
  const counts = { reads: 0, writes: 0 };
  const server = await startSecretsManager({
    injectFault: ({ operation }) => {
      counts[operation === 'GetSecretValue' ? 'reads' : 'writes']++;
      return undefined;
    },
  });
  const client = new SecretsManagerClient({ ...LOOPBACK_CLIENT, endpoint: server.endpoint });
  const close = async () => {
    client.destroy();
    await server.close();
  };
  return { counts, client, close };
};

const ring = (): KeyRing => {
  const keySet = parseKeySet(newKeySetText(), 'this process');
  return {
    seal: async (plaintext, context) => seal(keySet, plaintext, context),
    open: async (sealed, context) => open(keySet, sealed, context),
    isCurrent: async () => true,
  };
};

/** A signed-in mailbox with a device, over the meter. */
const prepare = async (provider: ProviderName, vaultName: VaultName) => {
  const time = { seconds: START };
  const clock: Clock = { now: () => time.seconds * 1000, sleep: async () => undefined };
  const { watching: table, take } = meteredTable(sqliteTable(openDatabase(':memory:')));
  const secrets = await countedSecrets();
  const vault: TokenVault =
    vaultName === 'envelope'
      ? envelopeTokenVault(table, ring())
      : secretsManagerTokenVault(secrets.client, { prefix: 'token-broker/grant/' });
  const records = brokerRecords(table, ring(), clock, random);
  const { log, takeLines } = notedLog();
  const common = { records, vault, clock, random, log };
  const instant = identityProviders({ microsoft: instantProvider('microsoft'), google: instantProvider('google') });
  const refreshGrant = makeRefreshGrant({ ...common, providers: instant });
  const maintainGrant = makeMaintainGrant({ ...common, refreshGrant });
  const refresher = { refreshNow: refreshGrant, refreshSoon: async () => undefined };
  const { fetchToken } = deviceUseCases({ ...common, refresher, scopeFor, serverFor: () => undefined });

  const organization = { ...ORGANIZATION, createdAt: START };
  await records.organizations.create(organization);
  const mailbox = {
    id: MAILBOX_ID,
    organizationId: organization.id,
    provider,
    address: 'scanner.second.floor@contoso.example',
    aliases: [],
    createdAt: START,
  };
  await records.mailboxes.create(mailbox);
  const { device, clientSecret } = newDevice(organization.id, { clientName: 'Printer, second floor' }, clock, random);
  await table.writeAll(records.devices.creation(device));
  const { clientId } = device;
  const bound = { clientId, slot: 'scan', mailboxId: MAILBOX_ID, organizationId: organization.id, boundAt: START };
  await records.devices.bind(bound);
  const refreshToken = '0'.padStart(TOKEN_SIZES[provider].refresh, 'r');
  await vault.store(MAILBOX_ID, { refreshToken, storedAt: START }, 'absent');
  const grant: Grant = {
    state: 'active',
    provider,
    account: { subject: '8f9e8c62-0000-4000-8000-5d2a3c1b7e90', addresses: [mailbox.address] },
    scopes: [scopeFor(provider, 'smtp') ?? '', 'offline_access', 'openid', 'profile', 'email'],
    signedInAt: START,
    refreshTokenStoredAt: START,
    provenAt: START,
    generation: 1,
    failures: 0,
  };
  await table.write({ put: { ...keys.grant(MAILBOX_ID), ...attributes(grant), revision: 1 } });
  const credential = { clientId, clientSecret };
  return { time, table, take, takeLines, secrets, maintainGrant, fetchToken, credential };
};

/** Each thing that the broker does for a mailbox, done once by the broker's own code, and metered. */
export const measureCosts = async (provider: ProviderName, vaultName: VaultName): Promise<Costs> => {
  const prepared = await prepare(provider, vaultName);
  const { time, table, take, takeLines, maintainGrant, fetchToken, credential } = prepared;
  const { counts, close } = prepared.secrets;
  const work = { mailboxId: MAILBOX_ID };
  const wish = { ...credential, place: '192.0.2.1', slot: 'scan', audience: 'smtp', minTtlSeconds: 600 } as const;

  const costOf = async (work: () => Promise<unknown>): Promise<Cost> => {
    take();
    takeLines();
    const before = { ...counts };
    await work();
    const metered = take();
    return {
      readUnits: metered.reduce((sum, { readUnits }) => sum + readUnits, 0),
      writeUnits: metered.reduce((sum, { writeUnits }) => sum + writeUnits, 0),
      secretReads: counts.reads - before.reads,
      secretWrites: counts.writes - before.writes,
      metered,
      logged: takeLines(),
    };
  };
  const fetchWell = async () => {
    const fetched = await fetchToken(wish);
    if (!fetched.ok) throw new Error(`the fetch failed: ${fetched.error.kind}`);
  };
  const later = (seconds: number): void => {
    time.seconds += seconds;
  };

  try {
    // As it will be after some weeks: used, stored twice, and with all its items there.
    for (let week = 0; week < 2; week++) {
      later(RESTORED_AFTER_SECONDS);
      await maintainGrant(work);
      await fetchWell();
    }
    const fetched = await costOf(fetchWell);
    later(USE_RECORDED_EVERY_SECONDS);
    const used = difference(await costOf(fetchWell), fetched);
    later(3000);
    const refreshed = await costOf(() => maintainGrant(work));
    later(RESTORED_AFTER_SECONDS);
    const stored = await costOf(() => maintainGrant(work));
    later(IN_USE_SECONDS);
    const waited = difference(difference(await costOf(fetchWell), fetched), used);
    // Now it is in use, its token is fresh, and the fetch had it looked at at once.
    const postponed = await costOf(() => maintainGrant(work));
    return {
      ...{ refreshed, stored, postponed, fetched, used, waited },
      ...(await restingBytes(table, fetched, refreshed)),
    };
  } finally {
    await close();
  }
};

const difference = (whole: Cost, part: Cost): Cost => ({
  readUnits: whole.readUnits - part.readUnits,
  writeUnits: whole.writeUnits - part.writeUnits,
  secretReads: whole.secretReads - part.secretReads,
  secretWrites: whole.secretWrites - part.secretWrites,
  metered: whole.metered.slice(part.metered.length),
  logged: whole.logged.slice(part.logged.length),
});

/** DynamoDB adds 100 bytes to each item that it stores (developer guide, "item sizes"). */
const OVERHEAD_BYTES = 100;

/** Every item that a fetch or a refresh touches, each once; the organization's is shared by its mailboxes. */
const restingBytes = async (
  table: { get(key: Metered['key']): Promise<object | undefined> },
  ...costs: readonly Cost[]
): Promise<{ storedBytes: number; indexBytes: number }> => {
  const touched = costs.flatMap(({ metered }) => metered).filter(({ request }) => request !== 'due index');
  const names = new Map(touched.map(({ key }) => [`${key.pk}|${key.sk}`, key]));
  let storedBytes = 0;
  for (const key of names.values()) {
    const item = await table.get(key);
    if (item !== undefined) storedBytes += itemBytes(item) + OVERHEAD_BYTES;
  }
  const index = costs.flatMap(({ metered }) => metered).find(({ request }) => request === 'due index');
  return { storedBytes, indexBytes: (index?.bytes ?? 0) + OVERHEAD_BYTES };
};
