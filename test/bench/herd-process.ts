/**
 * One of the herd's processes: the broker's own fetch and refresh. Told a number by IPC, it fetches the
 * token so often at once, and tells how long each fetch took.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { msalIdentityProvider } from '../../shared/adapters/msal/msal-identity-provider.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Table } from '../../shared/ports/table.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import { makeRefreshGrant } from '../../shared/usecases/grants/refresh-grant.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { identityProviders } from '../fakes/identity-providers.ts';
import { instantProvider, ringOf } from './due-grants.ts';
import { timed } from './figures.ts';

/** Where the table is that all processes share. */
export type HerdTable =
  | { readonly kind: 'dynamodb'; readonly endpoint: string; readonly name: string }
  | { readonly kind: 'sqlite'; readonly path: string };

export interface HerdOrders {
  readonly table: HerdTable;
  readonly keySetText: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Or how many fetches at once. */
export type HerdMessage = HerdOrders | number;

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const openTable = (where: HerdTable): Table =>
  where.kind === 'sqlite'
    ? sqliteTable(openDatabase(where.path))
    : dynamodbTable(new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: where.endpoint }), where.name);

const composed = ({ table: where, keySetText, tokenEndpoint, clientId, clientSecret }: HerdOrders) => {
  const table = openTable(where);
  const ring = ringOf(keySetText);
  const records = brokerRecords(table, ring, clock, random);
  const microsoft = msalIdentityProvider({
    clientId: 'bench',
    clientSecrets: [{ value: 'made-up-client-secret' }],
    tenant: 'organizations',
    endpoints: { authorization_endpoint: tokenEndpoint, token_endpoint: tokenEndpoint },
    refreshTokenRotation: 'strict',
  });
  const providers = identityProviders({ microsoft, google: instantProvider('google') });
  const common = { records, vault: envelopeTokenVault(table, ring), providers, clock, random, log: quiet };
  const refresher = { refreshNow: makeRefreshGrant(common), refreshSoon: async () => undefined };
  const { fetchToken } = deviceUseCases({ ...common, refresher, scopeFor, serverFor: () => undefined });
  return async (): Promise<void> => {
    const wish = {
      clientId,
      clientSecret,
      place: '192.0.2.1',
      slot: 'scan',
      audience: 'smtp',
      minTtlSeconds: 600,
    } as const;
    const fetched = await fetchToken(wish);
    if (!fetched.ok) throw new Error(`the fetch failed: ${fetched.error.kind}`);
  };
};

let fetchOnce: () => Promise<void> = async () => {
  throw new Error('no orders yet');
};

process.on('message', async (message: HerdMessage) => {
  if (typeof message === 'object') {
    fetchOnce = composed(message);
    process.send?.([]);
    return;
  }
  process.send?.(await Promise.all(Array.from({ length: message }, () => timed(fetchOnce))));
});
process.on('disconnect', () => process.exit());
