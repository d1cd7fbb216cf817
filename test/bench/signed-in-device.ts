import { open, seal } from '../../shared/adapters/key-ring/aes-gcm.ts';
import { newKeySetText, parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import type { Grant } from '../../shared/domain/grant.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { KeyRing } from '../../shared/ports/key-ring.ts';
import type { Key, Table } from '../../shared/ports/table.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import type { CachedAccessToken } from '../../shared/records/grants.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { attributes, keys as keyOf } from '../../shared/records/items.ts';
import { newDevice } from '../../shared/usecases/devices/register-device.ts';

/** An access token as long as Microsoft's. */
const ACCESS_TOKEN = 'a'.repeat(2300);

const ORGANIZATION = { id: 'org_bench', name: 'Bench', locale: 'en', enabled: true } as const;
const MAILBOX = { id: 'mbx_bench', provider: 'microsoft', address: 'scanner@contoso.example' } as const;

/** Every call, and the keys of the last reading of several. */
const watched = (table: Table) => {
  const seen: { calls: number; lastKeys: readonly Key[] } = { calls: 0, lastKeys: [] };
  const watching = Object.fromEntries(
    Object.entries(table).map(([name, method]) => [
      name,
      (...args: unknown[]) => {
        seen.calls++;
        if (name === 'getMany') seen.lastKeys = args[0] as readonly Key[];
        return (method as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Table;
  return { seen, watching };
};

/** A device with a bound, signed-in mailbox and a fresh token for ten hours. */
export const signedInDevice = async (table: Table) => {
  const { seen, watching } = watched(table);
  const keySetText = newKeySetText();
  const keySet = parseKeySet(keySetText, 'bench');
  const keys: KeyRing = {
    seal: async (plaintext, context) => seal(keySet, plaintext, context),
    open: async (sealed, context) => open(keySet, sealed, context),
    isCurrent: async () => true,
  };
  const records = brokerRecords(watching, keys, clock, random);
  const now = epochSeconds(clock);
  await records.organizations.create({ ...ORGANIZATION, createdAt: now });
  const { device, clientSecret } = newDevice(ORGANIZATION.id, { clientName: 'Bench' }, clock, random);
  await watching.writeAll(records.devices.creation(device));
  const [organizationId, mailboxId] = [ORGANIZATION.id, MAILBOX.id];
  await records.mailboxes.create({ ...MAILBOX, organizationId, aliases: [], createdAt: now });
  await records.devices.bind({ clientId: device.clientId, slot: 'scan', mailboxId, organizationId, boundAt: now });
  const grant: Grant = {
    state: 'active',
    provider: MAILBOX.provider,
    account: { subject: 's', addresses: [MAILBOX.address] },
    scopes: [scopeFor(MAILBOX.provider, 'smtp') ?? ''],
    signedInAt: now,
    refreshTokenStoredAt: now,
    provenAt: now,
    generation: 1,
    failures: 0,
  };
  const token: CachedAccessToken = {
    audience: 'smtp',
    sealed: await records.grants.sealAccessToken(organizationId, mailboxId, 'smtp', ACCESS_TOKEN),
    issuedAt: now,
    issueTimes: [now],
    expiresAt: now + 36_000,
    scopes: grant.scopes,
    generation: 1,
  };
  await watching.write({ put: { ...keyOf.grant(mailboxId), ...attributes(grant), revision: 1 } });
  await watching.write({ put: { ...keyOf.accessToken(mailboxId, 'smtp'), ...attributes(token) } });
  const basic = `Basic ${Buffer.from(`${device.clientId}:${clientSecret}`).toString('base64')}`;
  return {
    seen,
    records,
    keySetText,
    clientId: device.clientId,
    basic,
    organizationId,
    mailboxId,
    accessToken: ACCESS_TOKEN,
  };
};
