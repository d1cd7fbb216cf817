import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openDeviceStore } from '../../../gateway/access/device-store.ts';
import type { Devices } from '../../../gateway/access/devices.ts';
import { type ListedDevice, makeDevices } from '../../../gateway/access/make-devices.ts';
import { makeWrongAttempts } from '../../../gateway/access/wrong-attempts.ts';
import { brokerError, type ErrorKind } from '../../../shared/domain/errors.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { manualClock } from '../../fakes/manual-clock.ts';
import { type MemoryLog, memoryLog } from '../../fakes/memory-log.ts';
import { failure, value } from '../support.ts';

const SECRET = 'made-up-secret-of-one';
const DAY = 86_400;

/** Whoever sleeps has time pass for all. */
const hastyClock = () => {
  let now = Date.UTC(2026, 11, 1);
  const sleep = async (milliseconds: number): Promise<void> => {
    now += milliseconds;
  };
  return { now: () => now, sleep };
};

describe('devices at a gateway', () => {
  let clock: ReturnType<typeof hastyClock>;
  let link: ScriptedLink;
  let log: MemoryLog;
  let folder: string;
  let listed: readonly ListedDevice[];
  let devices: Devices;

  const start = async (): Promise<void> => {
    const store = await openDeviceStore(join(folder, 'devices.json'), log);
    devices = makeDevices({ link, store, listed: () => listed, clock, log });
  };

  beforeEach(async () => {
    clock = hastyClock();
    link = scriptedLink(clock);
    log = memoryLog();
    folder = await mkdtemp(join(tmpdir(), 'gateway-devices-'));
    listed = [];
    link.enrol(SECRET, servedDevice('abcd1234'));
    await start();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const signIn = (user = 'abcd1234', password = SECRET, address = '192.0.2.7') =>
    devices.signIn({ user, password, defaultSlot: 'scan', address });
  const advance = (seconds: number) => clock.sleep(seconds * 1000);
  const kindOf = async (signedIn: ReturnType<typeof signIn>): Promise<ErrorKind> => failure(await signedIn).kind;
  const slotOf = async (user: string) => value(await signIn(user)).slot;

  describe('while the broker can be asked', () => {
    it('are asked about at most once a minute', async () => {
      for (let at = 0; at <= 60; at += 10) {
        value(await signIn());
        if (at < 60) await advance(10);
      }
      assert.equal(link.admits.length, 1);
      await advance(1);
      value(await signIn());
      assert.equal(link.admits.length, 2);
    });

    it('are asked about once when a hundred sign in at the same moment', async () => {
      link.gate.close();
      const all = Promise.all(Array.from({ length: 100 }, () => signIn()));
      await new Promise(setImmediate);
      link.gate.open();
      for (const one of await all) value(one);
      assert.equal(link.calls, 1);
    });

    it('are never let in with a wrong secret, though the right one is known', async () => {
      value(await signIn());
      assert.equal(await kindOf(signIn('abcd1234', 'wrong')), 'invalid_client');
      assert.equal(await kindOf(signIn('abcd1234', '')), 'invalid_client');
      value(await signIn());
      assert.equal(link.admits.length, 3, 'the right one was still known');
    });

    it('are refused within a minute of being disabled', async () => {
      value(await signIn());
      link.disable('abcd1234');
      await advance(61);
      assert.equal(await kindOf(signIn()), 'invalid_client');
    });

    it('are named in any letter case, with a slot or without', async () => {
      assert.equal(await slotOf('ABCD1234'), 'scan');
      assert.equal(await slotOf(' AbCd1234+FAX '), 'fax');
      assert.equal(await slotOf('abcd1234+user:Ann'), 'user:ann');
      assert.deepEqual(
        link.admits.map(({ clientId, slot }) => `${clientId}+${slot}`),
        ['abcd1234+scan', 'abcd1234+fax', 'abcd1234+user:ann'],
      );
      const received = value(
        await devices.signIn({ user: 'abcd1234', password: SECRET, defaultSlot: 'receive', address: '192.0.2.7' }),
      );
      assert.equal(received.slot, 'receive');
    });

    it('are told of a slot that is none, without the broker', async () => {
      for (const user of ['abcd1234+nonsense', 'abcd1234+', 'abcd1234+scan+fax', '+']) {
        assert.equal(await kindOf(signIn(user)), 'slot_not_bound', user);
      }
      assert.equal(link.calls, 0);
    });

    it('are known to the broker by their plain address', async () => {
      value(await signIn('abcd1234', SECRET, '::ffff:192.0.2.7'));
      assert.equal(link.admits[0]?.address, '192.0.2.7');
    });
  });

  describe('while the broker cannot be reached', () => {
    it('are let in for seven days, over a restart as well, with the right secret alone', async () => {
      value(await signIn());
      link.line = 'down';
      await advance(7 * DAY);
      await start();
      value(await signIn());
      assert.equal(await kindOf(signIn('abcd1234', 'wrong')), 'broker_unreachable');
      assert.equal(await kindOf(signIn('abcd1234+fax')), 'broker_unreachable', 'it has proven itself for scan alone');
      await advance(1);
      assert.equal(await kindOf(signIn()), 'broker_unreachable');
    });

    it('ask again after half a minute, not for each of a fleet', async () => {
      for (let number = 0; number < 20; number++) link.enrol(SECRET, servedDevice(`device${number}`));
      const fleet = () => Promise.all(Array.from({ length: 20 }, (_, number) => signIn(`device${number}`)));
      await fleet();
      await advance(61);
      link.line = 'down';
      value(await signIn('device0'));
      const before = link.calls;
      for (const one of await fleet()) value(one);
      assert.equal(link.calls, before);
      await advance(30);
      link.line = 'up';
      link.disable('device0');
      assert.equal(await kindOf(signIn('device0')), 'invalid_client');
    });

    it('are not let in, for no slot, once the broker has refused them', async () => {
      value(await signIn());
      value(await signIn('abcd1234+fax'));
      link.disable('abcd1234');
      await advance(61);
      assert.equal(await kindOf(signIn()), 'invalid_client');
      link.line = 'down';
      assert.equal(await kindOf(signIn()), 'broker_unreachable');
      assert.equal(await kindOf(signIn('abcd1234+fax')), 'broker_unreachable');
      await start();
      assert.equal(await kindOf(signIn()), 'broker_unreachable');
    });

    it('are let in by their other slots where one was taken from them', async () => {
      value(await signIn());
      value(await signIn('abcd1234+fax'));
      await advance(61);
      link.refuse('admit', brokerError('slot_not_bound'));
      assert.equal(await kindOf(signIn()), 'slot_not_bound');
      link.line = 'down';
      assert.equal(await kindOf(signIn()), 'broker_unreachable');
      value(await signIn('abcd1234+fax'));
    });

    it('are let in though somebody guessed, or the broker could not say', async () => {
      value(await signIn());
      await advance(61);
      await signIn('abcd1234', 'guessed', '192.0.2.66');
      for (const kind of ['too_many_attempts', 'vault_unavailable', 'internal'] as const) {
        link.refuse('admit', brokerError(kind));
        assert.equal(await kindOf(signIn()), kind);
      }
      link.line = 'down';
      value(await signIn());
    });
  });

  describe('who are wrong', () => {
    it('wait ever longer for the answer, up to three seconds', async () => {
      const waits: number[] = [];
      for (let time = 0; time < 14; time++) {
        const before = clock.now();
        await signIn(`guess${time}`, 'wrong');
        waits.push(clock.now() - before);
      }
      assert.deepEqual(waits.slice(0, 3), [250, 500, 750]);
      assert.deepEqual(waits.slice(-3), [3000, 3000, 3000]);
    });

    it('are locked at their address after ten, for longer than they had to wait, the right one with them, and heard again when the time is over', async () => {
      for (let time = 0; time < 11; time++) assert.equal(await kindOf(signIn('abcd1234', 'wrong')), 'invalid_client');
      const asked = link.admits.length;
      const locked = failure(await signIn());
      assert.equal(locked.kind, 'too_many_attempts');
      assert.equal(link.admits.length, asked);
      assert.ok(locked.retryAfterSeconds && locked.retryAfterSeconds > 0);
      await advance(locked.retryAfterSeconds);
      value(await signIn());
      assert.equal(await kindOf(signIn('abcd1234', 'wrong')), 'invalid_client', 'counted anew');
    });

    it('lock the device neither at another address nor there by an address written otherwise', async () => {
      for (let time = 0; time < 12; time++) await signIn('abcd1234', 'wrong', '192.0.2.66');
      value(await signIn());
      assert.equal(await kindOf(signIn('abcd1234', SECRET, '::ffff:192.0.2.66')), 'too_many_attempts');
    });

    it('lock an address after a hundred only for what is wrong', async () => {
      for (let time = 0; time < 100; time++) await signIn(`guess${time}`, 'wrong');
      assert.equal(await kindOf(signIn('guess', 'wrong')), 'too_many_attempts');
      value(await signIn());
    });
  });

  describe('that cannot sign in', () => {
    beforeEach(() => {
      listed = [
        { network: '192.168.7.0/24', clientId: 'ABCD1234', clientSecret: SECRET, slot: 'scan' },
        { network: '2001:db8:7::/48', clientId: 'abcd1234', clientSecret: SECRET, slot: 'fax' },
        { network: '10.1.2.3', clientId: 'abcd1234', clientSecret: SECRET, slot: 'alerts' },
        { network: '10.9.9.9', clientId: 'abcd1234', clientSecret: 'old', slot: 'alerts' },
      ];
    });

    it('are known by their network, of either family', async () => {
      for (const [address, slot] of [
        ['192.168.7.9', 'scan'],
        ['::ffff:192.168.7.200', 'scan'],
        ['::FFFF:192.168.7.200', 'scan'],
        ['2001:db8:7::1', 'fax'],
        ['10.1.2.3', 'alerts'],
      ] as const) {
        const found = await devices.listed(address);
        assert.ok(found, address);
        assert.equal(value(found).slot, slot);
      }
      assert.equal(link.admits[0]?.clientId, 'abcd1234');
    });

    it('are nobody elsewhere', async () => {
      for (const address of [
        '192.168.8.9',
        '10.1.2.4',
        '2001:db8:8::1',
        '::1',
        '::ffff:10.1.2.4',
        'fe80::1%eth0',
        '',
      ]) {
        assert.equal(await devices.listed(address), undefined, address);
      }
      assert.equal(link.calls, 0);
    });

    it('are refused with the secret that the settings have, as any other', async () => {
      const found = await devices.listed('10.9.9.9');
      assert.equal(found && failure(found).kind, 'invalid_client');
    });
  });

  describe('on disk', () => {
    const file = () => join(folder, 'devices.json');

    it('are there without their secret, for the owner alone', async () => {
      value(await signIn());
      const text = await readFile(file(), 'utf8');
      assert.ok(text.includes('abcd1234') && !text.includes(SECRET));
      assert.equal((await stat(file())).mode & 0o077, 0);
    });

    it('are there as soon as each has signed in, however many come at once', async () => {
      for (let number = 0; number < 50; number++) link.enrol(SECRET, servedDevice(`device${number}`));
      await Promise.all(
        Array.from({ length: 50 }, async (_, number) => {
          value(await signIn(`device${number}`));
          assert.ok((await readFile(file(), 'utf8')).includes(`"device${number}+scan"`));
        }),
      );
    });

    it('prove themselves anew where the file is damaged', async () => {
      await writeFile(file(), '{"abcd1234+scan": {}}');
      await start();
      assert.equal(log.of('devices.unreadable').length, 1);
      value(await signIn());
    });

    it('are let in, and refused, though nothing can be written', async () => {
      await rm(folder, { recursive: true });
      value(await signIn());
      link.disable('abcd1234');
      await advance(61);
      assert.equal(await kindOf(signIn()), 'invalid_client');
      assert.equal(log.of('devices.not_saved').length, 2);
    });
  });

  it('does not keep long names that somebody makes up', async () => {
    const wrong = makeWrongAttempts(manualClock());
    const name = 'x'.repeat(100_000);
    for (let time = 0; time < 11; time++) void wrong.refuse('192.0.2.7', name + time);
    assert.ok(wrong.lockedFor('192.0.2.7', name) > 0, 'counted under their beginning');
  });
});
