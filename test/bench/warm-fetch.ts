import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { fetchTokenApp } from '../../functions/fetch-token/app.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { systemClock as clock } from '../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../shared/adapters/system/system-random.ts';
import { mailServers } from '../../shared/config/mail-servers.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Refresher } from '../../shared/ports/refresher.ts';
import { scopeFor } from '../../shared/protocol/scopes.ts';
import { deviceUseCases } from '../../shared/usecases/devices/device-use-cases.ts';
import { byTurns, percentile, print, ratio } from './figures.ts';
import { signedInDevice } from './signed-in-device.ts';

const ROUNDS = 3000;
const WARM_UP = 300;

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const noRefresher: Refresher = {
  refreshNow: async () => {
    throw new Error('a warm fetch must not refresh');
  },
  refreshSoon: async () => undefined,
};

const prepared = async () => {
  const { records, seen, basic, accessToken } = await signedInDevice(sqliteTable(openDatabase(':memory:')));
  const serverFor = mailServers({});
  const useCases = deviceUseCases({ records, refresher: noRefresher, scopeFor, serverFor, clock, random, log: quiet });
  const app = fetchTokenApp({ ...useCases, serverFor, publicUrl: 'http://localhost', log: quiet, random });
  return { app, basic, seen, accessToken };
};

/** A warm fetch through the whole HTTP stack, by turns with a bare route of the same server and reply size. */
export const benchWarmFetch = async (): Promise<void> => {
  const { app, basic, seen, accessToken } = await prepared();
  const whole = new Hono();
  const bareReply = JSON.stringify({
    access_token: accessToken,
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
  const readsBefore = seen.calls;
  const [bare = [], fetched = []] = await byTurns(ROUNDS, get('/bare'), get('/v1/token'));
  const reads = (seen.calls - readsBefore) / ROUNDS;
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
