import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { makeWatchAppRegistrations } from '../../shared/usecases/grants/watch-app-registrations.ts';
import { REGISTRATION_REFUSED, unavailable } from '../fakes/scripted-provider.ts';
import {
  advanceSeconds,
  makeWorld,
  now,
  type Process,
  settle,
  signedInOffice,
  startProcess,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('the app registrations', () => {
  let world: World;
  let process: Process;
  let refresh: () => Promise<unknown>;

  beforeEach(async () => {
    world = makeWorld();
    const office = await signedInOffice(world);
    process = office.process;
    refresh = () => settle(world, process.administration.mailboxes.refresh(office.mailbox.id));
    // The token that came with the sign-in has run out.
    await advanceSeconds(world, HOUR);
  });

  /** A worker that has just started. */
  const watch = () => {
    const started = startProcess(world);
    return makeWatchAppRegistrations({ ...started, ...started.records })();
  };

  const microsoft = async () => {
    const found = (await process.administration.appRegistrations.list()).find((one) => one.provider === 'microsoft');
    assert.ok(found);
    return found;
  };

  const secrets = async () => (await microsoft()).clientSecrets;

  /** A worker starts every six hours; each warning comes with the time at which it was given. */
  const letPass = async (seconds: number) => {
    const given: [days: unknown, position: unknown, at: string][] = [];
    for (let passed = 0; passed < seconds; passed += 6 * HOUR) {
      await advanceSeconds(world, 6 * HOUR);
      const before = world.log.of('client_secret.expiring').length;
      await watch();
      for (const { fields } of world.log.of('client_secret.expiring').slice(before)) {
        given.push([fields.days, fields.position, new Date(now(world) * 1000).toISOString().slice(0, 10)]);
      }
    }
    return given;
  };

  it('are listed once a worker has met them', async () => {
    assert.deepEqual(await process.administration.appRegistrations.list(), []);
    await watch();
    const list = await process.administration.appRegistrations.list();
    assert.deepEqual(
      list.map(({ provider, clientId, coolDown }) => [provider, clientId, coolDown]),
      [
        ['microsoft', 'client-at-microsoft', undefined],
        ['google', 'client-at-google', undefined],
      ],
    );
  });

  it('tell of each client secret the day it expires, how far away that is, and the warning that stands', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: '2026-12-31' }, { expiresOn: '2027-12-01' }, {}];
    await watch();
    const shown = async () =>
      (await secrets()).map(({ position, daysLeft, warningDays }) => [position, daysLeft, warningDays]);
    const others = [
      [2, 365, undefined],
      [3, undefined, undefined],
    ];
    assert.deepEqual(await shown(), [[1, 30, 60], ...others]);
    // Through its last day it is valid.
    await advanceSeconds(world, Date.UTC(2026, 11, 31, 23, 59, 59) / 1000 - now(world));
    assert.deepEqual((await shown())[0], [1, 0, 1]);
    await advanceSeconds(world, 1);
    assert.deepEqual((await shown())[0], [1, -1, 1]);
  });

  it('warn 60, 30, 7 and 1 days before a client secret expires, once each, whatever restarts', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: '2027-02-28' }, {}];
    assert.deepEqual(await letPass(95 * DAY), [
      [60, 1, '2026-12-31'],
      [30, 1, '2027-01-30'],
      [7, 1, '2027-02-22'],
      [1, 1, '2027-02-28'],
    ]);
  });

  it('warn anew of a client secret with another date, and of that one only', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: '2027-01-10' }, { expiresOn: '2027-01-20' }];
    assert.deepEqual(
      (await letPass(DAY)).map(([days, position]) => [days, position]),
      [
        [60, 1],
        [60, 2],
      ],
    );
    world.microsoft.clientSecrets = [{ expiresOn: '2027-01-11' }, { expiresOn: '2027-01-20' }];
    assert.deepEqual(
      (await letPass(DAY)).map(([days, position]) => [days, position]),
      [[60, 1]],
    );
  });

  it('show that a client secret is refused, and no longer once that has not happened for three hours', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: '2027-02-28' }, {}];
    await watch();
    world.microsoft.failNext({ ...REGISTRATION_REFUSED, refusedClientSecrets: [0] });
    await refresh();
    const refusedAt = now(world);
    assert.deepEqual(
      (await secrets()).map((secret) => secret.refusedAt),
      [refusedAt, undefined],
    );
    assert.deepEqual(world.log.of('client_secret.refused').at(0)?.fields.positions, ['1']);
    await advanceSeconds(world, 3 * HOUR - 1);
    await watch();
    assert.equal((await secrets())[0]?.refusedAt, refusedAt);
    await advanceSeconds(world, 1);
    await watch();
    assert.equal((await secrets())[0]?.refusedAt, undefined);
  });

  it('tell, once, of a client secret that has expired', async () => {
    world.microsoft.clientSecrets = [{ expiresOn: '2026-11-02' }];
    for (let day = 0; day < 3; day++) {
      await advanceSeconds(world, DAY);
      await watch();
    }
    assert.equal(world.log.of('client_secret.expired').length, 1);
    assert.deepEqual(world.log.of('client_secret.expiring'), []);
  });

  it('forget at once that a client secret was refused when another takes its place, and try that one at once', async () => {
    world.microsoft.clientSecrets = [{ fingerprint: 'aaaaaa' }];
    await watch();
    world.microsoft.failNext({ ...REGISTRATION_REFUSED, refusedClientSecrets: [0] });
    await refresh();
    await watch();
    assert.notEqual((await secrets())[0]?.refusedAt, undefined);
    assert.equal((await microsoft()).coolDown?.cause, 'registration');
    world.microsoft.clientSecrets = [{ fingerprint: 'bbbbbb' }];
    await watch();
    assert.equal((await secrets())[0]?.refusedAt, undefined);
    assert.equal((await microsoft()).coolDown, undefined);
  });

  it('tell once of a provider that is being spared: why, since when, and until when', async () => {
    await watch();
    const since = now(world);
    world.microsoft.failNext({ ...unavailable(600), correlationId: 'c-1' });
    await refresh();
    const { coolDown } = await microsoft();
    assert.deepEqual(coolDown && { ...coolDown, failures: 0 }, {
      cause: 'throttled',
      failures: 0,
      since,
      until: since + 600,
      code: 'http_503',
      message: unavailable().message,
      correlationId: 'c-1',
    });
    await advanceSeconds(world, 601);
    assert.notEqual((await microsoft()).coolDown, undefined, 'nobody has found out yet that it is well');
    value((await refresh()) as Awaited<ReturnType<Process['administration']['mailboxes']['refresh']>>);
    assert.equal((await microsoft()).coolDown, undefined);
  });

  it('make no incident of one failed call', async () => {
    await watch();
    world.microsoft.failNext(unavailable());
    await refresh();
    assert.notEqual((await process.records.coolDowns.get({ provider: 'microsoft' })).coolDown, undefined);
    assert.equal((await microsoft()).coolDown, undefined);
  });
});
