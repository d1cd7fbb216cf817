import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { placeOfAddress } from '../../shared/adapters/http/place.ts';
import { type AttemptScope, lockedFor } from '../../shared/domain/attempts.ts';
import { adminKeyCheck } from '../../shared/usecases/administration/check-admin-key.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  type Office,
  openOffice,
  PLACE,
  type Process,
  startProcess,
  value,
  type World,
} from './support.ts';

const ELSEWHERE = '198.51.100.7';

describe('lockedFor', () => {
  const scopes = fc.constantFrom<AttemptScope>('device_at_place', 'admin_at_place', 'place', 'device');

  it('is at most five minutes, and heals', () => {
    fc.assert(
      fc.property(scopes, fc.nat(1e6), fc.nat(7200), (scope, failures, ago) => {
        const attempts = { failures, lastFailedAt: 1000 };
        const wait = lockedFor(scope, attempts, 1000 + ago);
        assert.ok(wait >= 0 && wait <= 300 - Math.min(ago, 300));
        assert.equal(lockedFor(scope, attempts, 1000 + ago + wait), 0);
      }),
    );
  });

  it('grows with every failure beyond the free ones', () => {
    const waits = Array.from({ length: 20 }, (_, failures) =>
      lockedFor('device_at_place', { failures, lastFailedAt: 0 }, 0),
    );
    assert.deepEqual(waits.slice(8, 19), [0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
  });
});

describe('wrong secrets', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    process = startProcess(world);
    office = await openOffice(process);
  });

  const present = async (clientSecret: string, place = PLACE, clientId = office.device.clientId) => {
    const known = await process.authenticateDevice({ clientId, clientSecret, place });
    return known.ok ? 'known' : known.error.kind;
  };
  const presentWrong = async (times: number, place = PLACE, clientId = office.device.clientId) => {
    const kinds = [];
    for (let time = 0; time < times; time++) kinds.push(await present('wrong', place, clientId));
    return kinds;
  };
  const right = () => office.credential.clientSecret;

  it('lock the credential where they were presented, and there alone', async () => {
    assert.deepEqual(
      await presentWrong(10),
      Array.from({ length: 10 }, () => 'invalid_client'),
    );
    assert.equal(await present('wrong'), 'too_many_attempts');
    assert.equal(await present(right()), 'too_many_attempts');
    assert.equal(await present(right(), ELSEWHERE), 'known');
  });

  it('are forgotten with the right one, once the lock has healed', async () => {
    await presentWrong(10);
    const refused = failure(await process.authenticateDevice(office.credential));
    assert.equal(refused.retryAfterSeconds, 2);
    await advanceSeconds(world, 2);
    assert.equal(await present(right()), 'known');
    assert.deepEqual(
      await presentWrong(10),
      Array.from({ length: 10 }, () => 'invalid_client'),
    );
  });

  it('heal while a device goes on trying: what comes during a lock is not counted', async () => {
    await presentWrong(30);
    for (let second = 0; second < 2; second++) {
      assert.equal(await present('wrong'), 'too_many_attempts');
      await advanceSeconds(world, 1);
    }
    assert.equal(await present(right()), 'known');
  });

  it('are forgotten after an hour', async () => {
    await presentWrong(10);
    await advanceSeconds(world, 3600);
    assert.deepEqual(
      await presentWrong(10),
      Array.from({ length: 10 }, () => 'invalid_client'),
    );
    assert.equal(await present('wrong'), 'too_many_attempts');
  });

  it('of a made-up device look the same, and leave no count of their own', async () => {
    assert.deepEqual(await presentWrong(12, PLACE, 'nosuchdevice'), await presentWrong(12, ELSEWHERE));
    const sql = "SELECT count(*) AS count FROM items WHERE pk = 'attempts#nosuchdevice'";
    assert.equal(world.database.prepare(sql).get()?.count, 0);
  });

  it('leave nothing of a secret that was entered in the place of the client id', async () => {
    const { clientId, clientSecret } = office.credential;
    for (let time = 0; time < 3; time++) assert.equal(await present(clientId, PLACE, clientSecret), 'invalid_client');
    const rows = world.database.prepare('SELECT * FROM items').all();
    assert.ok(rows.some(({ pk, sk }) => pk === `attempts#${PLACE}` && sk === 'device#none'));
    assert.ok(!JSON.stringify([rows, world.log.lines]).includes(clientSecret));
    assert.equal(world.log.of('attempt.refused').length, 3);
  });

  it('of many devices from one place are slowed, and every right one is let through there', async () => {
    for (const last of '23456789ab') await presentWrong(10, PLACE, `scanner2222${last}`);
    assert.equal(await present('wrong'), 'too_many_attempts');
    assert.equal(await present(right()), 'known');
    assert.equal(await present('wrong', ELSEWHERE), 'invalid_client');
  });

  it('of one device from many places never lock it out', async () => {
    for (let place = 0; place < 20; place++) await presentWrong(10, `203.0.113.${place}`);
    assert.equal(await present('wrong', ELSEWHERE), 'too_many_attempts');
    assert.equal(await present(right(), ELSEWHERE), 'known');
  });

  it('are all counted, also at once from several processes', async () => {
    const others = [startProcess(world), startProcess(world)];
    const credential = { ...office.credential, clientSecret: 'wrong' };
    await Promise.all(Array.from({ length: 30 }, (_, index) => others[index % 2]?.authenticateDevice(credential)));
    const counted = await process.records.attempts.get(PLACE, `device#${office.device.clientId}`);
    assert.equal(counted?.failures, 30);
  });

  it('of a disabled device are not told from the right one, which counts for nothing', async () => {
    value(await process.administration.devices.update(office.device.clientId, { enabled: false }));
    for (let time = 0; time < 20; time++) assert.equal(await present(right()), 'invalid_client');
    value(await process.administration.devices.update(office.device.clientId, { enabled: true }));
    assert.equal(await present(right()), 'known');
  });

  it('are refused also where they cannot be counted', async () => {
    const table = {
      ...world.table,
      write: async () => {
        throw new Error('throttled');
      },
    };
    const hindered = startProcess(world, { table });
    const wrong = { ...office.credential, clientSecret: 'wrong' };
    assert.equal(failure(await hindered.authenticateDevice(wrong)).kind, 'invalid_client');
  });

  it('in place of the admin key lock even the right one out for a while', async () => {
    const { checkAdminKey } = adminKeyCheck({ ...process, adminKey: 'correct horse' });
    for (let time = 0; time < 100; time++) {
      assert.equal(failure(await checkAdminKey('wrong', PLACE)).kind, 'invalid_admin_key');
    }
    const { kind, retryAfterSeconds = 0 } = failure(await checkAdminKey('correct horse', PLACE));
    assert.equal(kind, 'too_many_attempts');
    value(await checkAdminKey('correct horse', ELSEWHERE));
    await advanceSeconds(world, retryAfterSeconds);
    value(await checkAdminKey('correct horse', PLACE));
  });
});

describe('a place', () => {
  it('is an IPv4 address, however it is written, or the network of an IPv6 subscriber', () => {
    assert.equal(placeOfAddress('192.0.2.1'), '192.0.2.1');
    assert.equal(placeOfAddress('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(placeOfAddress('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(placeOfAddress('2001:DB8::1'), '2001:db8:0:0::/64');
    assert.equal(placeOfAddress('2001:db8:0:0:ffff::'), '2001:db8:0:0::/64');
    assert.equal(placeOfAddress('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(placeOfAddress('::1'), '0:0:0:0::/64');
  });
});
