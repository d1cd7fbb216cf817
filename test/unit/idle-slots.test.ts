import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
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
