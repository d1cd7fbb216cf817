import type { DataFolder } from '../../../local/data-folder.ts';
import { fileKeyRing } from '../../../shared/adapters/key-ring/file-key-ring.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import type { Grant } from '../../../shared/domain/grant.ts';
import type { ProviderName } from '../../../shared/domain/provider.ts';
import { type Clock, epochSeconds } from '../../../shared/ports/clock.ts';
import type { Table } from '../../../shared/ports/table.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords, type Records } from '../../../shared/records/index.ts';
import { attributes, keys } from '../../../shared/records/items.ts';
import { newDevice } from '../../../shared/usecases/devices/register-device.ts';

/** As long as Microsoft's. */
export const ACCESS_TOKEN = 'a'.repeat(2300);

const ORGANIZATION_ID = 'org_bench';

/** Nobody refreshes it meanwhile. */
const TOKEN_SECONDS = 36_000;

/** A device with its own mailbox. */
export interface SignedIn {
  readonly mailboxId: string;
  readonly address: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The device's `Authorization`. */
export const basicOf = ({ clientId, clientSecret }: SignedIn): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/** Where it all is put. */
interface Broker {
  readonly table: Table;
  readonly records: Pick<Records, 'grants' | 'mailboxes' | 'devices' | 'organizations'>;
  readonly clock: Clock;
}

const signIn = async ({ table, records, clock }: Broker, mailbox: Mailbox): Promise<void> => {
  const now = epochSeconds(clock);
  const { id, organizationId, provider, address } = mailbox;
  const scopes = [scopeFor(provider, 'smtp') ?? ''];
  const grant: Grant = {
    state: 'active',
    provider,
    account: { subject: id, addresses: [address] },
    scopes,
    signedInAt: now,
    refreshTokenStoredAt: now,
    provenAt: now,
    generation: 1,
    failures: 0,
  };
  const token = {
    audience: 'smtp',
    sealed: await records.grants.sealAccessToken(organizationId, id, 'smtp', ACCESS_TOKEN),
    issuedAt: now,
    issueTimes: [now],
    expiresAt: now + TOKEN_SECONDS,
    scopes,
    generation: 1,
  };
  await table.write({ put: { ...keys.grant(id), ...attributes(grant), revision: 1 } });
  await table.write({ put: { ...keys.accessToken(id, 'smtp'), ...attributes(token) } });
};

export const makeOrganization = async ({ records, clock }: Broker): Promise<void> => {
  const createdAt = epochSeconds(clock);
  await records.organizations.create({ id: ORGANIZATION_ID, name: 'Bench', locale: 'en', enabled: true, createdAt });
};

/** A mailbox of that organization, signed in, and a device that has it as `scan`. */
export const makeSignedIn = async (broker: Broker, provider: ProviderName, number: number): Promise<SignedIn> => {
  const { table, records, clock } = broker;
  const createdAt = epochSeconds(clock);
  const id = `mbx_mfz0k3a2b${String(number).padStart(12, 'x')}`;
  const address = `scanner.${number}@${provider}.example`;
  const mailbox: Mailbox = { id, organizationId: ORGANIZATION_ID, provider, address, aliases: [], createdAt };
  await records.mailboxes.create(mailbox);
  await signIn(broker, mailbox);
  const { device, clientSecret } = newDevice(ORGANIZATION_ID, { clientName: 'Bench' }, clock, random);
  await table.writeAll(records.devices.creation(device));
  const { clientId } = device;
  const bound = { clientId, slot: 'scan', mailboxId: id, organizationId: ORGANIZATION_ID, boundAt: createdAt };
  await records.devices.bind(bound);
  return { mailboxId: id, address, clientId, clientSecret };
};

/** In a data folder that no broker has open. */
export const signedInMailboxes = async (
  data: DataFolder,
  provider: ProviderName,
  count: number,
): Promise<readonly SignedIn[]> => {
  const database = openDatabase(data.database);
  const table = sqliteTable(database);
  const broker = { table, clock, records: brokerRecords(table, fileKeyRing(data.accessKeys), clock, random) };
  await makeOrganization(broker);
  const made: SignedIn[] = [];
  for (let number = 0; number < count; number++) made.push(await makeSignedIn(broker, provider, number));
  database.close();
  return made;
};
