import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ProviderName } from '../../shared/domain/provider.ts';
import type { IdentityProvider } from '../../shared/ports/identity-provider.ts';
import type { Item, Table } from '../../shared/ports/table.ts';
import {
  makeNoteRefusedSecrets,
  makeWatchAppRegistrations,
} from '../../shared/usecases/grants/watch-app-registrations.ts';
import { countingTable } from '../fakes/counting-table.ts';
import { makeGate } from '../fakes/gate.ts';
import { identityProviders } from '../fakes/identity-providers.ts';
import { REGISTRATION_REFUSED } from '../fakes/scripted-provider.ts';
import { advanceSeconds, makeWorld, now, settle, signedInOffice, startProcess, type World } from './support.ts';

const HOUR = 3600;

describe('the record of an app registration', () => {
  const MICROSOFT = { provider: 'microsoft' } as const;
  const MICROSOFT_KEY = { pk: 'provider#microsoft', sk: 'app-registration' };
  /** A warning of it is due at once. */
  const SOON = '2026-12-31';

  let world: World;

  beforeEach(() => {
    world = makeWorld();
    world.microsoft.clientSecrets = [{ expiresOn: SOON }, {}];
  });

  const startWorker = (
    table: Table = world.table,
    configured: Partial<Record<ProviderName, IdentityProvider>> = {},
  ) => {
    const process = startProcess(world, { table });
    const providers = identityProviders({ microsoft: world.microsoft, google: world.google, ...configured });
    const dependencies = { ...process, ...process.records, providers };
    return { watch: makeWatchAppRegistrations(dependencies), note: makeNoteRefusedSecrets(dependencies) };
  };

  /** The world's table, which answers a `get` when the gate lets it, with what it read before. */
  const gatedTable = () => {
    const gate = makeGate();
    const get: Table['get'] = async (key) => {
      const item = await world.table.get(key);
      await gate.pass();
      return item;
    };
    return { gate, table: { ...world.table, get } };
  };

  /** All of them read before one of them writes. */
  const atOnce = async (count: number, work: (worker: ReturnType<typeof startWorker>) => Promise<void>) => {
    const { gate, table } = gatedTable();
    gate.close();
    const working = Array.from({ length: count }, () => work(startWorker(table)));
    await new Promise(setImmediate);
    assert.equal(gate.waiting, count);
    gate.open();
    await Promise.all(working);
  };

  const records = () => startProcess(world).records.appRegistrations;
  const found = () => records().get(MICROSOFT);
  const refusals = async () => (await found()).registration?.clientSecrets.map(({ refusedAt }) => refusedAt);
  const count = (event: string) => world.log.of(event).length;

  for (const known of ['none', 'one']) {
    it(`keeps a refusal that is noted while another worker looks, with ${known} before`, async () => {
      if (known === 'one') {
        world.microsoft.clientSecrets = [{}, {}];
        await startWorker().watch();
        world.microsoft.clientSecrets = [{ expiresOn: SOON }, {}];
      }
      const { gate, table } = gatedTable();
      gate.close();
      const looking = startWorker(table).watch();
      await startWorker().note(MICROSOFT, [0]);
      gate.open();
      await looking;
      assert.deepEqual(await refusals(), [now(world), undefined]);
      assert.equal(count('client_secret.expiring'), 1, 'who lost the race looks again');
    });
  }

  it('lets one of many workers that look at once tell of a client secret that expires', async () => {
    await atOnce(8, ({ watch }) => watch());
    assert.deepEqual(
      world.log.of('client_secret.expiring').map(({ fields }) => fields),
      [{ provider: 'microsoft', client_id: 'client-at-microsoft', position: 1, expires_on: SOON, days: 60 }],
    );
  });

  it('lets one of many workers tell of a refused client secret, once an hour', async () => {
    const notedAt = now(world);
    await atOnce(8, ({ note }) => note(MICROSOFT, [0]));
    assert.equal(count('client_secret.refused'), 1);
    const before = await found();
    await advanceSeconds(world, HOUR - 1);
    await startWorker().note(MICROSOFT, [0]);
    assert.equal(count('client_secret.refused'), 1);
    assert.deepEqual(await found(), before, 'nothing was written');
    await advanceSeconds(world, 1);
    const worker = startWorker();
    await worker.note(MICROSOFT, [0]);
    assert.equal(count('client_secret.refused'), 2);
    assert.deepEqual(await refusals(), [notedAt + HOUR, undefined]);
    await advanceSeconds(world, HOUR);
    await worker.note(MICROSOFT, [0]);
    assert.equal(count('client_secret.refused'), 3);
  });

  it('has all client secrets refused without a word of another that works', async () => {
    await startWorker().note(MICROSOFT, [0, 1]);
    assert.deepEqual(await refusals(), [now(world), now(world)]);
    world.microsoft.clientSecrets = [{ expiresOn: '2029-12-31' }];
    await startWorker().note(MICROSOFT, [0]);
    assert.deepEqual(await refusals(), [now(world)]);
    assert.equal(count('client_secret.refused'), 0);
  });

  it('is told by app_registration.refused alone when the only client secret is refused', async () => {
    const { process, mailbox } = await signedInOffice(world);
    await advanceSeconds(world, HOUR);
    world.microsoft.clientSecrets = [{}];
    world.microsoft.failNext({ ...REGISTRATION_REFUSED, refusedClientSecrets: [0] });
    await settle(world, process.administration.mailboxes.refresh(mailbox.id));
    assert.deepEqual(await refusals(), [now(world)]);
    assert.deepEqual([count('client_secret.refused'), count('app_registration.refused')], [0, 1]);
  });

  it('takes back the refusal of a client secret that is taken again, and leaves the time of the other', async () => {
    const refusedAt = now(world);
    await startWorker().note(MICROSOFT, [0, 1]);
    await advanceSeconds(world, 60);
    await startWorker().note(MICROSOFT, [0]);
    assert.deepEqual(await refusals(), [refusedAt, undefined]);
    assert.equal(count('client_secret.refused'), 0, 'that one was told of within the hour, as one of all');
  });

  it('takes up another client id, and knows nothing of its secrets', async () => {
    world.microsoft.clientSecrets = [{}];
    await startWorker().watch();
    await startWorker().note(MICROSOFT, [0]);
    await startWorker(world.table, { microsoft: { ...world.microsoft, clientId: 'another' } }).watch();
    const registration = { provider: 'microsoft', clientId: 'another', clientSecrets: [{}] };
    assert.deepEqual((await found()).registration, registration);
    world.microsoft.clientSecrets = [];
    await startWorker(world.table, { microsoft: { ...world.microsoft, clientId: 'a third' } }).watch();
    await startWorker(world.table, { microsoft: { ...world.microsoft, clientId: 'a fourth' } }).watch();
    assert.equal((await found()).registration?.clientId, 'a fourth');
  });

  it('is read once an hour by a worker whose refreshes all meet the same refusal', async () => {
    const table = countingTable(world.table);
    const { note } = startWorker(table);
    for (let refresh = 0; refresh < 3; refresh++) await note(MICROSOFT, [0]);
    assert.deepEqual(table.roundTrips, ['get', 'writeAll']);
    world.microsoft.clientSecrets = [{ expiresOn: '2029-12-31' }, {}];
    await note(MICROSOFT, [0]);
    assert.equal(count('client_secret.refused'), 2, 'the secret in its place is another one');
  });

  it('is written at the next occasion, not in an hour, by a worker that lost every race', async () => {
    let lost = 0;
    let losing = true;
    const writeAll: Table['writeAll'] = async (writes) => {
      if (!losing || !JSON.stringify(writes).includes(MICROSOFT_KEY.pk)) return world.table.writeAll(writes);
      lost++;
      return 'refused';
    };
    const { watch, note } = startWorker({ ...world.table, writeAll });
    await watch();
    await note(MICROSOFT, [0]);
    // Five tries to write what was found, and five to note the refusal.
    assert.equal(lost, 10);
    // People are told before it is noted that they were; who tells, says so once.
    assert.deepEqual(
      world.log.lines.map(({ event }) => event),
      ['notice.raised'],
    );
    losing = false;
    await note(MICROSOFT, [0]);
    await watch();
    assert.deepEqual([count('client_secret.refused'), count('client_secret.expiring')], [1, 1]);
  });

  it('is not written again for the order in which the table gives its attributes', async () => {
    await startWorker().watch();
    await startWorker().note(MICROSOFT, [0]);
    const before = await found();
    const backwards = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(backwards);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, part]) => [name, backwards(part)]),
      );
    };
    const get: Table['get'] = async (key) => backwards(await world.table.get(key)) as Item | undefined;
    await startWorker({ ...world.table, get }).watch();
    assert.deepEqual(await found(), before);
  });

  it('goes when its provider is no longer configured, and not from under one who has written since', async () => {
    const { watch, note } = startWorker();
    await watch();
    const stale = await found();
    await note(MICROSOFT, [0]);
    assert.equal(await records().remove(MICROSOFT, stale), false);
    assert.deepEqual(await refusals(), [now(world), undefined]);
    await startWorker(world.table, { microsoft: { ...world.microsoft, clientId: undefined } }).watch();
    assert.deepEqual(await found(), { registration: undefined, revision: 0 });
    const { administration } = startProcess(world);
    assert.deepEqual(
      (await administration.appRegistrations.list()).map(({ provider }) => provider),
      ['google'],
    );
  });

  it('lets one of two win that read the same', async () => {
    const none = await found();
    const registration = { provider: 'microsoft' as const, clientId: 'id', clientSecrets: [] };
    assert.equal(await records().replace(none, registration), true);
    assert.equal(await records().replace(none, registration), false);
    const first = await found();
    assert.deepEqual(first, { registration, revision: 1 });
    assert.equal(await records().replace(first, registration), true);
    assert.equal(await records().replace(first, registration), false);
  });
});
