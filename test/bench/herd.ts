import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamodbTable } from '../../shared/adapters/dynamodb/dynamodb-table.ts';
import { tableDefinition } from '../../shared/adapters/dynamodb/table-definition.ts';
import { envelopeTokenVault } from '../../shared/adapters/envelope/envelope-token-vault.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { Table } from '../../shared/ports/table.ts';
import { keys } from '../../shared/records/items.ts';
import { LOOPBACK_CLIENT } from '../fakes/aws-json.ts';
import { startDynamodb } from '../fakes/dynamodb.ts';
import { startScriptedTokenEndpoint } from '../fakes/token-endpoint.ts';
import { ringOf } from './due-grants.ts';
import { milliseconds, percentile, print, ratio } from './figures.ts';
import type { HerdMessage, HerdTable } from './herd-process.ts';
import { signedInDevice } from './signed-in-device.ts';

const PROCESSES = 4;
const FETCHES = 500;
/** About what Microsoft takes. */
const PROVIDER_MS = 300;
const TABLE = 'herd';
const MAILBOX_ID = 'mbx_bench';
const REFRESH_TOKEN = 'r'.repeat(1200);

const PROGRAM = fileURLToPath(new URL('herd-process.ts', import.meta.url));

/** A provider of known latency that retires each refresh token at its use. */
const startProvider = async () => {
  const endpoint = await startScriptedTokenEndpoint();
  let newest = REFRESH_TOKEN;
  endpoint.decide((form) => {
    if (form.get('refresh_token') !== newest) return { status: 400, body: { error: 'invalid_grant' } };
    newest = `${REFRESH_TOKEN}${endpoint.requests.length}`;
    const body = { access_token: 'a'.repeat(2300), refresh_token: newest, token_type: 'Bearer', expires_in: 4500 };
    return { status: 200, body, afterMs: PROVIDER_MS };
  });
  return endpoint;
};

interface Shared {
  readonly table: Table;
  readonly where: HerdTable;
  close(): Promise<void>;
}

const startDynalite = async (): Promise<Shared> => {
  const dynamodb = await startDynamodb();
  await dynamodb.createTable(tableDefinition(TABLE));
  const { endpoint } = dynamodb;
  const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint });
  const close = async () => {
    client.destroy();
    await dynamodb.close();
  };
  return { table: dynamodbTable(client, TABLE), where: { kind: 'dynamodb', endpoint, name: TABLE }, close };
};

const startSqlite = async (): Promise<Shared> => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-bench-'));
  const path = join(folder, 'broker.sqlite');
  const database = openDatabase(path);
  const close = async () => {
    database.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { table: sqliteTable(database), where: { kind: 'sqlite', path }, close };
};

/** A device with a bound and signed-in mailbox, its refresh token in the envelope vault. */
const signIn = async (table: Table) => {
  const { basic, keySetText } = await signedInDevice(table);
  const [clientId = '', clientSecret = ''] = Buffer.from(basic.slice('Basic '.length), 'base64').toString().split(':');
  const vault = envelopeTokenVault(table, ringOf(keySetText));
  await vault.store(MAILBOX_ID, { refreshToken: REFRESH_TOKEN, storedAt: epochSeconds(clock) }, 'absent');
  return { keySetText, clientId, clientSecret };
};

const expireToken = async (table: Table): Promise<void> => {
  const hourAgo = epochSeconds(clock) - 3600;
  const times = { issuedAt: hourAgo - 3600, expiresAt: hourAgo, issueTimes: [hourAgo - 3600] };
  await table.write({ update: keys.accessToken(MAILBOX_ID, 'smtp'), changes: { set: times } });
};

const startHerd = () => {
  const herd = Array.from({ length: PROCESSES }, () => fork(PROGRAM));
  const tell = async (one: ChildProcess, message: HerdMessage): Promise<readonly number[]> => {
    one.send(message);
    const ended = once(one, 'exit').then(([code]) => {
      throw new Error(`a process of the herd ended with ${code}`);
    });
    const [latencies] = (await Promise.race([once(one, 'message'), ended])) as [readonly number[]];
    ended.catch(() => undefined);
    return latencies;
  };
  return {
    all: async (message: HerdMessage) => (await Promise.all(herd.map((one) => tell(one, message)))).flat(),
    close: () => {
      for (const one of herd) one.disconnect();
    },
  };
};

/** Five hundred fetches at once over four processes: with a token alive, and with an expired one. */
const benchOver = async (name: string, start: () => Promise<Shared>): Promise<void> => {
  const provider = await startProvider();
  const { table, where, close } = await start();
  const herd = startHerd();
  try {
    await herd.all({ ...(await signIn(table)), table: where, tokenEndpoint: `${provider.origin}/token` });
    // Connected, compiled, and the use noted: what is compared is the refresh.
    await herd.all(FETCHES / PROCESSES);
    const warm = await herd.all(FETCHES / PROCESSES);
    await expireToken(table);
    const cold = await herd.all(FETCHES / PROCESSES);
    show(name, { warm, cold, calls: provider.requests.length });
  } finally {
    herd.close();
    await provider.close();
    await close();
  }
};

interface Herded {
  readonly warm: readonly number[];
  readonly cold: readonly number[];
  readonly calls: number;
}

const show = (name: string, { warm, cold, calls }: Herded): void => {
  const row = (what: string, share: number): [string, string, string, string] => {
    const [floor, value] = [percentile(warm, share), percentile(cold, share)];
    return [what, milliseconds(floor), milliseconds(value), `${ratio(value, PROVIDER_MS)} the provider`];
  };
  print(
    `Herd: ${FETCHES} fetches at once, ${PROCESSES} processes over ${name}, provider of ${PROVIDER_MS} ms ` +
      '(token alive, token expired, the latter against the provider)',
    [['provider calls', '0', String(calls), 'target 1'], row('p50', 0.5), row('p99', 0.99)],
  );
};

/** Over dynalite, which answers all of them one after the other, and over SQLite, which takes next to no time itself. */
export const benchHerd = async (): Promise<void> => {
  await benchOver('one dynalite', startDynalite);
  await benchOver('one SQLite file', startSqlite);
};
