import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { USER_IDLE_SECONDS } from '../../shared/domain/idle-slot.ts';
import {
  advanceSeconds,
  failure,
  makeWorld,
  type Office,
  type Process,
  signedInOffice,
  signIn,
  startProcess,
  tokenRequest,
  tokenStatusOf,
  value,
  type World,
} from './support.ts';

const HOUR = 3600;

describe("a person's own slot", () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
    await bind('user:jan');
  });

  const devices = () => process.administration.devices;
  const bind = async (slot: string) => value(await devices().bind(office.device.clientId, slot, office.mailbox.id));
  const allowIdle = async (userIdleSeconds: number) =>
    value(await devices().update(office.device.clientId, { userIdleSeconds }));
  const sweep = async () => {
    await process.sweepIdleSlots();
    await process.workGrants();
  };
  const isBound = async (slot: string) =>
    (await process.records.devices.binding(office.device.clientId, slot)) !== undefined;
  const handIn = (slot: string) =>
    process.acceptMessage({
      ...office.credential,
      slot,
      message: Buffer.from('From: scan@contoso.example\r\nTo: ann@contoso.example\r\n\r\nSee below.\r\n'),
      envelopeTo: undefined,
      idempotencyKey: undefined,
    });
  const fetch = async (slot: string) => value(await process.fetchToken(tokenRequest(office.credential, { slot })));

  it('stays for ever where nobody switched on that it is emptied', async () => {
    await advanceSeconds(world, 400 * 24 * HOUR);
    await sweep();
    assert.ok(await isBound('user:jan'));
  });

  it('is emptied when its user has been away for as long as is allowed, from the binding or the last fetch', async () => {
    await allowIdle(HOUR);
    await advanceSeconds(world, HOUR - 1);
    await sweep();
    await fetch('user:jan');
    await advanceSeconds(world, HOUR - 1);
    await sweep();
    assert.ok(await isBound('user:jan'));
    await advanceSeconds(world, 1);
    await sweep();
    assert.equal(await isBound('user:jan'), false);
    assert.equal(
      failure(await process.fetchToken(tokenRequest(office.credential, { slot: 'user:jan' }))).kind,
      'slot_not_bound',
    );
    const [newest] = await process.records.audit.list(office.organization.id, 1);
    assert.deepEqual([newest?.action, newest?.by], ['slot.given-up', 'broker']);
  });

  it('takes its sign-in with it, unless something else uses the mailbox', async () => {
    await allowIdle(HOUR);
    await advanceSeconds(world, HOUR);
    await sweep();
    assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired', 'the slot scan uses it');
    await bind('user:eva');
    value(await devices().unbind(office.device.clientId, 'scan'));
    await advanceSeconds(world, HOUR);
    await sweep();
    assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
  });

  it('alone is emptied, and no slot that an administrator bound', async () => {
    await allowIdle(HOUR);
    await advanceSeconds(world, 100 * HOUR);
    await sweep();
    assert.ok(await isBound('scan'));
  });

  it('is left alone again once that is switched off', async () => {
    await allowIdle(HOUR);
    await allowIdle(0);
    await advanceSeconds(world, 100 * HOUR);
    assert.equal(await process.sweepIdleSlots(), 0);
    assert.ok(await isBound('user:jan'));
  });

  it('is in use by the mail that is handed in for it, which is noted as a fetch is (R17)', async () => {
    await allowIdle(HOUR);
    for (let time = 0; time < 3; time++) {
      await advanceSeconds(world, HOUR - 1);
      value(await handIn('user:jan'));
      await sweep();
      assert.ok(await isBound('user:jan'));
    }
    await advanceSeconds(world, HOUR);
    await sweep();
    assert.equal(await isBound('user:jan'), false);
  });

  it('is never emptied under the hands of who uses it every ten minutes, at the least that is allowed', async () => {
    await allowIdle(USER_IDLE_SECONDS.least);
    for (let time = 0; time < 12; time++) {
      await advanceSeconds(world, 599);
      await sweep();
      assert.ok(await isBound('user:jan'), `the ${time}th time`);
      if (time < 6) await fetch('user:jan');
      else value(await handIn('user:jan'));
    }
  });

  it('is kept for the least that is allowed, though less was allowed when the device was set up', async () => {
    await allowIdle(600);
    await advanceSeconds(world, USER_IDLE_SECONDS.least - 1);
    await sweep();
    assert.ok(await isBound('user:jan'));
    await advanceSeconds(world, 1);
    await sweep();
    assert.equal(await isBound('user:jan'), false);
  });

  describe('of a device that is removed', () => {
    const assertNobodyIsSignedIn = async () => {
      assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
      assert.deepEqual(await process.records.devices.bindings(office.device.clientId), []);
      assert.deepEqual(await process.records.mailboxes.boundDevices(office.mailbox.id), []);
      assert.equal(await process.sweepIdleSlots(), 0, 'nothing is left to be done');
    };

    beforeEach(async () => {
      await bind('user:eva');
      value(await devices().unbind(office.device.clientId, 'scan'));
    });

    it('takes its sign-in with it', async () => {
      value(await devices().remove(office.device.clientId));
      await assertNobodyIsSignedIn();
    });

    it('takes it with it by the next sweep where the device removed itself (RFC 7592)', async () => {
      const made = value(await devices().create(office.organization.id, { clientName: 'Other' }));
      const { clientId } = made.device;
      for (const slot of ['user:jan', 'fax']) value(await devices().bind(clientId, slot, office.mailbox.id));
      value(await devices().remove(office.device.clientId));
      assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired', 'the other device uses it');
      value(await process.manageRegistration.remove(clientId, made.registrationAccessToken));
      assert.deepEqual(
        (await process.records.devices.bindings(clientId)).map(({ slot }) => slot),
        ['user:jan'],
      );
      await sweep();
      assert.deepEqual(await process.records.devices.bindings(clientId), []);
      await assertNobodyIsSignedIn();
    });
  });

  describe('beside one that an administrator bound', () => {
    it('leaves alone the mailbox of a slot that an administrator bound', async () => {
      value(await devices().unbind(office.device.clientId, 'user:jan'));
      assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired', 'the slot scan uses it');
      value(await devices().unbind(office.device.clientId, 'scan'));
      assert.equal(
        await tokenStatusOf(process, office.mailbox),
        'acquired',
        'it is the organization that signed it in',
      );
      await bind('scan');
      value(await devices().remove(office.device.clientId));
      assert.equal(await tokenStatusOf(process, office.mailbox), 'acquired');
    });
  });

  it('that an administrator unbinds takes its sign-in with it, and the log tells who did it', async () => {
    value(await devices().unbind(office.device.clientId, 'scan'));
    await advanceSeconds(world, 1);
    value(await devices().unbind(office.device.clientId, 'user:JAN'));
    assert.equal(await tokenStatusOf(process, office.mailbox), 'not_acquired');
    const [newest] = await process.records.audit.list(office.organization.id, 1);
    assert.deepEqual([newest?.action, newest?.by], ['slot.given-up', 'admin']);
    assert.equal(failure(await devices().unbind(office.device.clientId, 'user:jan')).kind, 'not_found');
  });

  it('survives an old message, and one that comes twice', async () => {
    await allowIdle(HOUR);
    await advanceSeconds(world, HOUR);
    for (let time = 0; time < 3; time++) await process.sweepIdleSlots();
    await startProcess(world).fetchToken(tokenRequest(office.credential, { slot: 'user:jan' }));
    await process.workGrants();
    assert.ok(await isBound('user:jan'), 'its user came back while the message was on its way');
    assert.equal(await process.sweepIdleSlots(), 0, 'it is due again only when it may be idle');
  });
});

describe('a fetch after a sign-in', () => {
  it('is noted at once, though one before it was noted just now (R29)', async () => {
    const world = makeWorld();
    const { process, ...office } = await signedInOffice(world);
    const told = async () =>
      value(await process.readDeviceStatus(office.credential)).slots.map(({ binding, mailbox }) => [
        binding?.lastFetchedAt,
        mailbox?.signedInAt,
      ])[0];
    await advanceSeconds(world, 10);
    value(await process.fetchToken(tokenRequest(office.credential)));
    const [first = 0] = (await told()) ?? [];
    await advanceSeconds(world, 10);
    value(await signIn(world, process, office.mailbox));
    const [fetchedAt = 0, signedInAt = 0] = (await told()) ?? [];
    assert.equal(fetchedAt, first);
    assert.ok(fetchedAt < signedInAt, 'signed in, and not fetched since');
    await advanceSeconds(world, 10);
    value(await process.fetchToken(tokenRequest(office.credential)));
    assert.equal((await told())?.[0], signedInAt + 10);
  });
});
