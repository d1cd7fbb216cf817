import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makePerson } from '../../../local/demo/person.ts';
import { type IdentityStandIn, startIdentityStandIn } from '../../../local/stand-ins/identity/server.ts';
import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import type { Result } from '../../../shared/domain/result.ts';
import type { DeviceCredential } from '../../../shared/usecases/devices/authenticate-device.ts';
import { startDynamodb } from '../../fakes/dynamodb.ts';
import { startSecretsManager } from '../../fakes/secrets-manager.ts';
import type { Answer, Order } from './broker-process.ts';
import { type Broker, composeBroker, type Place, PUBLIC_URL, TABLE } from './compose.ts';

export type StoreKind = Place['stores']['kind'];

const CLIENT = { clientId: 'broker-at-the-stand-in', clientSecret: 'stand-in-client-secret' };

export const value = <Value, Failure>(result: Result<Value, Failure>): Value => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
};

const startStores = async (kind: StoreKind) => {
  if (kind === 'sqlite') return { stores: { kind }, close: async () => undefined } as const;
  const [dynamodb, secretsManager] = [await startDynamodb(), await startSecretsManager()];
  await dynamodb.createTable(tableDefinition(TABLE));
  return {
    stores: { kind, dynamodb: dynamodb.endpoint, secretsManager: secretsManager.endpoint },
    close: async () => {
      await Promise.all([dynamodb.close(), secretsManager.close()]);
    },
  } as const;
};

/** A real OAuth server that retires every refresh token at its first use, and ends the sign-in at its second. */
const startStrictIdentity = (folder: string): Promise<IdentityStandIn> =>
  startIdentityStandIn({
    provider: 'microsoft',
    databasePath: join(folder, 'identity.db'),
    clients: [{ ...CLIENT, redirectUris: [`${PUBLIC_URL}/oauth/callback/microsoft`] }],
    rotate: 'strict',
    host: '127.0.0.1',
    port: 0,
  });

export const signIn = async (
  {
    administration,
    departForProvider,
    completeSignIn,
  }: Pick<Broker, 'administration' | 'departForProvider' | 'completeSignIn'>,
  mailbox: Mailbox,
) => {
  const attempt = value(await administration.mailboxes.beginSignIn(mailbox.id));
  const { authorizationUrl, browserSecret, provider } = value(await departForProvider(attempt.id));
  const page = await makePerson().signIn(authorizationUrl, { username: mailbox.address });
  const { searchParams } = new URL(page.url);
  const [state, code] = [searchParams.get('state') ?? undefined, searchParams.get('code') ?? undefined];
  const callback = { provider, browserSecret, state, code, error: undefined, errorDescription: undefined };
  assert.equal(value(await completeSignIn(callback)).tokenStatus, 'acquired');
};

/** An organization, one mailbox signed in, and devices bound to it. */
const furnish = async (broker: Broker, deviceCount: number) => {
  const { organizations, mailboxes, devices } = broker.administration;
  const { id } = await organizations.create('Contoso', 'en');
  const wish = { provider: 'microsoft', address: 'scanner@contoso.example', aliases: [] } as const;
  const { mailbox } = value(await mailboxes.create(id, wish));
  const credentials: DeviceCredential[] = [];
  for (let index = 0; index < deviceCount; index++) {
    const { device, clientSecret } = value(await devices.create(id, { clientName: `Printer ${index}` }));
    value(await devices.bind(device.clientId, 'scan', mailbox.id));
    credentials.push({ clientId: device.clientId, clientSecret, place: '192.0.2.1' });
  }
  await signIn(broker, mailbox);
  return { mailbox, devices: credentials };
};

/** The process of its own, and how to talk to it. */
export const startProcess = async (place: Place) => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'broker-process.ts'), JSON.stringify(place)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  return {
    async order(order: Order): Promise<Answer> {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const { value: line } = await lines.next();
      if (line === undefined) throw new Error('the process ended without an answer');
      return JSON.parse(line) as Answer;
    },
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exited;
    },
  };
};

/** Everything of one broker but its processes. Their clocks run two hours ahead, when what is cached has run out. */
export const startScene = async (kind: StoreKind, { devices = 25, speed = 1 } = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'token-broker-herd-'));
  const { stores, close } = await startStores(kind);
  const identity = await startStrictIdentity(folder);
  const microsoft = {
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
    tenant: 'common',
    endpoints: identity.endpoints,
  };
  const config = JSON.stringify({ providers: { microsoft } });
  const clock = { originMs: Date.now(), offsetMs: 0, speed: 1 };
  const office = await furnish(composeBroker({ stores, folder, config, clock }), devices);
  const place = (hoursAhead: number): Place => ({
    ...{ stores, folder, config },
    clock: { originMs: Date.now(), offsetMs: hoursAhead * 3_600_000, speed },
  });
  return {
    ...office,
    identity,
    place: place(2),
    /** How often the provider was asked for a refresh. */
    refreshCalls: (): number => identity.counters()['token:refresh_token'] ?? 0,
    /** So many requests to fetch, by the devices in turn. */
    fetches: (count: number): Order => ({
      devices: Array.from({ length: count }, (_, index) => office.devices[index % office.devices.length]).filter(
        (device) => device !== undefined,
      ),
    }),
    /** Another hour or two later: whether the sign-in still yields a token that was not there before. */
    async refreshOnceMore(hoursAhead = 4) {
      const { refreshGrant, clock: later } = composeBroker(place(hoursAhead));
      const wish = { audience: 'smtp', minTtlSeconds: 600, askedAt: later.now() / 1000, duringBackOff: true } as const;
      return refreshGrant({ mailboxId: office.mailbox.id, ...wish });
    },
    async grant() {
      return (await composeBroker(place(4)).records.grants.get(office.mailbox.id)).grant;
    },
    async close() {
      await Promise.all([close(), identity.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
};
