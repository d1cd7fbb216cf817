import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { fetchTokenApp } from '../../functions/fetch-token/app.ts';
import { open, seal } from '../../shared/adapters/key-ring/aes-gcm.ts';
import { newKeySetText, parseKeySet } from '../../shared/adapters/key-ring/key-set.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { mailServers } from '../../shared/config/mail-servers.ts';
import type { Grant } from '../../shared/domain/grant.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { KeyRing } from '../../shared/ports/key-ring.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Refresher } from '../../shared/ports/refresher.ts';
import type { Table } from '../../shared/ports/table.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { deviceUseCases } from '../../shared/usecases/device-use-cases.ts';
import { newDevice } from '../../shared/usecases/register-device.ts';
import { byTurns, percentile, print, ratio } from './figures.ts';

const ROUNDS = 3000;
const WARM_UP = 300;

/** An access token as long as Microsoft's. */
const ACCESS_TOKEN = 'a'.repeat(2300);

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const noRefresher: Refresher = {
  refreshNow: async () => {
    throw new Error('a warm fetch must not refresh');
  },
  refreshSoon: async () => undefined,
};

const counted = (table: Table) => {
  const calls = { count: 0 };
  const counting = Object.fromEntries(
    Object.entries(table).map(([name, method]) => [
      name,
      (...args: unknown[]) => {
        calls.count++;
        return (method as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Table;
  return { calls, counting };
};

/** A device with a bound, signed-in mailbox and a fresh token, made by the records themselves. */
const prepared = async () => {
  const { calls, counting } = counted(sqliteTable(openDatabase(':memory:')));
  const keySet = parseKeySet(newKeySetText(), 'bench');
  const keys: KeyRing = {
    seal: async (plaintext, context) => seal(keySet, plaintext, context),
    open: async (sealed, context) => open(keySet, sealed, context),
  };
  const records = brokerRecords(counting, keys, clock, random);
  const now = epochSeconds(clock);
  const organizationId = 'org_bench';
  await records.organizations.create({
    id: organizationId,
    name: 'Bench',
    locale: 'en',
    enabled: true,
    createdAt: now,
  });
  const { device, clientSecret } = newDevice(organizationId, { clientName: 'Bench' }, clock, random);
  await counting.writeAll(records.devices.creation(device));
  const mailboxId = 'mbx_bench';
  const address = 'scanner@contoso.example';
  await records.mailboxes.create({
    id: mailboxId,
    organizationId,
    provider: 'microsoft',
    address,
    aliases: [],
    createdAt: now,
  });
  await records.devices.bind({ clientId: device.clientId, slot: 'scan', mailboxId, organizationId, boundAt: now });
  const grant: Grant = {
    state: 'active',
    provider: 'microsoft',
    account: { subject: 's', addresses: [address] },
    scopes: [scopeFor('microsoft', 'smtp') ?? ''],
    signedInAt: now,
    generation: 1,
    failures: 0,
    provenAt: now,
  };
  const lease = await records.grants.takeLease(mailboxId, 'bench', now);
  if (!lease) throw new Error('no lease');
  const sealed = await records.grants.sealAccessToken(organizationId, mailboxId, 'smtp', ACCESS_TOKEN);
  const token = {
    audience: 'smtp',
    sealed,
    issuedAt: now,
    expiresAt: now + 36_000,
    scopes: [],
    generation: 1,
  } as const;
  await records.grants.replaceUnderLease(mailboxId, lease, 0, grant, undefined, token);
  const serverFor = mailServers({});
  const useCases = deviceUseCases({ records, refresher: noRefresher, scopeFor, serverFor, clock, log: quiet });
  const app = fetchTokenApp({ ...useCases, serverFor, publicUrl: 'http://localhost', log: quiet, random });
  const basic = `Basic ${Buffer.from(`${device.clientId}:${clientSecret}`).toString('base64')}`;
  return { app, basic, calls };
};

/** A warm fetch through the whole HTTP stack, by turns with a bare route of the same server and reply size. */
export const benchWarmFetch = async (): Promise<void> => {
  const { app, basic, calls } = await prepared();
  const whole = new Hono();
  const bareReply = JSON.stringify({
    access_token: ACCESS_TOKEN,
    sasl_xoauth2: 'b'.repeat(3130),
    padding: 'c'.repeat(180),
  });
  whole.get('/bare', (c) => c.body(bareReply, 200, { 'Content-Type': 'application/json' }));
  whole.all('/v1/token', (c) => app.fetch(c.req.raw));
  const server = serve({ fetch: whole.fetch, hostname: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string) => (): Promise<number> =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const options = { host: '127.0.0.1', port, path, agent, headers: { authorization: basic } };
      request(options, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${path} answers ${response.statusCode}`));
        response.resume().on('end', () => resolve(performance.now() - startedAt));
      })
        .on('error', reject)
        .end();
    });

  await byTurns(WARM_UP, get('/bare'), get('/v1/token'));
  const readsBefore = calls.count;
  const [bare = [], fetched = []] = await byTurns(ROUNDS, get('/bare'), get('/v1/token'));
  const reads = (calls.count - readsBefore) / ROUNDS;
  agent.destroy();
  server.close();
  const row = (name: string, share: number): [string, string, string, string] => {
    const [floor, value] = [percentile(bare, share), percentile(fetched, share)];
    return [name, `${floor.toFixed(3)} ms`, `${value.toFixed(3)} ms`, ratio(value, floor)];
  };
  print(`Warm token fetch against a bare route of the same process (${ROUNDS} each, by turns: bare, fetch, ratio)`, [
    row('p50', 0.5),
    row('p99', 0.99),
    ['table requests for each fetch', String(reads)],
  ]);
};
