import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { open, seal } from '../../shared/adapters/key-ring/aes-gcm.ts';
import { parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import type { Grant } from '../../shared/domain/grant.ts';
import { timeSortedId } from '../../shared/domain/identifiers.ts';
import { ok } from '../../shared/domain/result.ts';
import { dueShardOf } from '../../shared/domain/timing.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';
import type { KeyRing } from '../../shared/ports/key-ring.ts';
import type { Write } from '../../shared/ports/table.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { attributes, keys } from '../../shared/records/items.ts';
import { identityProviders } from '../fakes/identity-providers.ts';

/** As long as Microsoft's, so that sealing and storing them takes as long. */
const ACCESS_TOKEN = 'a'.repeat(2300);
const REFRESH_TOKEN = 'r'.repeat(1200);
const SMTP = scopeFor('microsoft', 'smtp') ?? '';

const ORGANIZATION_ID = 'org_bench';
/** The port's most. */
const WRITES_AT_ONCE = 25;

export const ringOf = (keySetText: string): KeyRing => {
  const keySet = parseKeySet(keySetText, 'the bench');
  return {
    seal: async (plaintext, context) => seal(keySet, plaintext, context),
    open: async (sealed, context) => open(keySet, sealed, context),
    isCurrent: async () => true,
  };
};

/** A provider in this process that answers at once, and lets refresh tokens live, as Entra does. */
export const instantProvider = (name: 'microsoft' | 'google'): IdentityProvider => {
  const unused = (): never => {
    throw new Error('only refreshes are measured');
  };
  return {
    name,
    clientId: 'client',
    clientSecrets: [],
    scopeFor: (audience) => scopeFor(name, audience),
    authorizationUrl: unused,
    redeemCode: unused,
    explainRedirectError: unused,
    refresh: async () =>
      ok({
        accessToken: ACCESS_TOKEN,
        refreshToken: `${REFRESH_TOKEN}next`,
        formerStaysValid: true,
        expiresInSeconds: 4500,
        scopes: [SMTP],
      }),
  };
};

/** Everything over one database file, with one key ring for access tokens and vault alike. */
export const brokerOver = (path: string, keySetText: string) => {
  const database = openDatabase(path);
  // Nothing waits for the disk: what is measured is the broker, and what is kept here is thrown away.
  database.exec('PRAGMA synchronous = OFF');
  const table = sqliteTable(database);
  const ring = ringOf(keySetText);
  return {
    ...{ database, table, clock, random },
    vault: envelopeTokenVault(table, ring),
    records: brokerRecords(table, ring, clock, random),
    providers: identityProviders({ microsoft: instantProvider('microsoft'), google: instantProvider('google') }),
  };
};

/**
 * Makes a database with so many due grants. The first of them have mailbox and refresh token too, and can be refreshed;
 * gives their ids.
 */
export const makeDueGrants = async (
  path: string,
  keySetText: string,
  { count, refreshable }: { readonly count: number; readonly refreshable: number },
): Promise<readonly string[]> => {
  const { database, table, records, vault } = brokerOver(path, keySetText);
  const now = epochSeconds(clock);
  const dayAgo = now - 86_400;
  await records.organizations.create({
    id: ORGANIZATION_ID,
    name: 'Bench',
    locale: 'en',
    enabled: true,
    createdAt: now,
  });
  const grant: Grant = {
    state: 'active',
    provider: 'microsoft',
    account: { subject: 'subject', addresses: ['scanner@contoso.example'] },
    scopes: [SMTP],
    signedInAt: dayAgo,
    refreshTokenStoredAt: dayAgo,
    provenAt: dayAgo,
    generation: 1,
    failures: 0,
  };
  const mailbox = { organizationId: ORGANIZATION_ID, provider: 'microsoft', aliases: [], createdAt: dayAgo } as const;
  const ids = Array.from({ length: count }, (_, made) => timeSortedId('mbx', dayAgo * 1000 + made, random.bytes));
  const whole = ids.slice(0, refreshable);
  for (const id of whole) {
    await table.write({
      put: { ...keys.mailbox(id), ...attributes({ ...mailbox, id, address: `${id}@contoso.example` }) },
    });
    await vault.store(id, { refreshToken: REFRESH_TOKEN, storedAt: dayAgo }, 'absent');
  }
  for (let from = 0; from < count; from += WRITES_AT_ONCE) {
    const writes = ids.slice(from, from + WRITES_AT_ONCE).map((id, index): Write => {
      const due = { dueShard: dueShardOf('grant-microsoft', id), dueAt: now - ((from + index) % 3600) };
      return { put: { ...keys.grant(id), ...attributes(grant), revision: 1, ...due } };
    });
    await table.writeAll(writes);
  }
  database.close();
  return whole;
};
